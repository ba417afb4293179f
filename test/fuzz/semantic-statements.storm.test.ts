/** Mutated DuckDB SQL through the engine: what DuckDB takes gets there byte by byte, and all that is thrown is ours. */
import { DuckDBInstance } from '@duckdb/node-api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, RvbbitError } from '../../src/index.ts';
import { root } from '../semantic/support.ts';
import { deep, reportCases, seed } from '../support/cases.ts';
import { mutated, randomBelow, STATEMENTS } from './semantic-mutations.ts';

const BUDGET_MS = deep ? 45_000 : 6_000;
/** An edit may leave a recursive query without an end. */
const STATEMENT_MS = 2_000;
const CASES_PER_DATABASE = 200;

const SEMANTIC = [
  "SELECT id, a MEANS 'b' FROM t WHERE a ABOUT 'x' OR b MATCHES 'c' ORDER BY a RELEVANCE TO 'q' LIMIT 3",
  "SELECT rvbbit_run('operators/means.yaml', json_object('text', a, 'criterion', 'b')) FROM t",
  "UPDATE t SET a = a ASK 'q' WHERE quality(b) > 0.5 AND a NOT MEANS 'b'",
  "SELECT rvbbit_map_parallel('operators/quality.yaml', (SELECT json_group_array({'text': a}) FROM t), 2)",
  "SELECT a TRANSLATED TO 'X', json_extract_string(rvbbit_run_batch('operators/ask.yaml', '[{}]', 'w'), '$.a') FROM t",
  "WITH w AS (SELECT a FROM t WHERE semantic_means(a, 'b')) SELECT count(*) FROM w JOIN u ON w.a SAME_AS u.b",
];

/** A text that DuckDB was given, and what it said against it. */
interface Sent {
  readonly text: string;
  isRun?: boolean;
  error?: string;
}

/** Notes at the entry what DuckDB says against its text. */
async function noted<T>(entry: Sent, outcome: Promise<T>): Promise<T> {
  try {
    return await outcome;
  } catch (thrown) {
    entry.error = String(thrown);
    throw thrown;
  }
}

/** A database that notes the texts it is given; it reads and writes no file. */
async function listening(sent: Sent[]): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(':memory:', { enable_external_access: 'false' });
  const connect = instance.connect.bind(instance);
  instance.connect = async () => {
    const connection = await connect();
    const extract = connection.extractStatements.bind(connection);
    const run = connection.run.bind(connection);
    connection.extractStatements = async (text) => {
      const entry: Sent = { text };
      sent.push(entry);
      const extracted = await extract(text);
      const prepare = extracted.prepare.bind(extracted);
      // A PIVOT is two statements, of which the second can be prepared once the first has run.
      extracted.prepare = async (index) => {
        const prepared = await noted(entry, prepare(index));
        const runPrepared = prepared.run.bind(prepared);
        prepared.run = () => noted(entry, runPrepared());
        return prepared;
      };
      return extracted;
    };
    connection.run = (...args) => {
      // A text that is one statement for certain is not taken apart before.
      const last = sent.at(-1);
      const isNew = last?.text !== args[0] || last.isRun === true;
      const entry: Sent = isNew ? { text: args[0] } : last;
      entry.isRun = true;
      if (isNew) sent.push(entry);
      return noted(entry, run(...args));
    };
    return connection;
  };
  return instance;
}

async function openDatabase(sent: Sent[]): Promise<Engine> {
  const engine = await Engine.open({
    cascades: root,
    threads: 1,
    database: await listening(sent),
  });
  for await (const { kind } of engine.script(`
    CREATE TABLE t AS SELECT i AS id, 'abc' || i AS a, 'b' AS b, i AS n, '{"k": "v"}'::JSON AS j, [i, 2] AS l FROM range(5) r(i);
    CREATE TABLE u AS SELECT i AS id, 'abc' AS b, i AS means FROM range(3) r(i);
    CREATE TABLE means AS SELECT i AS id, i AS n, 'x' AS about FROM range(3) r(i);
    CREATE TABLE about AS FROM means`)) {
    assert.ok(kind);
  }
  return engine;
}

/** DuckDB has taken the text, or refuses it for what no operator could mend. */
function isPlain({ error }: Sent): boolean {
  return error === undefined || !/Parser Error|syntax error|Function with name/i.test(error);
}

/** Nothing but what may stand around a statement. */
function isAround(rest: string): boolean {
  return /^(?:\s|;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*$/.test(rest);
}

test('a plain statement reaches DuckDB as it was written, and nothing else is sent for it', async () => {
  const random = randomBelow(seed);
  const all = [...STATEMENTS, ...SEMANTIC];
  const started = performance.now();
  let count = 0;
  let plain = 0;
  let ran = 0;
  while (performance.now() - started < BUDGET_MS) {
    const sent: Sent[] = [];
    await using engine = await openDatabase(sent);
    for (let left = CASES_PER_DATABASE; left > 0; left--) {
      if (performance.now() - started >= BUDGET_MS) break;
      count += 1;
      const source = mutated(all[random(all.length)]!, random);
      const what = `seed ${seed}, case ${count}: ${JSON.stringify(source)}`;
      sent.length = 0;
      const { error, runs } = await outcomeOf(engine, source);
      assert.ok(
        error === undefined || (error instanceof RvbbitError && error.code !== 'RVB_INTERNAL'),
        `${what}: ${error instanceof Error ? error.stack : String(error)}`,
      );
      const [first] = sent;
      if (first === undefined || error?.code === 'RVB_CANCELLED') continue;
      const at = source.indexOf(first.text);
      // A MAP's query and the like stand inside of the statement.
      if (!/rvbbit\s+(map|run)/i.test(source)) {
        assert.ok(at >= 0, `${what}: DuckDB got ${JSON.stringify(first.text)}`);
        const isWhole =
          isAround(source.slice(0, at)) && isAround(source.slice(at + first.text.length));
        assert.ok(isWhole, `${what}: DuckDB got ${JSON.stringify(first.text)}`);
      }
      if (!isPlain(first)) {
        ran += runs > 0 ? 1 : 0;
        continue;
      }
      plain += 1;
      assert.equal(
        sent.map(({ text }) => text),
        [first.text],
        what,
      );
      assert.is(runs, 0, what);
    }
  }
  reportCases(count, `mutated statements, ${plain} plain and ${ran} that ran a cascade`);
  assert.ok(plain > 0, `${plain} plain, ${ran} semantic`);
});

async function outcomeOf(
  engine: Engine,
  source: string,
): Promise<{ readonly error?: RvbbitError; readonly runs: number }> {
  try {
    const signal = AbortSignal.timeout(STATEMENT_MS);
    const { summary } = await engine.query(source, undefined, { signal });
    return { runs: summary.runs };
  } catch (thrown) {
    const error = thrown as RvbbitError;
    return { error, runs: error.summary?.runs ?? 0 };
  }
}

test.run();
