/** Statements that real clients sent to a real PostgreSQL, and its answers: run on DuckDB, and compared. */
import { readFileSync } from 'node:fs';
import { dedupeNames } from '../../../../src/duck/columns.ts';
import { Engine, type EngineSession, type QueryResult } from '../../../../src/index.ts';
import { catalogueQuery } from '../../../../src/server/sql/catalogue/catalogue-query.ts';

const FIXTURES = new URL('../../../../../test/fixtures/catalogue/', import.meta.url);
const facts = { database: 'shop', user: 'ana' };

/** A recorded statement. `rows` is their number where PostgreSQL had many: these are its own objects. */
export interface Recorded {
  readonly client: string;
  readonly sql: string;
  readonly columns: readonly (readonly [name: string, type: string])[];
  readonly rows: readonly (readonly string[])[] | number;
}

/** How DuckDB's answer compares. `error` or wrong `columns` is a miss; other `rows` may come from other objects. */
export type Outcome =
  | { readonly kind: 'same' | 'many' }
  | { readonly kind: 'error' | 'columns' | 'rows'; readonly message: string };

export function recordedStatements(): readonly Recorded[] {
  const text = readFileSync(new URL('statements.json', FIXTURES), 'utf8');
  return (JSON.parse(text) as { statements: Recorded[] }).statements;
}

/**
 * What a client reads a value of the type as. The server sends an oid as int8 and a name as text. A vector is text, or an array
 * where all columns are asked for; the name of a function (regproc) is text or its oid.
 */
function familyOf(type: string): string {
  if (type.endsWith('[]') || type === 'anyarray') return 'list';
  if (/^(SMALLINT|INTEGER|BIGINT|HUGEINT|UBIGINT|oid|xid)$/i.test(type)) return 'integer';
  if (/^(FLOAT|DOUBLE|REAL|DECIMAL|NUMERIC)/i.test(type)) return 'number';
  if (/^BOOL/i.test(type)) return 'boolean';
  if (/^(TIMESTAMP|DATE|TIME|INTERVAL)/i.test(type)) return type.slice(0, 4).toLowerCase();
  return 'text';
}

function differenceOf(
  names: readonly string[],
  actual: readonly (readonly string[])[],
  expected: readonly (readonly string[])[],
): Outcome {
  if (actual.length !== expected.length) {
    return { kind: 'rows', message: `${actual.length} rows for ${expected.length}` };
  }
  const cells = expected.flatMap((row, index) =>
    row.flatMap((cell, column) => {
      const found = actual[index]![column]!;
      return found === cell ? [] : [`${names[column]}: ${found} for ${cell}`];
    }),
  );
  return cells.length === 0
    ? { kind: 'same' }
    : { kind: 'rows', message: [...new Set(cells)].join('; ') };
}

/** An engine with the recorded objects, and what a server does for a catalogue statement. */
export class Replay implements AsyncDisposable {
  readonly session: EngineSession;
  readonly #engine: Engine;
  readonly #beside: EngineSession;
  readonly #ready = new Set<string>();
  #oids: ReadonlyMap<string, string> = new Map();

  private constructor(engine: Engine, session: EngineSession, beside: EngineSession) {
    this.#engine = engine;
    this.session = session;
    this.#beside = beside;
  }

  static async open(): Promise<Replay> {
    const engine = await Engine.open({ stateDir: false });
    const replay = new Replay(engine, await engine.session(), await engine.session());
    const objects = readFileSync(new URL('objects.sql', FIXTURES), 'utf8');
    for await (const _ of replay.session.script(objects));
    await replay.#readOids();
    return replay;
  }

  /** Runs a statement as a server does. */
  async ask(sql: string, session = this.session): Promise<QueryResult> {
    const query = catalogueQuery(sql, facts);
    for (const text of query?.setup ?? []) {
      if (!this.#ready.has(text)) await this.#beside.query(text);
      this.#ready.add(text);
    }
    return session.query(query?.sql ?? sql);
  }

  /** Runs a recorded statement and compares the answer. */
  async compare({ sql, columns, rows }: Recorded): Promise<Outcome> {
    const text = sql.replace(/<[a-z]+ [\w.]+>/g, (name) => this.#oids.get(name) ?? '0');
    let result: QueryResult;
    try {
      result = await this.ask(text);
    } catch (error) {
      return { kind: 'error', message: (error as Error).message };
    }
    const expected = dedupeNames(columns.map(([name]) => name)).join();
    const names = result.columns.map(({ name }) => name);
    const types = result.columns.flatMap(({ name, type }, index) => {
      const recorded = columns[index]?.[1] ?? '';
      const [actual, wanted] = [familyOf(type), familyOf(recorded)];
      return actual === wanted || /vector$|^regproc$/.test(recorded)
        ? []
        : [`${name} is ${type} for ${recorded}`];
    });
    if (types.length > 0) return { kind: 'columns', message: types.join() };
    if (names.join() !== expected) return { kind: 'columns', message: `${names} for ${expected}` };
    if (typeof rows === 'number') return { kind: 'many' };
    const isOrdered = /order by/i.test(sql);
    const order = (list: readonly (readonly string[])[]) =>
      isOrdered ? [...list] : [...list].sort();
    const actual = result.rows.map((row) => names.map((name) => this.#textOf(row[name])));
    return differenceOf(names, order(actual), order(rows));
  }

  /** A value as PostgreSQL writes it; an oid of a recorded object as its placeholder. */
  #textOf(value: unknown): string {
    if (value === null) return 'NULL';
    if (typeof value === 'boolean') return value ? 't' : 'f';
    if (Array.isArray(value)) return `{${value.map((one) => this.#textOf(one)).join(',')}}`;
    const text = String(value);
    return this.#names.get(text) ?? text;
  }

  #names: ReadonlyMap<string, string> = new Map();

  async #readOids(): Promise<void> {
    const { rows } =
      await this.ask(`SELECT 'class ' || relname AS name, oid FROM pg_class WHERE oid >= 16384
      UNION ALL SELECT 'type ' || typname, oid FROM pg_type WHERE oid >= 16384
      UNION ALL SELECT 'schema ' || nspname, oid FROM pg_namespace WHERE oid >= 16384
      UNION ALL SELECT 'database ' || datname, oid FROM pg_database
      UNION ALL SELECT 'constraint ' || conname, oid FROM pg_constraint
      UNION ALL SELECT 'default ' || c.relname || '.' || d.adnum, d.oid FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid`);
    const entries = rows.map(({ name, oid }) => [`<${name}>`, String(oid)] as const);
    this.#oids = new Map(entries);
    this.#names = new Map(entries.map(([name, oid]) => [oid, name]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.close();
  }
}
