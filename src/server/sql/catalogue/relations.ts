/**
 * The relations of the catalogue. `relations.json` has the columns of each, as PostgreSQL has them; here is what DuckDB knows
 * of them. A column without an expression is NULL, or empty where PostgreSQL never has NULL. A relation that is not in this
 * table has no rows.
 *
 * In all texts, `@name` is a relation or function of the catalogue, `@database` and `@user` are those of the connection.
 */
import { PG_TYPE_OF, PG_TYPES } from '../types/oids.ts';

/**
 * The rows of a relation: a FROM clause, and columns as `name = expression`, or `name` if the FROM has it by this name. The
 * last expression of a name counts.
 */
export interface Source {
  readonly from: string;
  readonly columns: string;
}

/** Oids of DuckDB's objects start here: those of PostgreSQL's own objects are below. */
const FIRST_OID = 16384;
/** Parts of a table get oids of their own, from these on: they have none in DuckDB. */
const INDEX_OID = 2 ** 30;
const CONSTRAINT_OID = 2 ** 31;
const ROW_OID = 2 ** 27;
const ARRAY_OID = 2 ** 28;
const DEFAULT_OID = 3 * 2 ** 30;

const INFORMATION_SCHEMA_OID = 13000;
/** An object is of the session's database, or temporary. */
const OURS = `database_name IN (current_database(), 'temp') AND NOT internal`;
const typeNames = Object.entries(PG_TYPE_OF).map(
  ([duck, name]) => `('${duck}', ${PG_TYPES[name][0]}, ${PG_TYPES[name][1]})`,
);
/** PostgreSQL's schema of a DuckDB object: temporary objects are in `temp`, by which DuckDB reads them, too. */
const NAMESPACE = `CASE WHEN database_name = 'temp' THEN 'temp' ELSE schema_name END`;

/** The SELECT of a view, from its CREATE VIEW. */
const VIEW_TEXT = `rtrim(regexp_replace(sql, '^CREATE\\s+(TEMP(ORARY)?\\s+)?VIEW\\s+.*?\\s+AS\\s+', '', 'is'))`;
/** An object's name, with its schema if it cannot be seen without. */
const QUALIFIED = `CASE WHEN schema IN (current_schema(), 'temp', 'pg_catalog') THEN @quote_ident(name) ELSE @quote_ident(schema) || '.' || @quote_ident(name) END`;
const nameList = (names: string) =>
  `array_to_string(list_transform(${names}, lambda n: @quote_ident(n)), ', ')`;
/** A query of one value: a map. */
const mapOf = (key: string, value: string, from: string, group?: string) =>
  group === undefined
    ? `SELECT map(list(${key}), list(${value})) FROM ${from}`
    : `SELECT map(list(k), list(v)) FROM (SELECT ${key} AS k, ${value} AS v FROM ${from} GROUP BY ${group})`;

/**
 * Relations that others read, by name, as queries. Not seen by clients.
 *
 * - `_type`: for each DuckDB type name: oid, array oid.
 * - `_class`: what pg_class lists. `_column`: of tables, views and indexes.
 * - `_constraint`, `_index`: with names as PostgreSQL makes them; `key` holds column numbers, from 1.
 */
export const HELPERS: Readonly<Record<string, string>> = {
  _visible: `SELECT list(oid) FROM @_class WHERE schema IN (current_schema(), 'temp')`,
  _class_name: mapOf('oid', QUALIFIED, '@_class'),
  _class_oid: mapOf(
    'key',
    'any_value(oid)',
    `(SELECT unnest(CASE WHEN schema IN (current_schema(), 'temp', 'pg_catalog') THEN [name, schema || '.' || name]
    ELSE [schema || '.' || name] END) AS key, oid FROM @_class)`,
    'key',
  ),
  _type_spelling: `SELECT t.oid, t.typname, CASE WHEN t.typcategory = 'A' AND e.oid IS NOT NULL THEN @_type_words(e.oid, e.typname) || '[]'
    ELSE @_type_words(t.oid, t.typname) END AS name FROM @pg_type t LEFT JOIN @pg_type e ON e.oid = t.typelem`,
  _type_name: mapOf('oid', 'name', '@_type_spelling'),
  _type_oid: mapOf(
    'key',
    'min(oid)',
    `(SELECT unnest([typname, name, 'main.' || typname, replace(replace(typname, 'int4', 'int'), 'varchar', 'varying')]) AS key, oid FROM @_type_spelling)`,
    'key',
  ),
  _namespace_name: mapOf('oid', 'name', '@_namespace'),
  _namespace_oid: mapOf('name', 'oid', '@_namespace'),
  _proc_name: mapOf('oid', 'proname', '@pg_proc'),
  _proc_oid: mapOf('proname', 'min(oid)', '@pg_proc', 'proname'),
  _view_text: mapOf(`view_oid + ${FIRST_OID}`, VIEW_TEXT, 'duckdb_views() WHERE NOT internal'),
  _constraint_text: mapOf(
    'k.oid',
    `CASE k.type WHEN 'p' THEN 'PRIMARY KEY (' || ${nameList('k.names')} || ')' WHEN 'u' THEN 'UNIQUE (' || ${nameList('k.names')} || ')'
    WHEN 'f' THEN 'FOREIGN KEY (' || ${nameList('k.names')} || ') REFERENCES ' || f.reference || '(' || ${nameList('k.fnames')} || ')'
    ELSE 'CHECK (' || k.expression || ')' END`,
    `@_constraint k LEFT JOIN (SELECT oid, ${QUALIFIED} AS reference FROM @_class) f ON f.oid = k.ftable`,
  ),
  _index_text: mapOf(
    'oid',
    `[head || @quote_ident(schema) || '.' || tail] || expressions || [head || CASE WHEN schema = current_schema() THEN '' ELSE @quote_ident(schema) || '.' END || tail]`,
    `(SELECT *, 'CREATE ' || CASE WHEN is_unique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || @quote_ident(name) || ' ON ' AS head,
      @quote_ident("table") || ' USING btree (' || array_to_string(expressions, ', ') || ')' AS tail FROM @_index)`,
  ),
  _function_arguments: mapOf(
    'oid',
    `array_to_string(list_transform(argument_names, lambda n, i: n || ' ' || argument_types[i]), ', ')`,
    '@_function',
  ),
  _function_result: mapOf('oid', 'returns', '@_function'),
  _function_source: mapOf('oid', 'source', '@_function'),
  _comment: mapOf('objoid * 4096 + objsubid', 'any_value(description)', '@pg_description', 'ALL'),
  _setting_value: mapOf('lower(name)', 'any_value(setting)', '@pg_settings', 'lower(name)'),
  _type: `SELECT * FROM (VALUES ${typeNames.join(', ')}) t(duck, oid, array_oid)`,
  _row_class: `SELECT table_oid + ${FIRST_OID} AS oid, table_name AS name, schema_oid + ${FIRST_OID} AS namespace FROM duckdb_tables() WHERE ${OURS}
    UNION ALL SELECT view_oid + ${FIRST_OID}, view_name, schema_oid + ${FIRST_OID} FROM duckdb_views() WHERE ${OURS}`,
  _opclass: `SELECT * FROM (VALUES (1978, 'int4_ops', 23), (1979, 'int2_ops', 21), (3122, 'date_ops', 1082), (3123, 'float8_ops', 701), (3124, 'int8_ops', 20), (3125, 'numeric_ops', 1700), (3126, 'text_ops', 25), (3127, 'timestamptz_ops', 1184), (3128, 'timestamp_ops', 1114), (10003, 'bool_ops', 16), (10006, 'bytea_ops', 17), (10012, 'float4_ops', 700), (10022, 'interval_ops', 1186), (10038, 'time_ops', 1083), (10041, 'timetz_ops', 1266), (10065, 'uuid_ops', 2950)) o(oid, name, type)`,
  _enum: `SELECT * FROM duckdb_types() WHERE ${OURS} AND logical_type = 'ENUM'`,
  _namespace: `SELECT oid + ${FIRST_OID} AS oid, schema_name AS name FROM duckdb_schemas()
    WHERE database_name = current_database() AND schema_name NOT IN ('information_schema', 'pg_catalog')
    UNION ALL SELECT oid + ${FIRST_OID}, 'temp' FROM duckdb_schemas() WHERE database_name = 'temp' AND schema_name = 'main'
    AND EXISTS (SELECT 1 FROM duckdb_tables() WHERE temporary UNION ALL SELECT 1 FROM duckdb_views() WHERE temporary AND NOT internal)
    UNION ALL SELECT 11, 'pg_catalog' UNION ALL SELECT 99, 'pg_toast' UNION ALL SELECT ${INFORMATION_SCHEMA_OID}, 'information_schema'`,
  _table_columns: `SELECT table_oid + ${FIRST_OID} AS oid, database_oid, schema_oid, table_name AS name, list(column_name ORDER BY column_index) AS names
    FROM duckdb_columns() WHERE ${OURS} GROUP BY ALL`,
  _constraint: `SELECT oid, table_oid, namespace, schema, "table", type, key, ftable, fkey, names, fnames, expression, index_oid,
      name || CASE WHEN nth > 1 THEN (nth - 1)::VARCHAR ELSE '' END AS name
    FROM (SELECT *, row_number() OVER (PARTITION BY table_oid, name ORDER BY oid) AS nth FROM (
      SELECT ${CONSTRAINT_OID} + k.table_oid * 64 + constraint_index AS oid, table_oid + ${FIRST_OID} AS table_oid,
        k.schema_oid + ${FIRST_OID} AS namespace, ${NAMESPACE} AS schema, table_name AS "table",
        CASE constraint_type WHEN 'PRIMARY KEY' THEN 'p' WHEN 'UNIQUE' THEN 'u' WHEN 'FOREIGN KEY' THEN 'f' ELSE 'c' END AS type,
        list_transform(constraint_column_indexes, lambda i: (i + 1)::SMALLINT) AS key, constraint_column_names AS names,
        f.oid AS ftable, list_transform(referenced_column_names, lambda n: list_position(f.names, n)::SMALLINT) AS fkey,
        referenced_column_names AS fnames, expression,
        CASE WHEN constraint_type IN ('PRIMARY KEY', 'UNIQUE') THEN ${INDEX_OID} + table_oid * 64 + constraint_index ELSE 0 END AS index_oid,
        CASE constraint_type WHEN 'PRIMARY KEY' THEN table_name || '_pkey'
          ELSE concat_ws('_', table_name, array_to_string(constraint_column_names, '_'),
            CASE constraint_type WHEN 'UNIQUE' THEN 'key' WHEN 'FOREIGN KEY' THEN 'fkey' ELSE 'check' END) END AS name
      FROM duckdb_constraints() k LEFT JOIN @_table_columns f ON f.database_oid = k.database_oid AND f.schema_oid = k.schema_oid AND f.name = k.referenced_table
      WHERE database_name IN (current_database(), 'temp') AND constraint_type <> 'NOT NULL'))`,
  _index: `SELECT index_oid AS oid, name, table_oid, namespace, schema, "table", true AS is_unique, type = 'p' AS is_primary,
      key, list_transform(names, lambda n: @quote_ident(n)) AS expressions FROM @_constraint WHERE index_oid <> 0
    UNION ALL SELECT index_oid + ${FIRST_OID}, index_name, table_oid + ${FIRST_OID}, i.schema_oid + ${FIRST_OID}, ${NAMESPACE}, table_name,
      is_unique, is_primary, list_transform(expressions::VARCHAR[], lambda e: coalesce(list_position(c.names, trim(e, '"')), 0)::SMALLINT),
      list_transform(expressions::VARCHAR[], lambda e: CASE WHEN list_contains(c.names, trim(e, '"')) THEN @quote_ident(trim(e, '"')) ELSE e END)
    FROM duckdb_indexes() i JOIN @_table_columns c ON c.oid = i.table_oid + ${FIRST_OID} AND c.database_oid = i.database_oid
    WHERE database_name IN (current_database(), 'temp')`,
  _class: `SELECT table_oid + ${FIRST_OID} AS oid, table_name AS name, schema_oid + ${FIRST_OID} AS namespace, 'r' AS kind, 2 AS am,
      estimated_size AS tuples, column_count AS natts, check_constraint_count AS checks, index_count > 0 AS indexed, temporary,
      ${NAMESPACE} AS schema, comment FROM duckdb_tables() WHERE ${OURS}
    UNION ALL SELECT view_oid + ${FIRST_OID}, view_name, schema_oid + ${FIRST_OID}, 'v', 0, -1, column_count, 0, false, temporary,
      ${NAMESPACE}, comment FROM duckdb_views() WHERE ${OURS}
    UNION ALL SELECT sequence_oid + ${FIRST_OID}, sequence_name, schema_oid + ${FIRST_OID}, 'S', 0, 1, 3, 0, false, temporary,
      ${NAMESPACE}, comment FROM duckdb_sequences() WHERE database_name IN (current_database(), 'temp')
    UNION ALL SELECT oid, name, namespace, 'i', 403, 0, len(key), 0, false, schema = 'temp', schema, NULL FROM @_index
    UNION ALL SELECT oid, name, CASE schema WHEN 'pg_catalog' THEN 11 ELSE ${INFORMATION_SCHEMA_OID} END, kind,
      CASE kind WHEN 'r' THEN 2 ELSE 0 END, -1, columns, 0, false, false, schema, NULL FROM @_system_class`,
  _column: `SELECT c.table_oid + ${FIRST_OID} AS relation, c.column_name AS name, c.column_index AS number, c.data_type, NOT is_nullable AS not_null,
      regexp_replace(regexp_replace(column_default, '^CAST\\(''t'' AS BOOLEAN\\)$', 'true'), '^CAST\\(''f'' AS BOOLEAN\\)$', 'false') AS default_text, comment, schema_name, table_name,
      CASE WHEN data_type LIKE 'DECIMAL(%' AND NOT contains(data_type, '[') THEN (numeric_precision << 16 | numeric_scale) + 4 ELSE -1 END AS modifier,
      CASE WHEN regexp_matches(data_type, '^(STRUCT|MAP|UNION)\\(') THEN 114
        WHEN data_type LIKE '%]' THEN coalesce(t.array_oid, 1009) ELSE coalesce(t.oid, 25) END AS type,
      CASE WHEN data_type LIKE '%]' THEN len(regexp_extract(data_type, '(\\[\\d*\\])+$')) - len(replace(regexp_extract(data_type, '(\\[\\d*\\])+$'), '[', '')) ELSE 0 END AS dimensions,
      CASE WHEN c.database_name = 'temp' THEN 'temp' ELSE schema_name END AS schema
    FROM duckdb_columns() c LEFT JOIN @_type t ON t.duck = regexp_replace(data_type, '(\\(.*\\))?(\\[\\d*\\])*$', '')
    WHERE ${OURS}`,
  _attribute: `SELECT relation, name, number, type, not_null, modifier, dimensions, default_text IS NOT NULL AS has_default FROM @_column
    UNION ALL SELECT i.oid, coalesce(c.name, 'expr'), i.nth, coalesce(c.type, 25), false, coalesce(c.modifier, -1), 0, false
      FROM (SELECT oid, table_oid, unnest(key) AS column_number, generate_subscripts(key, 1) AS nth FROM @_index) i
      LEFT JOIN @_column c ON c.relation = i.table_oid AND c.number = i.column_number
    UNION ALL SELECT relation, name, number, type, not_null, -1, (is_array)::BIGINT, false FROM @_system_column`,
  _function: `SELECT function_oid + ${FIRST_OID} AS oid, function_name AS name, schema_oid + ${FIRST_OID} AS namespace, schema_name AS schema,
      parameters AS argument_names, list_transform(parameters, lambda p: 'text') AS argument_types, 'text' AS returns, comment AS description,
      macro_definition AS source, function_type = 'table_macro' AS is_set
    FROM duckdb_functions() JOIN (SELECT schema_oid, schema_name AS s FROM (SELECT oid AS schema_oid, schema_name, database_name FROM duckdb_schemas())
      WHERE database_name = current_database()) ON s = schema_name WHERE NOT internal AND database_name = current_database()
    UNION ALL SELECT ${INDEX_OID / 2} + row_number() OVER (ORDER BY f.name), f.name, coalesce(n.oid, 11), f.schema, argument_names, argument_types, returns, description, '', false
    FROM (SELECT name, schema, argument_names, argument_types, returns, description FROM @_operator) f LEFT JOIN @_namespace n ON n.name = f.schema`,
};

const isUser = `schema NOT IN ('pg_catalog', 'information_schema')`;
const tablePlace = 'table_catalog = @database; table_schema = schema; table_name = "table"';
const constraintPlace =
  'constraint_catalog = @database; constraint_schema = schema; constraint_name = name';
/** How SQL calls the types in information_schema. */
const sqlType = (type: string) => `@format_type(${type}, NULL)`;
const yesNo = (condition: string) => `CASE WHEN ${condition} THEN 'YES' ELSE 'NO' END`;

const TABLE_STATISTICS: Source = {
  from: `@_class WHERE kind = 'r' AND ${isUser}`,
  columns: `schemaname = schema; relname = name; relid = oid; n_live_tup = tuples`,
};

export const SOURCES: Readonly<Record<string, Source>> = {
  pg_namespace: { from: '@_namespace', columns: `oid; nspname = name; nspowner = 10` },
  pg_class: {
    from: '@_class',
    columns: `oid; relname = name; relnamespace = namespace;
      reltype = CASE WHEN kind IN ('r', 'v') AND oid >= ${FIRST_OID} THEN ${ROW_OID} + oid ELSE 0 END; relowner = 10;
      relam = am; relfilenode = CASE kind WHEN 'v' THEN 0 ELSE oid END; reltuples = tuples; relhasindex = indexed;
      relpersistence = CASE WHEN temporary THEN 't' ELSE 'p' END; relkind = kind; relnatts = natts; relchecks = checks;
      relhasrules = kind = 'v';
      relhastriggers = oid IN (SELECT unnest([table_oid, ftable]) FROM @_constraint WHERE type = 'f'); relispopulated = true;
      relreplident = CASE kind WHEN 'r' THEN 'd' ELSE 'n' END`,
  },
  pg_attribute: {
    from: '@_attribute a LEFT JOIN @_system_type t ON t.oid = a.type',
    columns: `attrelid = relation; attname = name; atttypid = type; attstattarget = -1; attlen = t.typlen; attnum = number;
      attndims = dimensions; attcacheoff = -1; atttypmod = modifier; attbyval = t.typbyval; attalign = t.typalign;
      attstorage = t.typstorage; attnotnull = not_null; atthasdef = has_default; attislocal = true;
      attcollation = coalesce(t.typcollation, 0)`,
  },
  pg_attrdef: {
    from: '@_column',
    columns: `oid = ${DEFAULT_OID} + relation * 256 + number; adrelid = relation; adnum = number; adbin = default_text`,
  },
  pg_index: {
    from: `@_index i JOIN (SELECT relation, list(coalesce(o.oid, 0) ORDER BY a.number) AS classes, list(CASE a.type WHEN 25 THEN 100 ELSE 0 END ORDER BY a.number) AS collations
      FROM @_attribute a LEFT JOIN @_opclass o ON o.type = a.type GROUP BY ALL) c ON c.relation = i.oid`,
    columns: `indexrelid = i.oid; indrelid = table_oid; indnatts = len(key); indnkeyatts = len(key); indisunique = is_unique;
      indisprimary = is_primary; indimmediate = true; indisvalid = true; indisready = true; indislive = true; indkey = key;
      indcollation = collations; indclass = classes; indoption = list_transform(key, lambda k: 0);
      indexprs = CASE WHEN list_contains(key, 0) THEN array_to_string(list_filter(expressions, lambda e, i: key[i] = 0), ', ') END`,
  },
  pg_constraint: {
    from: `@_constraint k LEFT JOIN (SELECT table_oid AS t, key AS unique_key, index_oid AS unique_index FROM @_constraint WHERE index_oid <> 0) u
      ON k.type = 'f' AND u.t = k.ftable AND u.unique_key = k.fkey`,
    columns: `oid; conname = name; connamespace = namespace; contype = type; convalidated = true; conrelid = table_oid;
      conindid = coalesce(u.unique_index, index_oid); confrelid = coalesce(ftable, 0);
      confupdtype = CASE type WHEN 'f' THEN 'a' ELSE ' ' END; confdeltype = CASE type WHEN 'f' THEN 'a' ELSE ' ' END;
      confmatchtype = CASE type WHEN 'f' THEN 's' ELSE ' ' END; conislocal = true; connoinherit = type <> 'c'; conkey = key;
      confkey = CASE type WHEN 'f' THEN fkey END; conbin = expression`,
  },
  pg_type: {
    from: `(SELECT *, 11 AS namespace FROM @_system_type UNION ALL BY NAME
      SELECT * EXCLUDE (kind), kind = 'e' AS typbyval, kind AS typtype, false AS typispreferred, ',' AS typdelim, 0 AS typmodin, 0 AS typmodout, 'i' AS typalign, 0 AS typcollation FROM (
      SELECT type_oid + ${FIRST_OID} AS oid, type_name AS typname, 'e' AS kind, 4 AS typlen, 'E' AS typcategory, 0 AS typelem, ${ARRAY_OID} + type_oid AS typarray, 0 AS typsubscript,
        3504 AS typinput, 3505 AS typoutput, 3532 AS typreceive, 3533 AS typsend, 'p' AS typstorage, schema_oid + ${FIRST_OID} AS namespace FROM @_enum UNION ALL
      SELECT ${ARRAY_OID} + type_oid, '_' || type_name, 'b', -1, 'A', type_oid + ${FIRST_OID}, 0, 6179, 750, 751, 2400, 2401, 'x', schema_oid + ${FIRST_OID} FROM @_enum)
      UNION ALL BY NAME SELECT ${ROW_OID} + oid AS oid, name AS typname, oid AS typrelid, -1 AS typlen, false AS typbyval, 'c' AS typtype, 'C' AS typcategory, false AS typispreferred,
        ',' AS typdelim, 0 AS typelem, 0 AS typarray, 2290 AS typinput, 2291 AS typoutput, 2402 AS typreceive, 2403 AS typsend, 0 AS typmodin, 0 AS typmodout, 'd' AS typalign,
        'x' AS typstorage, 0 AS typcollation, 0 AS typsubscript, namespace FROM @_row_class)`,
    columns: `typnamespace = namespace; typowner = 10; typrelid = coalesce(typrelid, 0); typisdefined = true; typtypmod = -1;
      oid; typname; typlen; typbyval; typtype; typcategory; typispreferred; typdelim; typelem; typarray; typinput; typoutput;
      typreceive; typsend; typmodin; typmodout; typalign; typstorage; typcollation; typsubscript`,
  },
  pg_enum: {
    from: `(SELECT type_oid, unnest(labels) AS label, generate_subscripts(labels, 1) AS nth FROM @_enum)`,
    columns: `oid = ${INDEX_OID} + type_oid * 1024 + nth; enumtypid = type_oid + ${FIRST_OID}; enumsortorder = nth;
      enumlabel = label`,
  },
  pg_range: {
    from: `(VALUES (3904, 23, 4451), (3906, 1700, 4532), (3908, 1114, 4533), (3910, 1184, 4534), (3912, 1082, 4535), (3926, 20, 4536)) r(oid, subtype, multi)`,
    columns: `rngtypid = oid; rngsubtype = subtype; rngmultitypid = multi`,
  },
  pg_proc: {
    from: `(SELECT oid, name, namespace, argument_names, argument_types, returns, source, is_set FROM @_function
      UNION ALL SELECT oid, name, 11, []::VARCHAR[], []::VARCHAR[], 'text', name, false FROM @_system_function)`,
    columns: `oid; proname = name; pronamespace = namespace; proowner = 10; prolang = CASE namespace WHEN 11 THEN 12 ELSE 14 END;
      procost = 1; prokind = 'f'; proretset = is_set; provolatile = 'v'; proparallel = 'u'; pronargs = len(argument_types);
      prorettype = coalesce(@regtype_oid(returns), 25); proargtypes = list_transform(argument_types, lambda t: 25);
      proargnames = argument_names; prosrc = source`,
  },
  pg_database: {
    from: `(SELECT CASE WHEN database_name = current_database() THEN @database ELSE database_name END AS name, database_oid AS oid FROM duckdb_databases()
      WHERE NOT internal AND database_name NOT IN ('rvbbit', '@catalog'))`,
    columns: `oid = oid + ${FIRST_OID}; datname = name; datdba = 10; encoding = 6; datlocprovider = 'c'; datallowconn = true;
      datconnlimit = -1; dattablespace = 1663; datcollate = 'C.UTF-8'; datctype = 'C.UTF-8'`,
  },
  pg_description: {
    from: `(SELECT oid, 1259 AS class, 0 AS number, comment FROM @_class
      UNION ALL SELECT relation, 1259, number, comment FROM @_column
      UNION ALL SELECT oid, 1255, 0, description FROM @_function
      UNION ALL SELECT oid + ${FIRST_OID}, 2615, 0, comment FROM duckdb_schemas() WHERE database_name = current_database()) d(oid, class, number, comment)
      WHERE comment IS NOT NULL`,
    columns: `objoid = oid; classoid = class; objsubid = number; description = comment`,
  },
  pg_roles: {
    from: '(SELECT 1)',
    columns: `rolname = @user; rolsuper = true; rolinherit = true; rolcreaterole = true; rolcreatedb = true; rolcanlogin = true;
      rolreplication = true; rolconnlimit = -1; rolpassword = '********'; rolbypassrls = true; oid = 10`,
  },
  pg_user: {
    from: '(SELECT 1)',
    columns: `usename = @user; usesysid = 10; usecreatedb = true; usesuper = true; userepl = true; usebypassrls = true;
      passwd = '********'`,
  },
  pg_am: {
    from: `(VALUES (2, 'heap', 't'), (403, 'btree', 'i')) a(oid, name, type)`,
    columns: `oid; amname = name; amtype = type`,
  },
  pg_collation: {
    from: `(VALUES (100, 'default', 'd', -1), (950, 'C', 'c', -1), (951, 'POSIX', 'c', -1)) c(oid, name, provider, encoding)`,
    columns: `oid; collname = name; collnamespace = 11; collowner = 10; collprovider = provider; collisdeterministic = true;
      collencoding = encoding`,
  },
  pg_opclass: {
    from: '@_opclass',
    columns: `oid; opcmethod = 403; opcname = name; opcnamespace = 11; opcowner = 10; opcintype = type; opcdefault = true`,
  },
  pg_language: {
    from: `(VALUES (12, 'internal', false, false), (14, 'sql', false, true)) l(oid, name, is_pl, is_trusted)`,
    columns: `oid; lanname = name; lanowner = 10; lanispl = is_pl; lanpltrusted = is_trusted`,
  },
  pg_tablespace: {
    from: `(VALUES (1663, 'pg_default'), (1664, 'pg_global')) t(oid, name)`,
    columns: `oid; spcname = name; spcowner = 10`,
  },
  pg_settings: {
    from: `(SELECT name, value, description, input_type FROM @settings UNION ALL SELECT name, value, '', 'VARCHAR' FROM @_setting)`,
    columns: `name; setting = value; category = 'Preset Options'; short_desc = description; context = 'user';
      vartype = CASE input_type WHEN 'BOOLEAN' THEN 'bool' WHEN 'BIGINT' THEN 'integer' WHEN 'UBIGINT' THEN 'integer' ELSE 'string' END;
      source = 'default'; boot_val = value; reset_val = value`,
  },
  pg_timezone_names: {
    from: 'pg_timezone_names()',
    columns: `name; abbrev; utc_offset; is_dst`,
  },
  pg_sequence: {
    from: `duckdb_sequences() WHERE database_name IN (current_database(), 'temp')`,
    columns: `seqrelid = sequence_oid + ${FIRST_OID}; seqtypid = 20; seqstart = start_value; seqincrement = increment_by;
      seqmax = max_value; seqmin = min_value; seqcache = 1; seqcycle = cycle`,
  },
  pg_sequences: {
    from: `duckdb_sequences() WHERE database_name = current_database()`,
    columns: `schemaname = schema_name; sequencename = sequence_name; sequenceowner = @user; data_type = 'bigint'; start_value;
      min_value; max_value; increment_by; cycle; cache_size = 1; last_value`,
  },
  pg_tables: {
    from: `@_class WHERE kind = 'r'`,
    columns: `schemaname = schema; tablename = name; tableowner = @user; hasindexes = indexed; hasrules = false; hastriggers = false;
      rowsecurity = false`,
  },
  pg_views: {
    from: `@_class WHERE kind = 'v'`,
    columns: `schemaname = schema; viewname = name; viewowner = @user; definition = @pg_get_viewdef(oid)`,
  },
  pg_indexes: {
    from: '@_index',
    columns: `schemaname = schema; tablename = "table"; indexname = name; indexdef = @pg_get_indexdef(oid)`,
  },
  ...Object.fromEntries(
    [
      'pg_stat_all_tables',
      'pg_stat_user_tables',
      'pg_statio_all_tables',
      'pg_statio_user_tables',
    ].map((name) => [name, TABLE_STATISTICS]),
  ),
  pg_stat_user_indexes: {
    from: `@_index WHERE ${isUser}`,
    columns: `relid = table_oid; indexrelid = oid; schemaname = schema; relname = "table"; indexrelname = name`,
  },
  pg_stat_activity: {
    from: '(SELECT 1)',
    columns: `datname = @database; pid = @pg_backend_pid(); usesysid = 10; usename = @user; state = 'active';
      query = current_query(); backend_type = 'client backend'`,
  },
  'information_schema.schemata': {
    from: '@_namespace',
    columns: `catalog_name = @database; schema_name = name; schema_owner = @user`,
  },
  'information_schema.tables': {
    from: `@_class WHERE kind IN ('r', 'v')`,
    columns: `table_catalog = @database; table_schema = schema; table_name = name;
      table_type = CASE WHEN temporary THEN 'LOCAL TEMPORARY' WHEN kind = 'v' THEN 'VIEW' ELSE 'BASE TABLE' END;
      is_insertable_into = ${yesNo(`kind = 'r'`)}; is_typed = 'NO'`,
  },
  'information_schema.views': {
    from: `@_class WHERE kind = 'v'`,
    columns: `table_catalog = @database; table_schema = schema; table_name = name; view_definition = @pg_get_viewdef(oid);
      check_option = 'NONE'; is_updatable = 'NO'; is_insertable_into = 'NO'; is_trigger_updatable = 'NO';
      is_trigger_deletable = 'NO'; is_trigger_insertable_into = 'NO'`,
  },
  'information_schema.columns': {
    from: `(SELECT relation, name, number, type, not_null, default_text, modifier FROM @_column
      UNION ALL SELECT relation, name, number, type, not_null, NULL, -1 FROM @_system_column) a
      JOIN @_class c ON c.oid = a.relation JOIN @_system_type t ON t.oid = a.type`,
    columns: `table_catalog = @database; table_schema = c.schema; table_name = c.name; column_name = a.name;
      ordinal_position = a.number; column_default = a.default_text; is_nullable = ${yesNo('NOT a.not_null')};
      data_type = CASE t.typcategory WHEN 'A' THEN 'ARRAY' ELSE ${sqlType('a.type')} END;
      character_octet_length = CASE WHEN a.type IN (25, 1043) THEN 1073741824 END;
      numeric_precision = CASE a.type WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53 WHEN 1700 THEN CASE WHEN a.modifier > 0 THEN (a.modifier - 4) >> 16 END END;
      numeric_precision_radix = CASE WHEN a.type IN (20, 21, 23, 700, 701) THEN 2 WHEN a.type = 1700 THEN 10 END;
      numeric_scale = CASE WHEN a.type IN (20, 21, 23) THEN 0 WHEN a.type = 1700 AND a.modifier > 0 THEN (a.modifier - 4) & 65535 END;
      datetime_precision = CASE WHEN a.type = 1082 THEN 0 WHEN a.type IN (1083, 1114, 1184, 1186, 1266) THEN 6 END;
      udt_catalog = @database; udt_schema = 'pg_catalog'; udt_name = t.typname; dtd_identifier = a.number;
      is_self_referencing = 'NO'; is_identity = 'NO'; identity_cycle = 'NO'; is_generated = 'NEVER';
      is_updatable = ${yesNo(`c.kind = 'r'`)}`,
  },
  'information_schema.table_constraints': {
    from: '@_constraint',
    columns: `${constraintPlace}; ${tablePlace};
      constraint_type = CASE type WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' WHEN 'f' THEN 'FOREIGN KEY' ELSE 'CHECK' END;
      is_deferrable = 'NO'; initially_deferred = 'NO'; enforced = 'YES'; nulls_distinct = CASE type WHEN 'u' THEN 'YES' END`,
  },
  'information_schema.key_column_usage': {
    from: `(SELECT *, unnest(names) AS column_name, generate_subscripts(names, 1) AS nth FROM @_constraint WHERE type <> 'c')`,
    columns: `${constraintPlace}; ${tablePlace}; column_name; ordinal_position = nth;
      position_in_unique_constraint = CASE type WHEN 'f' THEN nth END`,
  },
  'information_schema.constraint_column_usage': {
    from: `(SELECT k.name, k.schema, coalesce(f.schema, k.schema) AS table_schema, coalesce(f.name, k."table") AS "table",
      unnest(CASE k.type WHEN 'f' THEN k.fnames ELSE k.names END) AS column_name FROM @_constraint k LEFT JOIN @_class f ON f.oid = k.ftable)`,
    columns: `${constraintPlace}; ${tablePlace}; table_schema; column_name`,
  },
  'information_schema.constraint_table_usage': {
    from: `(SELECT k.name, k.schema, f.schema AS table_schema, f.name AS "table" FROM @_constraint k
      JOIN @_class f ON f.oid = coalesce(k.ftable, k.table_oid) WHERE k.type <> 'c')`,
    columns: `${constraintPlace}; ${tablePlace}; table_schema`,
  },
  'information_schema.referential_constraints': {
    from: `@_constraint k LEFT JOIN (SELECT table_oid, key AS k2, schema AS unique_schema, name AS unique_name FROM @_constraint WHERE index_oid <> 0) u
      ON u.table_oid = k.ftable AND u.k2 = k.fkey WHERE type = 'f'`,
    columns: `${constraintPlace}; unique_constraint_catalog = @database; unique_constraint_schema = unique_schema;
      unique_constraint_name = unique_name; match_option = 'NONE'; update_rule = 'NO ACTION'; delete_rule = 'NO ACTION'`,
  },
  'information_schema.check_constraints': {
    from: `@_constraint WHERE type = 'c'`,
    columns: `${constraintPlace}; check_clause = expression`,
  },
  'information_schema.sequences': {
    from: `duckdb_sequences() WHERE database_name = current_database()`,
    columns: `sequence_catalog = @database; sequence_schema = schema_name; sequence_name; data_type = 'bigint';
      numeric_precision = 64; numeric_precision_radix = 2; numeric_scale = 0; start_value; minimum_value = min_value;
      maximum_value = max_value; increment = increment_by; cycle_option = ${yesNo('cycle')}`,
  },
  'information_schema.routines': {
    from: '@_function',
    columns: `specific_catalog = @database; specific_schema = schema; specific_name = name || '_' || oid;
      routine_catalog = @database; routine_schema = schema; routine_name = name; routine_type = 'FUNCTION';
      data_type = returns; type_udt_catalog = @database; routine_body = 'SQL'; routine_definition = source;
      external_language = 'SQL'`,
  },
  'information_schema.information_schema_catalog_name': {
    from: '(SELECT 1)',
    columns: `catalog_name = @database`,
  },
  'information_schema.enabled_roles': { from: '(SELECT 1)', columns: `role_name = @user` },
  'information_schema.applicable_roles': { from: '(SELECT 1 WHERE false)', columns: `` },
  'information_schema.table_privileges': {
    from: `(SELECT *, unnest(['INSERT', 'SELECT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS privilege FROM @_class WHERE kind IN ('r', 'v') AND ${isUser})`,
    columns: `grantor = @user; grantee = @user; table_catalog = @database; table_schema = schema; table_name = name;
      privilege_type = privilege; is_grantable = 'YES'; with_hierarchy = ${yesNo(`privilege = 'SELECT'`)}`,
  },
};
