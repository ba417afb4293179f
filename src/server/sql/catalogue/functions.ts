/**
 * The functions of PostgreSQL that catalogue statements call, as macros of DuckDB. `@name` as in `relations.ts`. A macro reads
 * no relation: one that looks something up has the map to look in as its first parameter `_in`, by `LOOK_UPS`.
 */

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

/** A name in a text, as keys of maps have it: `pg_catalog."My Table"` → `My Table`, `a.B` → `a.b`. */
const plain = (text: string) =>
  `regexp_replace(array_to_string((list_transform(regexp_extract_all(${text}, '"(?:[^"]|"")*"|[^".]+'),
    lambda p: CASE WHEN starts_with(p, '"') THEN replace(p[2:-2], '""', '"') ELSE lower(p) END))[-2:], '.'), '^pg_catalog[.]', '')`;

export const FUNCTIONS: Readonly<Record<string, readonly Macro[]>> = {
  ...Object.fromEntries(
    PRIVILEGES.map((kind) => [`has_${kind}_privilege`, constant('true', 'a, b', 'a, b, c')]),
  ),
  has_column_privilege: constant('true', 'a, b, c', 'a, b, c, d'),
  pg_has_role: constant('true', 'a, b', 'a, b, c'),
  ...Object.fromEntries(
    VISIBLE.map((kind) => [`pg_${kind}_is_visible`, constant('_object IS NOT NULL', '_object')]),
  ),
  pg_table_is_visible: [['_object', '_object < 13000 OR list_contains(_in, _object::BIGINT)']],
  quote_ident: [
    [
      'name',
      `CASE WHEN regexp_full_match(name, '[a-z_][a-z0-9_$]*') AND NOT regexp_full_match(name, '${RESERVED}') THEN name ELSE '"' || replace(name, '"', '""') || '"' END`,
    ],
  ],
  quote_literal: [['value', `'''' || replace(value::VARCHAR, '''', '''''') || ''''`]],
  format_type: [
    [
      '_object, modifier',
      `CASE WHEN _object = 1700 AND modifier > 0 THEN 'numeric(' || (((modifier - 4) >> 16)::VARCHAR) || ',' || (((modifier - 4) & 65535)::VARCHAR) || ')'
        WHEN _object = 0 THEN '-' ELSE coalesce(_in[_object::BIGINT], '???') END`,
    ],
  ],
  _type_words: [
    [
      'type, name',
      `CASE type WHEN 16 THEN 'boolean' WHEN 18 THEN '"char"' WHEN 20 THEN 'bigint' WHEN 21 THEN 'smallint' WHEN 23 THEN 'integer' WHEN 700 THEN 'real'
        WHEN 701 THEN 'double precision' WHEN 1042 THEN 'character' WHEN 1043 THEN 'character varying' WHEN 1083 THEN 'time without time zone'
        WHEN 1114 THEN 'timestamp without time zone' WHEN 1184 THEN 'timestamp with time zone' WHEN 1266 THEN 'time with time zone'
        WHEN 1560 THEN 'bit' WHEN 1562 THEN 'bit varying' ELSE name END`,
    ],
  ],
  pg_get_userbyid: [['role', `CASE role WHEN 10 THEN _in ELSE 'unknown (OID=' || role || ')' END`]],
  pg_get_expr: [
    ['node, relation', 'node'],
    ['node, relation, pretty', 'node'],
  ],
  pg_get_viewdef: [
    ['_object', '_in[_object::BIGINT]'],
    ['_object, pretty', '_in[_object::BIGINT]'],
  ],
  pg_get_constraintdef: [
    ['_object', '_in[_object::BIGINT]'],
    ['_object, pretty', '_in[_object::BIGINT]'],
  ],
  pg_get_indexdef: [
    ['_object', '_in[_object::BIGINT][1]'],
    [
      '_object, _nth, pretty',
      '_in[_object::BIGINT][CASE WHEN _nth = 0 AND pretty THEN -1 ELSE _nth + 1 END]',
    ],
  ],
  pg_get_function_arguments: [['_object', '_in[_object::BIGINT]']],
  pg_get_function_identity_arguments: [['_object', '_in[_object::BIGINT]']],
  pg_get_function_result: [['_object', '_in[_object::BIGINT]']],
  pg_get_functiondef: [['_object', '_in[_object::BIGINT]']],
  ...Object.fromEntries(
    [
      'pg_get_function_sqlbody',
      'pg_get_partkeydef',
      'pg_get_triggerdef',
      'pg_get_ruledef',
      'pg_get_statisticsobjdef_columns',
      'pg_get_statisticsobjdef',
    ].map((name) => [name, constant('NULL::VARCHAR', '_object', '_object, pretty')]),
  ),
  pg_tablespace_location: constant(`CASE WHEN _object IS NOT NULL THEN '' END`, '_object'),
  pg_get_serial_sequence: constant('NULL::VARCHAR', '"table", "column"'),
  pg_describe_object: constant('NULL::VARCHAR', '_of, _object, sub'),
  pg_index_column_has_property: [
    ['_object, _nth, property', `property IN ('asc', 'nulls_last', 'orderable', 'returnable')`],
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
    ].map((name) => [name, constant('0::BIGINT', '_object')]),
  ),
  obj_description: [
    ['_object, _of', '_in[_object::BIGINT * 4096]'],
    ['_object', '_in[_object::BIGINT * 4096]'],
  ],
  col_description: [['_object, _nth', '_in[_object::BIGINT * 4096 + _nth]']],
  shobj_description: constant('NULL::VARCHAR', '_object, _of'),
  ...Object.fromEntries(
    ['class', 'type', 'namespace', 'proc'].flatMap((kind) => [
      [
        `reg${kind}_name`,
        [
          [
            '_object',
            `CASE _object WHEN 0 THEN '-' ELSE coalesce(_in[_object::BIGINT], _object::VARCHAR) END`,
          ],
        ],
      ],
      [
        `reg${kind}_oid`,
        [
          [
            '_text',
            `CASE WHEN regexp_full_match(_text, '\\d+') THEN TRY_CAST(_text AS BIGINT) ELSE _in[${plain('_text')}] END`,
          ],
        ],
      ],
    ]),
  ),
  to_regclass: [['_text', `_in[${plain('_text')}]`]],
  to_regtype: [['_text', `_in[${plain('_text')}]`]],
  regrole_name: [['role', '_in']],
  regrole_oid: [['text', '10']],
  current_database: [['', '_in']],
  current_setting: [
    ['parameter', '_in[lower(parameter)]'],
    ['parameter, missing', '_in[lower(parameter)]'],
  ],
  set_config: [
    ['setting, value, is_local', `error('a SELECT list has calls of set_config alone, or none')`],
  ],
  current_schema: [['', 'system.main.current_schema()']],
  current_schemas: [
    [
      'implicit',
      `CASE WHEN implicit THEN ['pg_catalog', current_schema()] ELSE [current_schema()] END`,
    ],
  ],
  version: [['', `'PostgreSQL 14.0 (RVBBIT, DuckDB ' || system.main.version() || ')'`]],
  pg_backend_pid: [['', '1']],
  pg_is_in_recovery: [['', 'false']],
  pg_is_wal_replay_paused: [['', 'false']],
  pg_my_temp_schema: [['', '0']],
  pg_is_other_temp_schema: [['_object', 'false']],
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

/** For each function that looks something up: the relation whose one value is the map, or a fact. */
export const LOOK_UPS: Readonly<Record<string, string>> = {
  pg_table_is_visible: '_visible',
  format_type: '_type_name',
  pg_get_userbyid: 'user',
  regrole_name: 'user',
  current_database: 'database',
  pg_get_viewdef: '_view_text',
  pg_get_constraintdef: '_constraint_text',
  pg_get_indexdef: '_index_text',
  pg_get_function_arguments: '_function_arguments',
  pg_get_function_identity_arguments: '_function_arguments',
  pg_get_function_result: '_function_result',
  pg_get_functiondef: '_function_source',
  obj_description: '_comment',
  col_description: '_comment',
  regclass_name: '_class_name',
  regclass_oid: '_class_oid',
  to_regclass: '_class_oid',
  regtype_name: '_type_name',
  regtype_oid: '_type_oid',
  to_regtype: '_type_oid',
  regnamespace_name: '_namespace_name',
  regnamespace_oid: '_namespace_oid',
  regproc_name: '_proc_name',
  regproc_oid: '_proc_oid',
  current_setting: '_setting_value',
};

/** Calls that DuckDB takes in another form: what stands before and after their arguments. */
export const RENAMED: Readonly<Record<string, readonly [before: string, after: string]>> = {
  json_build_object: ['json_object(', ')'],
  jsonb_build_object: ['json_object(', ')'],
  json_build_array: ['json_array(', ')'],
  json_agg: ['json_group_array(', ')'],
  jsonb_agg: ['json_group_array(', ')'],
  pg_partition_ancestors: ['unnest(list_filter([', ']::BIGINT[], lambda r: false))'],
};

/** Functions in FROM, as relations. */
export const TABLE_FUNCTIONS: Readonly<Record<string, string>> = {
  pg_show_all_settings: 'SELECT * FROM @pg_settings',
  pg_get_keywords: `SELECT keyword_name AS word, CASE keyword_category WHEN 'reserved' THEN 'R' WHEN 'column_name' THEN 'C' WHEN 'type_function' THEN 'T' ELSE 'U' END AS catcode,
      true AS barelabel, keyword_category AS catdesc, '' AS baredesc FROM duckdb_keywords()`,
};
