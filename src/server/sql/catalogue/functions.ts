/** The functions of PostgreSQL that catalogue statements call, as macros of DuckDB. `@name` as in `relations.ts`. */

/** The parameters and the body of a macro; several where the function takes a different number of arguments. */
export type Macro = readonly [parameters: string, body: string];

/** The answer is the same for every object: all are visible, and the one user may do everything. */
const constant = (value: string, ...parameters: readonly string[]): readonly Macro[] =>
  parameters.map((list) => [list, value]);

const PRIVILEGES = ['database', 'schema', 'table', 'any_column', 'function', 'sequence', 'type', 'language', 'tablespace', 'server', 'foreign_data_wrapper']; // biome-ignore format: one list
const VISIBLE = ['table', 'type', 'function', 'operator', 'opclass', 'opfamily', 'collation', 'conversion', 'statistics_obj', 'ts_config', 'ts_dict', 'ts_parser', 'ts_template']; // biome-ignore format: one list

/** Names that PostgreSQL quotes because they are reserved. */
const RESERVED =
  'all|and|any|array|as|asc|case|check|collate|column|constraint|create|default|desc|distinct|do|else|end|except|false|fetch|for|foreign|from|grant|group|having|in|intersect|into|limit|not|null|offset|on|only|or|order|primary|references|returning|select|table|then|to|true|union|unique|user|using|when|where|window|with';

const quoted = (name: string) => `@quote_ident(${name})`;
const qualified = `CASE WHEN schema IN (current_schema(), 'temp', 'pg_catalog') THEN ${quoted('name')} ELSE ${quoted('schema')} || '.' || ${quoted('name')} END`;
const nameList = (names: string) =>
  `array_to_string(list_transform(${names}, lambda n: @quote_ident(n)), ', ')`;
/** A name in a text, such as `"my schema"."t"`, as its parts. */
const parts = (text: string) =>
  `list_transform(regexp_extract_all(${text}, '"(?:[^"]|"")*"|[^".]+'), lambda p: CASE WHEN starts_with(p, '"') THEN replace(p[2:-2], '""', '"') ELSE lower(p) END)`;

export const FUNCTIONS: Readonly<Record<string, readonly Macro[]>> = {
  ...Object.fromEntries(
    PRIVILEGES.map((kind) => [`has_${kind}_privilege`, constant('true', 'a, b', 'a, b, c')]),
  ),
  has_column_privilege: constant('true', 'a, b, c', 'a, b, c, d'),
  pg_has_role: constant('true', 'a, b', 'a, b, c'),
  ...Object.fromEntries(
    VISIBLE.map((kind) => [`pg_${kind}_is_visible`, constant('object IS NOT NULL', 'object')]),
  ),
  pg_table_is_visible: [
    [
      'object',
      `object < 16384 OR object IN (SELECT oid FROM @_class WHERE schema IN (current_schema(), 'temp'))`,
    ],
  ],
  quote_ident: [
    [
      'name',
      `CASE WHEN regexp_full_match(name, '[a-z_][a-z0-9_$]*') AND NOT regexp_full_match(name, '${RESERVED}') THEN name ELSE '"' || replace(name, '"', '""') || '"' END`,
    ],
  ],
  quote_literal: [['value', `'''' || replace(value::VARCHAR, '''', '''''') || ''''`]],
  format_type: [
    [
      'type, modifier',
      `(SELECT CASE WHEN typcategory = 'A' AND typelem <> 0 THEN @_type_name(typelem::BIGINT, substr(typname, 2)) || '[]'
        WHEN oid = 1700 AND modifier > 0 THEN 'numeric(' || (((modifier - 4) >> 16)::VARCHAR) || ',' || (((modifier - 4) & 65535)::VARCHAR) || ')'
        ELSE @_type_name(oid, typname) END FROM @pg_type WHERE oid = type)`,
    ],
  ],
  _type_name: [
    [
      'type, name',
      `CASE type WHEN 16 THEN 'boolean' WHEN 18 THEN '"char"' WHEN 20 THEN 'bigint' WHEN 21 THEN 'smallint' WHEN 23 THEN 'integer' WHEN 700 THEN 'real'
        WHEN 701 THEN 'double precision' WHEN 1042 THEN 'character' WHEN 1043 THEN 'character varying' WHEN 1083 THEN 'time without time zone'
        WHEN 1114 THEN 'timestamp without time zone' WHEN 1184 THEN 'timestamp with time zone' WHEN 1266 THEN 'time with time zone'
        WHEN 1560 THEN 'bit' WHEN 1562 THEN 'bit varying' ELSE name END`,
    ],
  ],
  pg_get_userbyid: [
    ['role', `CASE role WHEN 10 THEN @user ELSE 'unknown (OID=' || role || ')' END`],
  ],
  pg_get_expr: [
    ['node, relation', 'node'],
    ['node, relation, pretty', 'node'],
  ],
  pg_get_viewdef: [
    ['view', `(SELECT definition FROM @_view_text WHERE oid = view)`],
    ['view, pretty', `(SELECT definition FROM @_view_text WHERE oid = view)`],
  ],
  pg_get_constraintdef: [
    ['object', '@_constraint_text(object)'],
    ['object, pretty', '@_constraint_text(object)'],
  ],
  _constraint_text: [
    [
      'object',
      `(SELECT CASE k.type WHEN 'p' THEN 'PRIMARY KEY (' || ${nameList('k.names')} || ')' WHEN 'u' THEN 'UNIQUE (' || ${nameList('k.names')} || ')'
        WHEN 'f' THEN 'FOREIGN KEY (' || ${nameList('k.names')} || ') REFERENCES ' || @regclass_name(k.ftable) || '(' || ${nameList('k.fnames')} || ')'
        ELSE 'CHECK (' || k.expression || ')' END FROM @_constraint k WHERE k.oid = object)`,
    ],
  ],
  pg_get_indexdef: [
    ['object', '@_index_text(object)'],
    [
      'object, nth, pretty',
      `CASE nth WHEN 0 THEN @_index_text(object) ELSE (SELECT expressions[nth] FROM @_index WHERE oid = object) END`,
    ],
  ],
  _index_text: [
    [
      'object',
      `(SELECT 'CREATE ' || CASE WHEN is_unique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || ${quoted('name')} || ' ON ' || ${quoted('schema')} || '.' || ${quoted('"table"')}
        || ' USING btree (' || array_to_string(expressions, ', ') || ')' FROM @_index WHERE oid = object)`,
    ],
  ],
  pg_get_function_arguments: [['object', '@_arguments(object)']],
  pg_get_function_identity_arguments: [['object', '@_arguments(object)']],
  _arguments: [
    [
      'object',
      `(SELECT array_to_string(list_transform(argument_names, lambda n, i: n || ' ' || argument_types[i]), ', ') FROM @_function WHERE oid = object)`,
    ],
  ],
  pg_get_function_result: [['object', '(SELECT returns FROM @_function WHERE oid = object)']],
  pg_get_functiondef: [['object', '(SELECT source FROM @_function WHERE oid = object)']],
  ...Object.fromEntries(
    [
      'pg_get_function_sqlbody',
      'pg_get_partkeydef',
      'pg_get_triggerdef',
      'pg_get_ruledef',
      'pg_get_statisticsobjdef_columns',
      'pg_get_statisticsobjdef',
      'pg_tablespace_location',
    ].map((name) => [name, constant('NULL::VARCHAR', 'object', 'object, pretty')]),
  ),
  pg_get_serial_sequence: constant('NULL::VARCHAR', '"table", "column"'),
  pg_describe_object: constant('NULL::VARCHAR', 'class, object, sub'),
  pg_index_column_has_property: [
    ['object, nth, property', `property IN ('asc', 'nulls_last', 'orderable', 'returnable')`],
  ],
  pg_relation_is_publishable: constant('true', 'relation'),
  ...Object.fromEntries(
    [
      'pg_table_size',
      'pg_relation_size',
      'pg_total_relation_size',
      'pg_indexes_size',
      'pg_tablespace_size',
      'pg_database_size',
      'pg_stat_get_numscans',
    ].map((name) => [name, constant('0::BIGINT', 'object')]),
  ),
  obj_description: [
    [
      'object, class',
      `(SELECT description FROM @pg_description d JOIN @pg_class c ON c.oid = d.classoid WHERE d.objoid = object AND d.objsubid = 0 AND c.relname = class)`,
    ],
    [
      'object',
      '(SELECT any_value(description) FROM @pg_description WHERE objoid = object AND objsubid = 0)',
    ],
  ],
  col_description: [
    [
      'object, nth',
      '(SELECT description FROM @pg_description WHERE classoid = 1259 AND objoid = object AND objsubid = nth)',
    ],
  ],
  shobj_description: constant('NULL::VARCHAR', 'object, class'),
  regclass_name: [
    [
      'object',
      `CASE object WHEN 0 THEN '-' ELSE coalesce((SELECT ${qualified} FROM @_class WHERE oid = object), object::VARCHAR) END`,
    ],
  ],
  regclass_oid: [
    [
      'text',
      `CASE WHEN regexp_full_match(text, '\\d+') THEN TRY_CAST(text AS BIGINT) ELSE (SELECT oid FROM @_class WHERE name = ${parts('text')}[-1]
        AND (len(${parts('text')}) = 1 AND schema IN (current_schema(), 'temp', 'pg_catalog') OR schema = ${parts('text')}[-2]) ORDER BY schema = 'temp' DESC LIMIT 1) END`,
    ],
  ],
  to_regclass: [['text', '@regclass_oid(text)']],
  regtype_name: [['type', `@format_type(type, NULL)`]],
  regtype_oid: [
    [
      'text',
      `CASE WHEN regexp_full_match(text, '\\d+') THEN TRY_CAST(text AS BIGINT) ELSE (SELECT oid FROM @pg_type
        WHERE typname = ${parts('text')}[-1] OR @_type_name(oid, typname) = lower(text) OR (typcategory = 'A' AND typelem <> 0 AND @_type_name(typelem::BIGINT, substr(typname, 2)) || '[]' = lower(text))
        ORDER BY oid LIMIT 1) END`,
    ],
  ],
  to_regtype: [['text', '@regtype_oid(text)']],
  regnamespace_name: [['object', '(SELECT name FROM @_namespace WHERE oid = object)']],
  regnamespace_oid: [
    [
      'text',
      `CASE WHEN regexp_full_match(text, '\\d+') THEN TRY_CAST(text AS BIGINT) ELSE (SELECT oid FROM @_namespace WHERE name = ${parts('text')}[-1]) END`,
    ],
  ],
  regproc_name: [
    [
      'object',
      `CASE object WHEN 0 THEN '-' ELSE coalesce((SELECT proname FROM @pg_proc WHERE oid = object), object::VARCHAR) END`,
    ],
  ],
  regproc_oid: [
    ['text', `(SELECT oid FROM @pg_proc WHERE proname = ${parts('text')}[-1] LIMIT 1)`],
  ],
  regrole_name: [['role', '@user']],
  regrole_oid: [['text', '10']],
  current_database: [['', '@database']],
  current_setting: [
    [
      'parameter',
      '(SELECT any_value(pgs.setting) FROM @pg_settings pgs WHERE lower(pgs.name) = lower(parameter))',
    ],
    [
      'parameter, missing',
      '(SELECT any_value(pgs.setting) FROM @pg_settings pgs WHERE lower(pgs.name) = lower(parameter))',
    ],
  ],
  set_config: [['setting, value, is_local', 'value']],
  current_schema: [['', `current_schema()`]],
  current_schemas: [
    [
      'implicit',
      `CASE WHEN implicit THEN ['pg_catalog', current_schema()] ELSE [current_schema()] END`,
    ],
  ],
  version: [['', `'PostgreSQL 14.0 (RVBBIT, DuckDB ' || version() || ')'`]],
  pg_backend_pid: [['', '1']],
  pg_is_in_recovery: [['', 'false']],
  pg_is_wal_replay_paused: [['', 'false']],
  pg_my_temp_schema: [['', '0']],
  pg_is_other_temp_schema: [['object', 'false']],
  pg_encoding_to_char: [['encoding', `CASE encoding WHEN 6 THEN 'UTF8' ELSE '' END`]],
  pg_char_to_encoding: [
    ['name', `CASE upper(replace(name, '-', '')) WHEN 'UTF8' THEN 6 ELSE -1 END`],
  ],
  getdatabaseencoding: [['', `'UTF8'`]],
  pg_advisory_unlock_all: [['', `''`]],
  pg_advisory_lock: constant(`''`, 'a', 'a, b'),
  pg_try_advisory_lock: constant('true', 'a', 'a, b'),
  pg_advisory_unlock: constant('true', 'a', 'a, b'),
  age: [['transaction', '0']],
  array_upper: [['list, dimension', 'nullif(len(list), 0)']],
  array_lower: [['list, dimension', 'CASE WHEN len(list) > 0 THEN 1 END']],
  array_remove: [['list, value', 'list_filter(list, lambda e: e IS DISTINCT FROM value)']],
  _pg_expandarray: [['list', `unnest(list_transform(list, lambda e, i: {'x': e, 'n': i}))`]],
  _elements: [['list', 'list']],
  pg_size_pretty: [['bytes', 'format_bytes(bytes)']],
};

/** Functions of DuckDB that do the same under another name. */
export const RENAMED: Readonly<Record<string, string>> = {
  json_build_object: 'json_object',
  jsonb_build_object: 'json_object',
  json_build_array: 'json_array',
  json_agg: 'json_group_array',
  jsonb_agg: 'json_group_array',
};

/** Functions in FROM, as tables. */
export const TABLE_FUNCTIONS: Readonly<Record<string, Macro>> = {
  pg_show_all_settings: ['', 'SELECT * FROM @pg_settings'],
  pg_get_keywords: [
    '',
    `SELECT keyword_name AS word, CASE keyword_category WHEN 'reserved' THEN 'R' WHEN 'column_name' THEN 'C' WHEN 'type_function' THEN 'T' ELSE 'U' END AS catcode,
      true AS barelabel, keyword_category AS catdesc, '' AS baredesc FROM duckdb_keywords()`,
  ],
  pg_partition_ancestors: ['relation', 'SELECT relation AS relid WHERE false'],
};

/** What the server says of itself as PostgreSQL, in `pg_settings` and `current_setting`. */
export const SETTINGS: Readonly<Record<string, string>> = {
  server_version: '14.0',
  server_version_num: '140000',
  server_encoding: 'UTF8',
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  integer_datetimes: 'on',
  datestyle: 'ISO, MDY',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  max_index_keys: '32',
  max_identifier_length: '63',
  transaction_isolation: 'repeatable read',
  default_transaction_read_only: 'off',
  search_path: 'main',
  is_superuser: 'on',
};
