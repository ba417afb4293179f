/** Statements of four sessions, in every order, beside four plain connections that are given the same ones. */
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBMaterializedResult,
  type DuckDBValue,
} from '@duckdb/node-api';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type EngineSession, RvbbitError } from '../../src/index.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import { holdExecutions } from '../support/hold-executions.ts';

const SESSIONS = 4;
/** Engines whose statements run in steps at the same time. */
const WORLDS = 6;

const cascades = makeFolder({
  'twice.yaml':
    'cascade_id: twice\ncells:\n  - { name: a, tool: js, inputs: { code: return 2 * Number(input.n) } }\n',
});
test.after(() => removeFolder(cascades));

/** A statement of a session, and the same for DuckDB, where it is another. */
interface Step {
  readonly sql: string;
  readonly plain: string;
  readonly parameters?: Record<string, DuckDBValue>;
}

/** Of the words that stand for an operator or its value: what the engine is given, and what DuckDB is. */
const MEANS = ["d MEANS 'is odd'", "CAST(regexp_extract(d, '\\d+') AS INTEGER) % 2 = 1"] as const;
/** A transaction sees a database as it was when it first looked into it, be it for a function: both call one. */
const mapOf = (source: string) =>
  [
    `RVBBIT MAP PARALLEL 3 'twice.yaml' AS v USING (SELECT x + 0 AS n FROM ${source} ORDER BY x, d)`,
    `SELECT x + 0 AS n, CAST(2 * x AS VARCHAR) AS v FROM ${source} ORDER BY x, d`,
  ] as const;

const same = (sql: string): Step => ({ sql, plain: sql });
const both = (text: (part: string) => string, [sql, plain]: readonly [string, string]): Step => ({
  sql: text(sql),
  plain: text(plain),
});

const table = fc.constantFrom('t', 'u', 'mine', 'side.t');
const size = fc.integer({ min: 0, max: 6 });
const rows = (count: number) =>
  `SELECT CAST(range AS INTEGER) AS x, 'item ' || range AS d FROM range(${count})`;

/** A session that has no transaction begins one instead. */
const transaction = fc.constantFrom('COMMIT', 'COMMIT', 'ROLLBACK').map(same);
const change = fc.oneof(
  fc.tuple(table, size).map(([name, count]) => same(`INSERT INTO ${name} (x, d) ${rows(count)}`)),
  table.map((name) => same(`INSERT INTO ${name} (x, d) VALUES (7, 'item 7') RETURNING x, d`)),
  table.map((name) => same(`UPDATE ${name} SET x = x + 10 WHERE x % 3 = 0`)),
  table.map((name) => same(`DELETE FROM ${name} WHERE x > 2`)),
  fc
    .tuple(table, table)
    .map(([to, from]) =>
      both((is) => `INSERT INTO ${to} (x, d) SELECT x, d FROM ${from} WHERE ${is}`, MEANS),
    ),
  table.map((name) => both((map) => `INSERT INTO made ${map}`, mapOf(name))),
);
const definition = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('TABLE t', 'TABLE u', 'TEMP TABLE mine', 'OR REPLACE TEMP TABLE u'),
      size,
    )
    .map(([what, count]) => same(`CREATE ${what} AS ${rows(count)}`)),
  fc.constantFrom('t', 'mine').map((name) => same(`DROP TABLE ${name}`)),
  table.map((name) => same(`ALTER TABLE ${name} ADD COLUMN y INTEGER DEFAULT 3`)),
  fc
    .tuple(fc.constantFrom('TABLE', 'TEMP TABLE'), table)
    .map(([what, name]) => both((map) => `CREATE OR REPLACE ${what} made AS ${map}`, mapOf(name))),
  fc.constantFrom(same('DROP TABLE IF EXISTS made'), same('CREATE VIEW w AS SELECT x, d FROM t')),
  size.map((n) => same(`CREATE OR REPLACE TEMP MACRO plus(a) AS a + ${n}`)),
);
const setting = fc
  .constantFrom(
    "SET TimeZone = 'Asia/Tokyo'",
    "SET TimeZone = 'America/Lima'",
    'RESET TimeZone',
    "SELECT current_setting('TimeZone') AS zone, TIMESTAMPTZ '2026-11-01 12:00:00+00'::VARCHAR AS at",
    'SET schema = side',
    'SET schema = main',
    'SET VARIABLE v = 3',
    "SELECT getvariable('v') AS v",
  )
  .map(same);
const query = fc.oneof(
  table.map((name) => same(`SELECT * FROM ${name} ORDER BY x, d`)),
  table.map((name) => same(`SELECT count(*) AS n, sum(x) AS s FROM ${name}`)),
  table.map((name) => both((map) => map, mapOf(name))),
  table.map((name) => both((is) => `SELECT x, d FROM ${name} WHERE ${is} ORDER BY x, d`, MEANS)),
  table.map((name) => both((is) => `SELECT x, (${is}) AS o FROM ${name} ORDER BY x, d`, MEANS)),
  table.map((name) => both((is) => `SELECT count(*) AS n FROM ${name} WHERE NOT ${is}`, MEANS)),
  fc.tuple(table, size).map(([name, a]) => {
    const sql = `SELECT x + $a::INTEGER AS z FROM ${name} ORDER BY x`;
    return { sql, plain: sql, parameters: { a } };
  }),
  fc.constantFrom('FROM made ORDER BY ALL', 'FROM w ORDER BY ALL', 'SELECT plus(1) AS p').map(same),
);
const failure = fc.oneof(
  table.map((name) => same(`SELECT nothing FROM ${name}`)),
  table.map((name) => same(`SELECT CAST(d AS INTEGER) AS no FROM ${name}`)),
  table.map((name) => same(`INSERT INTO ${name} (x, d) SELECT range, error('told') FROM range(3)`)),
);
const step = fc.record({
  session: fc.nat(SESSIONS - 1),
  step: fc.oneof(
    { weight: 8, arbitrary: transaction },
    { weight: 12, arbitrary: change },
    { weight: 6, arbitrary: definition },
    { weight: 4, arbitrary: setting },
    { weight: 14, arbitrary: query },
    { weight: 1, arbitrary: failure },
  ),
});
const interleaving = fc.array(step, { minLength: 8, maxLength: 28 });

/** Before each interleaving; tables that one has left are dropped. */
const SETUP = [
  'DROP VIEW IF EXISTS w',
  ...['t', 'u', 'made'].map((name) => `DROP TABLE IF EXISTS ${name}`),
  'DROP SCHEMA IF EXISTS side CASCADE',
  'CREATE SCHEMA side',
  `CREATE TABLE t AS ${rows(4)}`,
  `CREATE TABLE side.t AS ${rows(2)}`,
  `CREATE TABLE u AS ${rows(3)}`,
  'CREATE TABLE made (n INTEGER, v VARCHAR)',
];
const BEGIN = same('BEGIN');
const MINE = same(`CREATE TEMP TABLE mine AS ${rows(5)}`);

/** What a caller sees. */
type Outcome =
  | { readonly columns: readonly string[]; readonly rows: readonly unknown[][] }
  | { readonly changes: number }
  | { readonly error: string };

const textOf = (value: unknown) => (value === null ? null : String(value));

function failed({ message }: Error, { sql, plain }: Step): Outcome {
  // What the one leaves of its transaction that the other does not, the next statements show.
  if (sql !== plain) return { error: 'it failed' };
  // The engine tells the place apart, and the names that are near depend on what else there is.
  return { error: message.split('\n')[0]! };
}

async function ofSession(session: EngineSession, one: Step): Promise<Outcome> {
  try {
    const result = await session.query(one.sql, one.parameters as never, {
      valueForm: 'json',
    });
    // Of a table that is created DuckDB counts no rows.
    const isCreated = one.sql.startsWith('CREATE');
    if (result.columns.length === 0) return { changes: isCreated ? 0 : result.rowCount };
    const columns = result.columns.map(({ name }) => name);
    return { columns, rows: result.rows.map((row) => columns.map((name) => textOf(row[name]))) };
  } catch (thrown) {
    if (thrown instanceof RvbbitError) return failed(thrown, one);
    throw thrown;
  }
}

async function ofConnection(connection: DuckDBConnection, one: Step): Promise<Outcome> {
  let result: DuckDBMaterializedResult;
  try {
    result = await connection.run(one.plain, one.parameters);
  } catch (thrown) {
    return failed(thrown as Error, one);
  }
  if (result.returnType !== 3) return { changes: result.rowsChanged };
  const all = await result.getRowsJson();
  return { columns: result.columnNames(), rows: all.map((row) => row.map(textOf)) };
}

let done = 0;
let steps = 0;
let errors = 0;

/** Compares `wanted` interleavings, one after another, in an engine of their own. */
async function compare(wanted: number, ofSeed: number): Promise<void> {
  await using engine = await Engine.open({
    cascades,
    threads: 1,
    async model({ messages }) {
      const number = /item (\d+)/.exec(messages.map(({ content }) => content).join('\n'))?.[1];
      const text = JSON.stringify({ answer: Number(number) % 2 === 1 });
      return { text, finishReason: 'stop' };
    },
  });
  const instance = await DuckDBInstance.create(':memory:');
  const own = await instance.connect();
  const property = fc.asyncProperty(interleaving, async (interleaved) => {
    for (const sql of SETUP) {
      await engine.query(sql);
      await own.run(sql);
    }
    const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => engine.session()));
    const connections = await Promise.all(
      Array.from({ length: SESSIONS }, () => instance.connect()),
    );
    try {
      const begun = new Set<number>();
      const given = Array.from({ length: SESSIONS }, (_, session) => ({ session, step: MINE }));
      for (const [index, { session, step }] of [...given, ...interleaved].entries()) {
        const isEnd = step.sql === 'COMMIT' || step.sql === 'ROLLBACK';
        const one = isEnd && !begun.delete(session) ? BEGIN : step;
        if (one === BEGIN) begun.add(session);
        const expected = await ofConnection(connections[session]!, one);
        const actual = await ofSession(sessions[session]!, one);
        const place = `step ${index}, session ${session}: ${one.sql}`;
        assert.equal(actual, expected, `${place}: ${JSON.stringify({ actual, expected })}`);
        steps += 1;
        if ('error' in expected) errors += 1;
      }
    } finally {
      for (const connection of connections) connection.disconnectSync();
      await Promise.all(sessions.map((session) => session.close()));
    }
    done += 1;
  });
  await fc.assert(property, { numRuns: wanted, seed: ofSeed, endOnFailure: true });
  own.disconnectSync();
  instance.closeSync();
}

test('what four sessions give is what four connections of DuckDB give', async () => {
  const half = cases(30, 1_500);
  await compare(half, seed);
  // Each statement then waits a while for a slot, and the interleavings of other engines go on meanwhile.
  const release = holdExecutions();
  const worlds = Array.from({ length: WORLDS }, (_, world) => seed + 1 + world);
  try {
    await Promise.all(worlds.map((ofSeed) => compare(Math.ceil(half / WORLDS), ofSeed)));
  } finally {
    release();
  }
  assert.ok(errors < steps / 3, `${errors} of ${steps} failed`);
  reportCases(done, `interleavings of four sessions, ${steps} statements, ${errors} errors`);
});

test.run();
