/**
 * Decides whether a text only reads the database. DuckDB's settings hold for a whole instance, so they cannot tell two
 * users of one server apart. This is decided on DuckDB's own parse of the text, before DuckDB binds it: to bind
 * `FROM 'x.csv'` would open the file. What is not known to be harmless is refused.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { LRUCache } from 'lru-cache';
import { RvbbitError } from '../../errors.ts';
import { shortText } from '../../util/short-text.ts';
import { runText } from '../execution.ts';

import { quoteLiteral } from '../quote.ts';
import { nativeThreads } from '../thread-budget.ts';
import type { Definition, Definitions, KnownCatalogue } from './known-catalogue.ts';
import { type QueryFacts, queryFacts, type TableName, type TreeNode } from './query-facts.ts';
import { queryOfView, queryWithin, transactionWord } from './readable-text.ts';

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

const readings = new LRUCache<string, Reading>({ max: FACTS_KEPT });

/**
 * Throws RVB_SQL with SQLSTATE 42501 if the text does more than to read tables and views of the database. A text that
 * DuckDB cannot parse passes, because DuckDB will refuse it and say where. `known` is what earlier checks have read of the
 * catalogue that the text will see; what this one reads is added to it.
 */
export async function checkReadOnly(
  connection: DuckDBConnection,
  sql: string,
  { signal, known = {} }: { readonly signal?: AbortSignal; readonly known?: KnownCatalogue } = {},
): Promise<void> {
  await new ReadOnlyCheck(connection, known, signal).check(sql);
}

/** The check of one text. Its own queries name DuckDB's functions by their schema, so that no macro of a user takes their place. */
class ReadOnlyCheck {
  readonly #connection: DuckDBConnection;
  readonly #known: KnownCatalogue;
  readonly #signal: AbortSignal | undefined;
  readonly #checked = new Set<string>();

  constructor(
    connection: DuckDBConnection,
    known: KnownCatalogue,
    signal: AbortSignal | undefined,
  ) {
    this.#connection = connection;
    this.#known = known;
    this.#signal = signal;
  }

  async check(sql: string): Promise<void> {
    // First, because in a failed transaction DuckDB runs nothing else.
    if (transactionWord(sql) !== undefined) return;
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
    // DuckDB reads `a.csv` as a file if there is no schema a, and 'a.csv' if it finds no such table.
    const isFileLike = parts.length > 1 || !/^[\w $-]+$/.test(name);
    if (isFileLike && !(await this.#isFound(parts))) {
      const what = shortText(parts.join('.'));
      throw denied(`${what}${where} is no table or view of the database, and no file is read`);
    }
    for (const { sql } of (await this.#views()).get(name.toLowerCase()) ?? []) {
      await this.#checkDefinition(queryOfView(sql ?? ''), `in the view ${name}`, depth);
    }
  }

  /**
   * True if DuckDB is certain to find a table or view by this name. One without a schema must be in the first schema of
   * the search path, and one with a schema in the session's own database.
   */
  async #isFound(parts: readonly string[]): Promise<boolean> {
    const [name, schema, database] = parts
      .map((part) => `system.main.lower(${quoteLiteral(part)})`)
      .toReversed();
    const place =
      schema === undefined
        ? `d = 'temp' OR d = system.main.current_database() AND s = system.main.current_schema()`
        : database === undefined
          ? `system.main.lower(s) = ${schema} AND d IN (system.main.current_database(), 'system') OR system.main.lower(d) = ${schema} AND s = 'main'`
          : `system.main.lower(d) = ${database} AND system.main.lower(s) = ${schema}`;
    const rows = await this.#rows(
      `SELECT 1 AS one FROM (SELECT database_name AS d, schema_name AS s, table_name AS n FROM system.main.duckdb_tables()
        UNION ALL SELECT database_name, schema_name, view_name FROM system.main.duckdb_views()) WHERE system.main.lower(n) = ${name} AND (${place})`,
    );
    return rows.length > 0;
  }

  async #checkFunctions(names: readonly string[], where: string, depth: number): Promise<void> {
    const functions = await this.#functions();
    for (const name of names) {
      const found = functions.get(name) ?? [];
      if (found.length === 0 && !isForbidden(name)) throw unknownFunction(name);
      for (const { sql, kind } of found) {
        if (sql === undefined) throw denied(`the function ${shortText(name)}${where}`);
        await this.#checkDefinition(queryOfMacro(kind, sql), `in the macro ${name}`, depth);
      }
      if (found.length === 0) throw denied(`the function ${shortText(name)}${where}`);
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
    for (const { name, query } of await this.#macros()) {
      if (/^\w+$/.test(name) && !text.includes(name)) continue;
      await this.#checkDefinition(query, `in the macro ${shortText(name)} ${where}`.trim(), depth);
    }
  }

  async #macros(): Promise<NonNullable<KnownCatalogue['macros']>> {
    const functions = await this.#functions();
    this.#known.macros ??= [...functions].flatMap(([name, definitions]) =>
      definitions.flatMap(({ database, kind, sql }) =>
        sql === undefined || database === 'system' || database === OWN_CATALOGUE
          ? []
          : [{ name, query: queryOfMacro(kind, sql) }],
      ),
    );
    return this.#known.macros;
  }

  async #functions(): Promise<Definitions> {
    this.#known.functions ??= await this.#definitions(
      'SELECT DISTINCT function_name AS name, database_name AS database, function_type AS kind, macro_definition AS sql FROM system.main.duckdb_functions()',
    );
    return this.#known.functions;
  }

  async #views(): Promise<Definitions> {
    this.#known.views ??= await this.#definitions(
      "SELECT view_name AS name, database_name AS database, 'view' AS kind, sql FROM system.main.duckdb_views()",
    );
    return this.#known.views;
  }

  async #definitions(sql: string): Promise<Definitions> {
    const definitions = new Map<string, Definition[]>();
    for (const row of await this.#rows(sql)) {
      const { database, kind, sql: definition } = row;
      const name = String(row['name']).toLowerCase();
      const one = {
        database: String(database),
        kind: String(kind),
        sql: typeof definition === 'string' ? definition : undefined,
      };
      const others = definitions.get(name);
      if (others === undefined) definitions.set(name, [one]);
      else others.push(one);
    }
    return definitions;
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

function queryOfMacro(kind: string, sql: string): string {
  return kind === 'table_macro' ? sql : `SELECT ${sql}`;
}

function firstWords(sql: string): string {
  const words = sql.replace(/^(?:\s|--[^\n]*\n|\/\*.*?\*\/)*/s, '').split(/[\s(;]+/, 2);
  return shortText(words.join(' ').trim().toUpperCase());
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
    `Catalog Error: Scalar Function with name ${shortText(name)} does not exist!`,
    { stage: 'bind', sqlState: '42883' },
  );
}
