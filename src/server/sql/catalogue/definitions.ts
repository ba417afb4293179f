/** The statements that make the tables and functions of the catalogue in DuckDB, and the relations as queries. */
import { readFileSync } from 'node:fs';
import { quoteIdentifier, quoteLiteral } from '../../../duck/quote.ts';
import { packageFile } from '../../../util/package-files.ts';
import { Settings } from '../settings.ts';
import { FUNCTIONS, LOOK_UPS, type Macro, TABLE_FUNCTIONS } from './functions.ts';
import { HELPERS, SOURCES } from './relations.ts';

/** The attached database in memory that holds the catalogue. */
const CATALOG = 'rvbbit_catalogue';

/** A function of the application that tools list: a cascade or an operator. */
export interface ListedFunction {
  readonly name: string;
  readonly schema: string;
  readonly arguments: readonly { readonly name: string; readonly type: string }[];
  readonly returns: string;
  readonly description: string;
}

/** The database and user of a connection, each as an SQL expression. */
export interface Facts {
  readonly database: string;
  readonly user: string;
  /** DuckDB's settings, for FROM. */
  readonly settings: string;
}

/** `relations.json`, which a script makes from a real PostgreSQL. */
interface RelationsFile {
  readonly relations: Readonly<Record<string, string>>;
  readonly typeColumns: readonly string[];
  readonly types: readonly (readonly (string | number | boolean)[])[];
  readonly functions: Readonly<Record<string, string>>;
}

interface SystemColumn {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
}

/** A relation as PostgreSQL has it. `name` is without its schema. */
export interface SystemRelation {
  readonly oid: number;
  readonly kind: string;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly SystemColumn[];
}

/** DuckDB's types for those of PostgreSQL that it does not have by this name. Oids of all kinds are numbers. */
export const DUCK_TYPES: Readonly<Record<string, string>> = {
  oid: 'BIGINT',
  xid: 'BIGINT',
  cid: 'BIGINT',
  ...Object.fromEntries(
    ['proc', 'procedure', 'oper', 'operator', 'class', 'type', 'namespace', 'role'].map((kind) => [
      `reg${kind}`,
      'BIGINT',
    ]),
  ),
  int2vector: 'SMALLINT[]',
  oidvector: 'BIGINT[]',
  anyarray: 'VARCHAR[]',
  ...Object.fromEntries(
    // Texts, and what is shown as text.
    ['name', 'char', 'bpchar', 'text', 'cstring', 'unknown', 'pg_node_tree', 'aclitem', 'pg_lsn', 'inet', 'tid',
      'regconfig', 'regdictionary', 'regcollation', 'sql_identifier', 'character_data', 'yes_or_no', 'pg_ndistinct',
      'pg_dependencies', 'pg_mcv_list'].map((name) => [name, 'VARCHAR']),
  ),
  cardinal_number: 'INTEGER',
  time_stamp: 'TIMESTAMPTZ',
}; // biome-ignore format: lists of names

let file: RelationsFile | undefined;
let systemRelations: ReadonlyMap<string, SystemRelation> | undefined;

function relationsFile(): RelationsFile {
  file ??= JSON.parse(
    readFileSync(packageFile('dist/catalogue/relations.json'), 'utf8'),
  ) as RelationsFile;
  return file;
}

/** Returns all system relations, by name; those of the information schema as `information_schema.tables`. */
export function relationsOfPostgres(): ReadonlyMap<string, SystemRelation> {
  systemRelations ??= new Map(
    Object.entries(relationsFile().relations).map(([key, text]) => {
      const [head, ...rest] = text.split(', ');
      const [oid, kind] = head!.split(' ');
      const columns = rest.map((column) => {
        const [, name, type, mark] = /^(\S+) (.*?)(!?)$/.exec(column)!;
        return { name: name!, type: type!, notNull: mark === '!' };
      });
      const name = key.replace(/^.*\./, '');
      const schema = key === name ? 'pg_catalog' : 'information_schema';
      return [key, { oid: Number(oid), kind: kind!, schema, name, columns }];
    }),
  );
  return systemRelations;
}

function duckTypeOf(type: string): string {
  // Columns of this type are shown, and compared with nothing.
  if (type === 'regtype') return 'VARCHAR';
  const element = type.replace(/\[\]$/, '');
  return `${DUCK_TYPES[element.replaceAll('"', '')] ?? element}${element === type ? '' : '[]'}`;
}

function emptyValue({ type, notNull }: SystemColumn): string {
  const duck = duckTypeOf(type);
  if (!notNull) return 'NULL';
  if (duck.endsWith('[]')) return '[]';
  if (duck === 'VARCHAR') return `''`;
  return { boolean: 'false', bytea: `''` }[type] ?? (type.startsWith('timestamp') ? 'NULL' : '0');
}

function relationSql({ columns }: SystemRelation, key: string): string {
  const source = SOURCES[key];
  const expressions = new Map(
    source?.columns.split(/;\s*/).map((column) => {
      const [, name, expression] = /^(\w+)(?: = (.*))?$/s.exec(column)!;
      return [name, expression ?? quoteIdentifier(name!)];
    }),
  );
  const list = columns.map((column) => {
    const value = expressions.get(column.name) ?? emptyValue(column);
    return `(${value})::${duckTypeOf(column.type)} AS ${quoteIdentifier(column.name)}`;
  });
  return `SELECT ${list.join(', ')} FROM ${source?.from ?? '(SELECT 1) WHERE false'}`;
}

/** Returns a query of literal rows. One text, because DuckDB takes long for many rows of VALUES. */
function rowsSql(
  columns: readonly (readonly [name: string, type: string])[],
  rows: readonly (readonly unknown[])[],
): string {
  const text = rows.map((row) => row.join('\t')).join('\n');
  const list = columns.map(([name, type], index) => `f[${index + 1}]::${type} AS ${name}`);
  return `SELECT ${list.join(', ')} FROM (SELECT string_split(unnest(string_split(${quoteLiteral(text)}, chr(10))), chr(9)) AS f)`;
}

function typeOidOf(type: string, byName: ReadonlyMap<string, unknown>): unknown {
  const spelled: Readonly<Record<string, string>> = {
    boolean: 'bool', smallint: 'int2', integer: 'int4', bigint: 'int8', real: 'float4', 'double precision': 'float8',
    'character varying': 'varchar', 'timestamp with time zone': 'timestamptz', '"char"': 'char',
  }; // biome-ignore format: pairs
  const element = type.replace(/\[\]$/, '');
  const name = spelled[element] ?? element;
  return byName.get(element === type ? name : `_${name}`) ?? 25;
}

/** The tables of what PostgreSQL itself has. */
const TABLES: Readonly<Record<string, () => string>> = {
  _system_class: () =>
    rowsSql(
      [['oid', 'BIGINT'], ['name', 'VARCHAR'], ['schema', 'VARCHAR'], ['kind', 'VARCHAR'], ['columns', 'BIGINT']],
      [...relationsOfPostgres().values()].map(({ oid, name, schema, kind, columns }) => [oid, name, schema, kind, columns.length]),
    ),
  _system_column: () => {
    const byName = new Map(relationsFile().types.map(([oid, name]) => [name as string, oid]));
    return rowsSql(
      [['relation', 'BIGINT'], ['name', 'VARCHAR'], ['number', 'BIGINT'], ['type', 'BIGINT'], ['not_null', 'BOOLEAN'], ['is_array', 'BOOLEAN']],
      [...relationsOfPostgres().values()].flatMap(({ oid, columns }) =>
        columns.map(({ name, type, notNull }, index) => [oid, name, index + 1, typeOidOf(type, byName), notNull, type.endsWith('[]')]),
      ),
    );
  },
  _system_type: () =>
    rowsSql(
      relationsFile().typeColumns.map((name) => {
        const { type } = relationsOfPostgres().get('pg_type')!.columns.find((column) => column.name === name)!;
        return [name, duckTypeOf(type)];
      }),
      relationsFile().types,
    ),
  _system_function: () => rowsSql([['oid', 'BIGINT'], ['name', 'VARCHAR']], Object.entries(relationsFile().functions)),
  _setting: () => rowsSql([['name', 'VARCHAR'], ['value', 'VARCHAR']], new Settings(new Map(), () => undefined).all()),
}; // biome-ignore format: a table a line

/**
 * A name that neither a view of DuckDB has, nor a file: a read-only session refuses some such views and all files, and looks
 * at names alone.
 */
function cteName(name: string): string {
  return quoteIdentifier(`postgres ${name.replace('.', ' ')}`);
}

const MARK = /@(\w+(?:\.\w+)?)(\(\s*\)?)?/g;

/** Collects what a statement needs. One for each statement of a client. */
export class Definitions {
  readonly #facts: Facts;
  /** The functions that are listed beside those of PostgreSQL. */
  readonly functions: readonly ListedFunction[];
  /** Statements that make tables and macros, by name. Their texts are long, and are made where `setup` is read alone. */
  readonly #made = new Map<string, () => string>();
  /** Queries of relations, by name; each reads only those before it. */
  readonly #relations = new Map<string, string>();

  constructor(facts: Facts, functions: readonly ListedFunction[]) {
    this.#facts = facts;
    this.functions = functions;
  }

  /**
   * The statements that make all tables and functions, in order. Not only those that `expand` has met: a transaction that
   * has read the catalogue does not see what is made in it later.
   */
  get setup(): readonly string[] {
    for (const name of ['_operator', ...Object.keys(TABLES)]) this.expand(`@${name}`);
    for (const name of Object.keys(FUNCTIONS)) this.expand(`@${name}(`);
    return [
      `ATTACH IF NOT EXISTS ':memory:' AS ${CATALOG} (READ_WRITE)`,
      ...[...this.#made.values()].map((text) => text()),
    ];
  }

  /** The relations that `expand` has met, as the list of a WITH. Each is computed once in a statement. */
  get relations(): string {
    return [...this.#relations]
      .map(([name, sql]) => `${cteName(name)} AS MATERIALIZED (${sql})`)
      .join(', ');
  }

  /** Replaces each `@name` of a text, and sees to it that what it names is made. */
  expand(text: string): string {
    return text.replace(MARK, (_, name: string, open = '') => {
      if (name === 'database' || name === 'user' || name === 'settings') return this.#facts[name];
      if (name === 'catalog') return CATALOG;
      const macros = FUNCTIONS[name];
      if (macros !== undefined && open !== '') return this.#call(name, macros, open);
      return (
        this.#table(name) ??
        this.#relation(name) + (TABLE_FUNCTIONS[name] === undefined ? open : '')
      );
    });
  }

  #place(name: string): string {
    return `${CATALOG}.main.${quoteIdentifier(name)}`;
  }

  #call(name: string, macros: readonly Macro[], open: string): string {
    const lookUp = LOOK_UPS[name];
    const given = lookUp === undefined ? [] : ['_in'];
    if (!this.#made.has(name)) {
      const overloads = macros.map(
        ([parameters, body]) =>
          `(${[...given, ...(parameters === '' ? [] : [parameters])].join(', ')}) AS ${this.expand(body)}`,
      );
      const text = `CREATE OR REPLACE MACRO ${this.#place(name)}${overloads.join(', ')}`;
      this.#made.set(name, () => text);
    }
    if (lookUp === undefined) return this.#place(name) + open;
    const map = lookUp in this.#facts ? `@${lookUp}` : `(FROM @${lookUp})`;
    return `${this.#place(name)}(${this.expand(map)}${open.endsWith(')') ? ')' : ', '}`;
  }

  #table(name: string): string | undefined {
    const rows = name === '_operator' ? () => this.#functionsSql() : TABLES[name];
    if (rows === undefined) return undefined;
    const place = this.#place(name);
    this.#made.set(name, () => `CREATE OR REPLACE TABLE ${place} AS ${rows()}`);
    return place;
  }

  #relation(name: string): string {
    if (!this.#relations.has(name)) {
      const relation = relationsOfPostgres().get(name);
      const sql =
        relation === undefined
          ? (HELPERS[name] ?? TABLE_FUNCTIONS[name]!)
          : relationSql(relation, name);
      this.#relations.set(name, this.expand(sql));
    }
    return cteName(name);
  }

  #functionsSql(): string {
    const list = (values: readonly string[]) =>
      `[${values.map(quoteLiteral).join(', ')}]::VARCHAR[]`;
    const rows = this.functions.map(
      (one) =>
        `(${[one.name, one.schema].map(quoteLiteral)}, ${list(one.arguments.map(({ name }) => name))}, ${list(one.arguments.map(({ type }) => type))}, ${[one.returns, one.description].map(quoteLiteral)})`,
    );
    const values =
      rows.length === 0 ? `('', '', []::VARCHAR[], []::VARCHAR[], '', '')` : rows.join(', ');
    return `SELECT * FROM (VALUES ${values}) f(name, schema, argument_names, argument_types, returns, description) WHERE name <> ''`;
  }
}
