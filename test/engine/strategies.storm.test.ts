/** Every strategy of a MAP gives the same rows, makes each call once, and has its own number of calls in flight. */

import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type Row } from '../../src/index.ts';
import type { Strategy } from '../../src/result.ts';
import { errorOf } from '../model/engine-support.ts';

const cascades = fileURLToPath(new URL('../../../bench/cascades', import.meta.url));
const STRATEGIES: readonly Strategy[] = ['batch', 'sequential', 'wave', 'static', 'union_all'];
const ROWS = 30;
const PARALLEL = 6;

interface Asked {
  readonly engine: Engine;
  /** Questions in the order in which they came. */
  readonly questions: string[];
  /** Most that were out at once. */
  most(): number;
}

/** An engine whose model answers a question with itself, the first of every ten slowly. */
async function withAsked(
  use: (asked: Asked) => Promise<void>,
  { fails = -1, delayMs = 1 } = {},
): Promise<void> {
  const questions: string[] = [];
  let out = 0;
  let most = 0;
  await using engine = await Engine.open({
    cascades,
    threads: 1,
    async model({ messages }) {
      const question = messages.at(-1)!.content;
      questions.push(question);
      out += 1;
      most = Math.max(most, out);
      const number = Number(/\d+/.exec(question)?.[0]);
      await sleep(number % 10 === 0 ? 10 * delayMs : delayMs);
      out -= 1;
      if (number === fails) throw new Error('refused');
      return { text: `answer ${question}`, finishReason: 'stop' };
    },
  });
  await use({ engine, questions, most: () => most });
}

function mapOf(strategy: string, source: string, options = ''): string {
  return `RVBBIT MAP PARALLEL ${PARALLEL} 'ask.yaml' AS answer USING (${source}) WITH (strategy = '${strategy}', cache = false${options})`;
}

const PLAIN = `SELECT range % 22 AS k, CASE WHEN range % 7 = 0 THEN NULL ELSE 'row ' || range % 22 END AS question FROM range(${ROWS})`;

/** Queries that a split of the text gets wrong: what the engine splits are the rows. */
const SOURCES = [
  PLAIN,
  `${PLAIN} ORDER BY k DESC, question LIMIT 12 OFFSET 3`,
  `SELECT count(*) AS n, question FROM (${PLAIN}) GROUP BY question HAVING n > 1 ORDER BY question`,
  `SELECT DISTINCT question FROM (${PLAIN}) UNION ALL SELECT 'more' ORDER BY question`,
  `SELECT question, row_number() OVER (ORDER BY k, question) AS place FROM (${PLAIN}) ORDER BY place`,
  `WITH a AS (${PLAIN}) SELECT a.question FROM a JOIN a b ON a.k = b.k AND a.question IS NOT NULL ORDER BY a.k`,
  `SELECT 'one' AS question WHERE false`,
];

test('the same rows, columns and calls under every strategy', () =>
  withAsked(async ({ engine, questions }) => {
    for (const source of SOURCES) {
      let expected: { rows: readonly Row[]; asked: readonly string[] } | undefined;
      for (const strategy of STRATEGIES) {
        questions.length = 0;
        const { rows, columns, summary } = await engine.query(mapOf(strategy, source));
        assert.ok(columns.some(({ name }) => name === 'answer'));
        assert.is(summary.strategy, strategy);
        const asked = [...questions].sort();
        assert.is(new Set(asked).size, asked.length, `${strategy} asked twice`);
        expected ??= { rows, asked };
        assert.equal(rows, expected.rows, `${strategy}: ${source}`);
        assert.equal(asked, expected.asked, `${strategy}: ${source}`);
      }
    }
  }));

test('a strategy is what its name says', async () => {
  const mostOf: Record<string, number> = {};
  const source = `SELECT 'row ' || (100 + range) AS question FROM range(${ROWS})`;
  for (const strategy of STRATEGIES) {
    await withAsked(
      async ({ engine, questions, most }) => {
        await engine.query(mapOf(strategy, source));
        mostOf[strategy] = most();
        const numbers = questions.map((question) => Number(/\d+/.exec(question)?.[0]) - 100);
        if (strategy === 'sequential') {
          assert.equal(
            numbers,
            [...numbers].sort((a, b) => a - b),
          );
        }
        if (strategy === 'wave') {
          const waves = numbers.map((_, at) => Math.floor(numbers[at]! / PARALLEL));
          assert.equal(
            waves,
            [...waves].sort((a, b) => a - b),
            'a wave after the other',
          );
        }
        if (strategy === 'static') {
          const first = numbers.slice(0, PARALLEL).sort((a, b) => a - b);
          assert.equal(first, [0, 5, 10, 15, 20, 25], 'each slice begins at its first row');
        }
      },
      { delayMs: 25 },
    );
  }
  // How many are out when the most are depends on the machine, up to n.
  assert.is(mostOf['sequential'], 1);
  for (const strategy of ['batch', 'wave', 'static', 'union_all']) {
    assert.ok(
      mostOf[strategy]! > 2 && mostOf[strategy]! <= PARALLEL,
      `${strategy}: ${mostOf[strategy]}`,
    );
  }
});

test('a failure, an abort and a budget end every strategy', async () => {
  const source = `SELECT 'row ' || range AS question FROM range(${ROWS})`;
  for (const strategy of STRATEGIES) {
    await withAsked(
      async ({ engine }) => {
        const failing = mapOf(strategy, source, ", on_error = 'fail', retries = 0");
        assert.match((await errorOf(engine.query(failing))).code, /^RVB_/);
        const { rows } = await engine.query(mapOf(strategy, source, ', retries = 0'));
        assert.is(rows.filter(({ answer }) => answer === null).length, 1);
        const abort = AbortSignal.timeout(5);
        const cut = await errorOf(
          engine.query(mapOf(strategy, source), undefined, { signal: abort }),
        );
        assert.is(cut.code, 'RVB_CANCELLED');
        const { summary } = await engine.query(
          mapOf(strategy, source, ', max_calls = 7, retries = 0'),
        );
        assert.is(summary.calls.sent, 7, strategy);
        assert.is(summary.rows.notRun + summary.rows.failed, ROWS - 7 + summary.rows.failed);
      },
      { fails: 3, delayMs: 15 },
    );
  }
});

test('a strategy that nobody knows is told of, and EXPLAIN names the one that was asked for', () =>
  withAsked(async ({ engine }) => {
    const wrong = await errorOf(engine.query(mapOf('waves', PLAIN)));
    assert.match(wrong.message, /strategy/);
    const report = await engine.explain(mapOf('wave', PLAIN));
    assert.is(report.strategy, 'wave');
    assert.match(report.reason, /n runs at a time/);
  }));

test('semantic SQL gives the same rows and calls under every strategy', async () => {
  let calls = 0;
  await using engine = await Engine.open({
    cascades,
    threads: 1,
    async model({ messages }) {
      calls += 1;
      const number = Number(
        /item (\d+)/.exec(messages.map(({ content }) => content).join(' '))?.[1],
      );
      return { text: JSON.stringify({ answer: number % 3 === 0 }), finishReason: 'stop' };
    },
  });
  await engine.query(
    "CREATE TABLE items AS SELECT range AS id, 'item ' || range % 20 AS d FROM range(40)",
  );
  const sql = (strategy: string, rest: string) =>
    `-- @ strategy: ${strategy}\n-- @ cache: false\n-- @ parallel: 4\nSELECT id, d FROM items WHERE d MEANS 'x' ${rest}`;
  for (const strategy of STRATEGIES) {
    calls = 0;
    const { rows, summary } = await engine.query(sql(strategy, 'ORDER BY id'));
    assert.equal(
      rows.map(({ id }) => (Number(id) % 20) % 3),
      rows.map(() => 0),
    );
    assert.is(rows.length, 14, strategy);
    assert.is(calls, 20, `${strategy} asks about each text once`);
    assert.is(summary.strategy, strategy);
    const first = engine.query(sql(strategy, 'LIMIT 2'));
    if (strategy === 'static' || strategy === 'union_all') {
      assert.match((await errorOf(first)).message, /out of their order/);
    } else
      assert.equal(
        (await first).rows.map(({ id }) => Number(id)),
        [0, 3],
      );
  }
});

test.run();
