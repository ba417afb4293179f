/**
 * Decides whether a text only reads the database. DuckDB's settings hold for a whole instance, so they cannot tell two
 * users of one server apart. This is decided on DuckDB's own parse of the text, before DuckDB binds it: to bind
 * `FROM 'x.csv'` would open the file. What is not known to be harmless is refused.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { LRUCache } from 'lru-cache';
import { RvbbitError } from '../../errors.ts';
import { MESSAGE_VALUE_CHARS } from '../../limits.ts';
import { runText } from '../execution.ts';

import { quoteLiteral } from '../quote.ts';
import { nativeThreads } from '../thread-budget.ts';
import { type QueryFacts, queryFacts, type TableName, type TreeNode } from './query-facts.ts';
import { isTransactionWord, queryOfView, queryWithin } from './readable-text.ts';

/** The number of texts whose facts are kept. Facts depend only on the text. */
const FACTS_KEPT = 1_000;
/** The facts of a longer text are not kept. */
const FACTS_MAX_CHARS = 20_000;
/** Views and macros of views and macros are looked into this deep. */
const MAX_DEPTH = 16;
/** The server's functions of PostgreSQL's catalogue, which no user can change. */
const OWN_CATALOGUE = 'rvbbit_catalogue';

/** What a text is: queries with their facts, a text that does not parse, or anything else. */
type Reading =
  | { readonly kind: 'queries'; readonly facts: QueryFacts }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'other'; readonly why: string };

interface Serialised {
  readonly error: boolean;
  readonly error_type?: string;
  readonly error_message?: string;
  readonly statements?: readonly TreeNode[];
}

/** A view or macro of the database: its catalogue's text. */
interface Definition {
  readonly database: string;
  readonly schema: string;
  readonly sql: string;
}

const readings = new LRUCache<string, Reading>({ max: FACTS_KEPT });

/**
 * Throws RVB_SQL with SQLSTATE 42501 if the text does more than to read tables and views of the database. A text that
 * DuckDB cannot parse passes, because DuckDB will refuse it and say where.
 */
export async function checkReadOnly(
  connection: DuckDBConnection,
  sql: string,
  signal?: AbortSignal,
): Promise<void> {
  await new ReadOnlyCheck(connection, signal).check(sql);
}

/**
 * The check of one text. It reads each part of the catalogue at most once. Its own queries name DuckDB's functions by their
 * schema, so that no macro of a user takes their place.
 */
class ReadOnlyCheck {
  readonly #connection: DuckDBConnection;
  readonly #signal: AbortSignal | undefined;
  #views: Promise<ReadonlyMap<string, readonly Definition[]>> | undefined;
  #tables: Promise<ReadonlySet<string>> | undefined;
  #macros: Promise<readonly { readonly name: string; readonly query: string }[]> | undefined;
  readonly #checked = new Set<string>();

  constructor(connection: DuckDBConnection, signal: AbortSignal | undefined) {
    this.#connection = connection;
    this.#signal = signal;
  }

  async check(sql: string): Promise<void> {
    // First, because in a failed transaction DuckDB runs nothing else.
    if (isTransactionWord(sql)) return;
    const reading = await this.#read(sql, 0);
    switch (reading.kind) {
      case 'queries':
        await this.#checkFacts(reading.facts, '', 0);
        return this.#checkShadows(sql, '', 0);
      case 'invalid':
        // The engine's parse and that of the execution could differ only by a fault of DuckDB's.
        await nativeThreads.use(() => this.#connection.extractStatements(sql), this.#signal);
        throw denied('this statement has no tree that could be checked');
      case 'other':
        throw denied(reading.why);
    }
  }

  async #read(sql: string, depth: number): Promise<Reading> {
    const known = readings.get(sql);
    if (known !== undefined) return known;
    const reading = await this.#parse(sql, depth);
    if (sql.length <= FACTS_MAX_CHARS) readings.set(sql, reading);
    return reading;
  }

  async #parse(sql: string, depth: number): Promise<Reading> {
    const parsed = await this.#serialise(sql);
    if (!parsed.error) return { kind: 'queries', facts: queryFacts(parsed.statements ?? []) };
    if (parsed.error_type === 'parser' || parsed.error_type === 'syntax') {
      return { kind: 'invalid' };
    }
    const within = depth < 2 ? queryWithin(sql) : undefined;
    if (within !== undefined) {
      const inner = await this.#read(within, depth + 1);
      // `EXPLAIN SELECT 1; COPY …` has no tree either, because one of its statements is no query.
      if (inner.kind === 'queries') return inner;
      if (inner.kind === 'other') return inner;
    }
    return { kind: 'other', why: `${firstWords(sql)} is not a query` };
  }

  async #checkFacts(facts: QueryFacts, where: string, depth: number): Promise<void> {
    const { unknown, tables, functions } = facts;
    if (unknown !== undefined) throw denied(`${unknown}${where} is not known to be a plain read`);
    if (depth > MAX_DEPTH) throw denied(`views${where} lie more than ${MAX_DEPTH} deep`);
    if (functions.size > 0) await this.#checkFunctions([...functions], where, depth);
    for (const table of tables) await this.#checkTable(table, where, depth);
  }

  async #checkTable(table: TableName, where: string, depth: number): Promise<void> {
    const { catalog, schema, name } = table;
    // The engine's own temporary tables. No file's name ends like this.
    if (/^rvb_\w+$/.test(name)) return;
    const parts = [catalog, schema, name].filter((part) => part !== '');
    const named = (await this.#allViews()).get(name.toLowerCase()) ?? [];
    const views = named.filter((view) => parts.length === 1 || namesOf(view, name).has(key(parts)));
    // DuckDB reads `a.csv` as a file if there is no schema a, and 'a.csv' if there is no such table.
    const isFileLike = parts.length > 1 || !/^[\w $-]+$/.test(name);
    if (isFileLike && views.length === 0) {
      const isTable = (await this.#allTables()).has(key(parts.length > 1 ? parts : ['main', name]));
      if (!isTable) {
        const what = shown(parts.join('.'));
        throw denied(`${what}${where} is no table or view of the database, and no file is read`);
      }
    }
    for (const { sql } of views) {
      await this.#checkDefinition(queryOfView(sql), `in the view ${name}`, depth);
    }
  }

  async #checkFunctions(names: readonly string[], where: string, depth: number): Promise<void> {
    const list = names.map(quoteLiteral).join(', ');
    const rows = await this.#rows(
      `SELECT system.main.lower(function_name) AS name, function_type AS kind, macro_definition AS sql FROM system.main.duckdb_functions() WHERE system.main.lower(function_name) IN (${list})`,
    );
    for (const name of names) {
      const found = rows.filter((row) => row['name'] === name);
      if (found.length === 0 && !isForbidden(name)) throw unknownFunction(name);
      for (const { kind, sql } of found) {
        if (typeof sql !== 'string') throw denied(`the function ${shown(name)}${where}`);
        const query = kind === 'table_macro' ? sql : `SELECT ${sql}`;
        await this.#checkDefinition(query, `in the macro ${name}`, depth);
      }
      if (found.length === 0) throw denied(`the function ${shown(name)}${where}`);
    }
  }

  async #checkDefinition(sql: string | undefined, where: string, depth: number): Promise<void> {
    if (sql === undefined) throw denied(`what stands ${where} cannot be read`);
    if (this.#checked.has(sql)) return;
    this.#checked.add(sql);
    const reading = await this.#read(sql, 2);
    if (reading.kind !== 'queries') throw denied(`what stands ${where} is not a plain query`);
    await this.#checkFacts(reading.facts, ` ${where}`, depth + 1);
    await this.#checkShadows(sql, where, depth);
  }

  /**
   * Looks into the macros that a text may call by the name of a function or operator of DuckDB's: the text's own facts do
   * not tell one from the other.
   */
  async #checkShadows(sql: string, where: string, depth: number): Promise<void> {
    const text = sql.toLowerCase();
    for (const { name, query } of await this.#allMacros()) {
      if (/^\w+$/.test(name) && !text.includes(name)) continue;
      await this.#checkDefinition(query, `in the macro ${shown(name)} ${where}`.trim(), depth);
    }
  }

  #allMacros(): Promise<readonly { readonly name: string; readonly query: string }[]> {
    this.#macros ??= this.#rows(
      `SELECT system.main.lower(function_name) AS name, function_type AS kind, macro_definition AS sql FROM system.main.duckdb_functions() WHERE NOT internal AND macro_definition IS NOT NULL AND database_name <> '${OWN_CATALOGUE}'`,
    ).then((rows) =>
      rows.map(({ name, kind, sql }) => ({
        name: String(name),
        query: kind === 'table_macro' ? String(sql) : `SELECT ${sql}`,
      })),
    );
    return this.#macros;
  }

  #allViews(): Promise<ReadonlyMap<string, readonly Definition[]>> {
    this.#views ??= this.#rows(
      'SELECT system.main.lower(view_name) AS name, database_name AS database, schema_name AS schema, sql FROM system.main.duckdb_views()',
    ).then((rows) => {
      const views = new Map<string, Definition[]>();
      for (const row of rows) {
        const name = String(row['name']);
        const view = {
          database: String(row['database']),
          schema: String(row['schema']),
          sql: String(row['sql']),
        };
        views.set(name, [...(views.get(name) ?? []), view]);
      }
      return views;
    });
    return this.#views;
  }

  #allTables(): Promise<ReadonlySet<string>> {
    this.#tables ??= this.#rows(
      'SELECT table_name AS name, database_name AS database, schema_name AS schema FROM system.main.duckdb_tables()',
    ).then(
      (rows) =>
        new Set(
          rows.flatMap(({ name, database, schema }) => [
            ...namesOf({ database: String(database), schema: String(schema) }, String(name)),
          ]),
        ),
    );
    return this.#tables;
  }

  async #serialise(sql: string): Promise<Serialised> {
    const [row] = await this.#rows(
      `SELECT system.main.json_serialize_sql(${quoteLiteral(sql)}) AS tree`,
    );
    return JSON.parse(String(row?.['tree'])) as Serialised;
  }

  async #rows(sql: string): Promise<readonly Record<string, unknown>[]> {
    const result = await runText(this.#connection, sql, this.#signal);
    return (await result.getRowObjectsJson()) as Record<string, unknown>[];
  }
}

/** Names for which "no such function" would mislead: they read or write outside of the database where they exist. */
function isForbidden(name: string): boolean {
  return /^(?:read_\w*|\w+_scan|scan_\w*|glob|getenv|http\w*|\w*secrets?)$/.test(name);
}

/** The qualified names of a table, view or schema's entry, as keys. */
function namesOf(
  { database, schema }: Pick<Definition, 'database' | 'schema'>,
  name: string,
): ReadonlySet<string> {
  return new Set([key([schema, name]), key([database, name]), key([database, schema, name])]);
}

function key(parts: readonly string[]): string {
  return parts.map((part) => part.toLowerCase()).join('\0');
}

function firstWords(sql: string): string {
  const words = sql.replace(/^(?:\s|--[^\n]*\n|\/\*.*?\*\/)*/s, '').split(/[\s(;]+/, 2);
  return shown(words.join(' ').trim().toUpperCase());
}

function shown(name: string): string {
  return name.length <= MESSAGE_VALUE_CHARS ? name : `${name.slice(0, MESSAGE_VALUE_CHARS - 1)}…`;
}

function denied(what: string): RvbbitError {
  return new RvbbitError(
    'RVB_SQL',
    `permission denied: ${what}; a read-only session reads tables and views with plain queries, and may make temporary tables`,
    { stage: 'bind', sqlState: '42501' },
  );
}

/** Like DuckDB's own error. It also says that the text may be semantic SQL. */
function unknownFunction(name: string): RvbbitError {
  return new RvbbitError(
    'RVB_SQL',
    `Catalog Error: Scalar Function with name ${shown(name)} does not exist!`,
    { stage: 'bind', sqlState: '42883' },
  );
}
