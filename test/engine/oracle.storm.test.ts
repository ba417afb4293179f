/** The engine beside a serial oracle, row for row, over random tables, cascades, lanes, delays and failures. */
import { fileURLToPath } from 'node:url';
import { setEnvironmentData } from 'node:worker_threads';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type Row } from '../../src/index.ts';
import { cases, QUICK_BUDGET_MS, reportCases, seed } from '../support/cases.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const IN_FLIGHT = 0;
const MOST = 1;
const RUNS = 2;

const count = new Int32Array(new SharedArrayBuffer(12));
setEnvironmentData('rvbbit.test.inFlight', count.buffer);

interface InputRow {
  readonly word: string | null;
  readonly number: number | null;
  readonly delay: number;
}

interface Case {
  readonly rows: readonly InputRow[];
  readonly cascade: 'judge' | 'gate';
  readonly parallel: number;
  readonly onError: 'null' | 'skip' | 'default:gone';
  readonly errorColumn: boolean;
  readonly dedupe: boolean;
  readonly distinct: boolean;
  readonly limit: number | undefined;
  readonly way: 'query' | 'stream' | 'create' | 'insert';
}

const row = fc.record({
  word: fc.constantFrom(
    'fail',
    'nothing',
    'object',
    'number',
    'plain',
    "it's",
    '{{ x }}',
    '',
    null,
  ),
  number: fc.option(fc.integer({ min: -2, max: 5 }), { freq: 6 }),
  delay: fc.constantFrom(0, 0, 0, 0, 1, 3, 8),
});

const anyCase: fc.Arbitrary<Case> = fc.record({
  rows: fc.oneof(
    { weight: 9, arbitrary: fc.array(row, { maxLength: 25 }) },
    { weight: 1, arbitrary: fc.array(row, { minLength: 26, maxLength: 300 }) },
  ),
  cascade: fc.constantFrom('judge', 'judge', 'gate'),
  parallel: fc.integer({ min: 1, max: 9 }),
  onError: fc.constantFrom('null', 'skip', 'default:gone'),
  errorColumn: fc.boolean(),
  dedupe: fc.boolean(),
  distinct: fc.boolean(),
  limit: fc.option(fc.nat(30), { nil: undefined }),
  way: fc.constantFrom('query', 'stream', 'create', 'insert'),
});

type Verdict =
  | { kind: 'value'; text: string | null }
  | { kind: 'skipped' }
  | { kind: 'failed'; message: string };

function judge({ word, number }: InputRow): Verdict {
  if (word === 'fail') return { kind: 'failed', message: `refused ${number}` };
  if (word === 'nothing' || word === null) return { kind: 'value', text: null };
  if (word === 'object')
    return { kind: 'value', text: JSON.stringify({ number, list: [word, null] }) };
  if (word === 'number') return { kind: 'value', text: number === null ? null : String(number) };
  return { kind: 'value', text: `${word}:${number}` };
}

function verdictOf(cascade: Case['cascade'], input: InputRow): Verdict {
  const passes = input.number !== null && ((input.number % 2) + 2) % 2 === 1;
  return cascade === 'gate' && !passes ? { kind: 'skipped' } : judge(input);
}

/** What calling the cascade once a row, one after another, gives. */
function expected(one: Case) {
  const key = (input: InputRow) => JSON.stringify(input);
  const kept = one.distinct
    ? one.rows.filter((input, index) => one.rows.findIndex((r) => key(r) === key(input)) === index)
    : one.rows;
  const read = kept.slice(0, one.limit ?? 1_000);
  const verdicts = read.map((input) => verdictOf(one.cascade, input));
  const rows = read.flatMap((input, index): Row[] => {
    const verdict = verdicts[index]!;
    if (verdict.kind === 'failed' && one.onError === 'skip') return [];
    const v =
      verdict.kind === 'value'
        ? verdict.text
        : verdict.kind === 'failed' && one.onError === 'default:gone'
          ? 'gone'
          : null;
    const failed = verdict.kind === 'failed';
    return [{ ...input, v, ...(one.errorColumn ? { failure: failed ? 'RVB_CELL' : null } : {}) }];
  });
  const of = (test: (verdict: Verdict) => boolean) => verdicts.filter(test).length;
  return {
    rows,
    runs: one.dedupe ? new Set(read.map(key)).size : read.length,
    account: {
      in: read.length,
      ok: of((v) => v.kind === 'value' && v.text !== null),
      null: of((v) => v.kind === 'value' && v.text === null),
      failed: of((v) => v.kind === 'failed'),
      skipped: of((v) => v.kind === 'skipped'),
      notRun: 0,
    },
  };
}

const value = (v: string | number | null) =>
  v === null ? 'NULL' : typeof v === 'number' ? String(v) : `'${v.replaceAll("'", "''")}'`;

function sourceOf(rows: readonly InputRow[]): string {
  const typed =
    'SELECT NULL::VARCHAR AS word, NULL::INTEGER AS number, 0::INTEGER AS delay WHERE false';
  if (rows.length === 0) return typed;
  const tuples = rows.map((r) => `(${value(r.word)}, ${value(r.number)}, ${r.delay})`).join(', ');
  return `SELECT word::VARCHAR AS word, number::INTEGER AS number, delay::INTEGER AS delay FROM (VALUES ${tuples}) AS t(word, number, delay)`;
}

function statementOf(one: Case): string {
  const options = [
    `on_error = '${one.onError}'`,
    `dedupe = ${one.dedupe}`,
    ...(one.errorColumn ? ["error_column = 'err'"] : []),
    ...(one.limit === undefined ? [] : [`limit = ${one.limit}`]),
  ];
  return `RVBBIT MAP PARALLEL ${one.parallel}${one.distinct ? ' DISTINCT' : ''} 'test/fixtures/oracle/${one.cascade}.yaml' AS v USING (${sourceOf(one.rows)}) WITH (${options.join(', ')})`;
}

async function run(engine: Engine, one: Case) {
  const statement = statementOf(one);
  const options = { valueForm: 'json' as const };
  switch (one.way) {
    case 'query': {
      const { rows, summary } = await engine.query(statement, undefined, options);
      return { rows, summary };
    }
    case 'stream': {
      const stream = engine.stream(statement, undefined, options);
      const rows: Row[] = [];
      for await (const next of stream) rows.push(next);
      return { rows, summary: await stream.summary };
    }
    case 'create': {
      const { summary } = await engine.query(`CREATE OR REPLACE TABLE made AS ${statement}`);
      return { rows: (await engine.query('FROM made', undefined, options)).rows, summary };
    }
    case 'insert': {
      const err = one.errorColumn
        ? ', err STRUCT(code VARCHAR, message VARCHAR, attempts INTEGER)'
        : '';
      await engine.query(
        `CREATE OR REPLACE TABLE filled (word VARCHAR, number INTEGER, delay INTEGER, v VARCHAR${err})`,
      );
      const { summary } = await engine.query(`INSERT INTO filled ${statement}`);
      return { rows: (await engine.query('FROM filled', undefined, options)).rows, summary };
    }
  }
}

test('the result equals the serial oracle, with never more than n runs in flight', async () => {
  await using engine = await Engine.open({ cascades: root, threads: 2 });
  const wanted = cases(1_000, 10_000);
  const startMs = performance.now();
  let done = 0;
  const property = fc.asyncProperty(anyCase, async (one) => {
    if (wanted === 1_000 && performance.now() - startMs > QUICK_BUDGET_MS) return;
    count.fill(0);
    const right = expected(one);
    const { failed, ok, null: nulls } = right.account;
    if ((one.way === 'create' || one.way === 'insert') && failed > 0 && ok + nulls === 0) {
      const refusal = await run(engine, one).then(
        () => undefined,
        (error: Error) => error.message,
      );
      assert.match(refusal ?? '', /^nothing was written to (made|filled): /);
      done += 1;
      return;
    }
    const { rows, summary } = await run(engine, one);
    const seen = rows.map(({ err, ...rest }) =>
      one.errorColumn ? { ...rest, failure: (err as { code: string } | null)?.code ?? null } : rest,
    );
    assert.equal(seen, right.rows);
    const { deduped: _, ...account } = summary.rows;
    assert.equal(account, right.account);
    assert.is(summary.runs, right.runs);
    const judged = one.cascade === 'judge' ? right.runs : count[RUNS];
    assert.is(count[RUNS], judged, 'equal inputs run once');
    assert.is(count[IN_FLIGHT], 0);
    assert.ok(
      count[MOST]! <= one.parallel,
      `${count[MOST]} in flight under PARALLEL ${one.parallel}`,
    );
    done += 1;
  });
  await fc.assert(property, { seed, numRuns: wanted, endOnFailure: process.env['CI'] === 'true' });
  reportCases(done, 'statements against the serial oracle');
});

test.run();
