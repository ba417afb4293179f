/** How far a run is foreseen: cells of every kind, with answers at hand and without. */
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type ExplainReport } from '../../src/index.ts';
import type { SimulatorOptions } from '../../src/sim/script.ts';
import { startSimulator } from '../../src/testing.ts';

const cascades = fileURLToPath(new URL('../../../test/fixtures/explain', import.meta.url));

/** Takes differ, so that one has to be chosen. */
const server: SimulatorOptions = {
  rules: [
    { when: { contains: 'Kind of', matches: 'item \\d*7\\]' }, answer: { _route: 'rare' } },
    { when: { contains: 'Kind of' }, answer: { _route: 'plain' } },
    { when: { contains: 'Which of' }, answer: { best: 1 } },
    { when: { contains: 'Best word', attempt: 1 }, answer: 'good' },
    { when: { contains: 'Best word', attempt: 2 }, answer: 'better' },
    { when: { contains: 'Best word' }, answer: 'best' },
    { when: { contains: 'As true or false' }, answer: true },
    { answer: 'an answer' },
  ],
};

const map = (cascade: string, rows: number, more = '') =>
  `RVBBIT MAP PARALLEL 4 '${cascade}' AS v USING (SELECT 'item ' || i AS name FROM range(${rows}) t(i)) ${more}`;

const simulator = await startSimulator(server);
test.after(() => simulator.close());

async function withEngine(use: (engine: Engine) => Promise<void>): Promise<void> {
  await using engine = await Engine.open({
    cascades,
    threads: 1,
    providers: { sim: { baseUrl: simulator.url, responseFormat: 'json_schema' } },
    model: 'sim/test-model',
  });
  await use(engine);
}

function cellsOf({ cells }: ExplainReport): Record<string, readonly (number | null)[]> {
  return Object.fromEntries(
    cells.map(({ cell, calls }) => [cell, [calls.least, calls.expected, calls.most]]),
  );
}

test('with all answers at hand each call of routes, states, wards, takes, evaluators and nested cascades is known', () =>
  withEngine(async (engine) => {
    const { rows } = await engine.query(map('all.yaml', 20));
    assert.equal([rows[7]!['v'], rows[8]!['v']], ['an answerrare', 'an answerplain']);
    const report = await engine.explain(map('all.yaml', 20));
    assert.equal(report.calls, { least: 0, expected: 0, most: 0 });
    assert.is(report.cached.least, report.cached.most);
    const again = await engine.query(map('all.yaml', 20));
    assert.equal(
      [again.summary.calls.sent, again.summary.calls.cacheHits],
      [0, report.cached.expected],
    );
    // Of 20 runs two ask why, and the others for three words and the best of them.
    assert.is(report.cached.expected, 20 + 2 * 2 + 18 * 4 + 20);
    const more = await engine.explain(map('all.yaml', 30));
    assert.equal(cellsOf(more)['kind'], [10, 10, 10]);
    assert.ok(more.calls.least < more.calls.expected && more.calls.expected < more.calls.most!);
    const made = (await engine.query(map('all.yaml', 30))).summary.calls.sent;
    assert.ok(more.calls.least <= made && made <= more.calls.most!, `${made} calls`);
  }));

test('without answers what comes after the first is a range', () =>
  withEngine(async (engine) => {
    const report = await engine.explain(map('all.yaml', 10));
    assert.equal(cellsOf(report), {
      kind: [10, 10, 10],
      skipped: [0, 5, 10],
      why: [0, 5, 10],
      judge: [0, 5, 10],
      best: [0, 15, 30],
      'best.evaluator': [0, 5, 10],
      ask: [0, 5, 10],
      forgiven: [0, 5, 10],
    });
  }));

test('asks for nothing where a run fails before its call', () =>
  withEngine(async (engine) => {
    const nulls =
      "RVBBIT MAP 'two.yaml' AS v USING (SELECT CASE WHEN i < 3 THEN 'x' || i END AS other, i AS name FROM range(5) t(i)) WITH (cache = false)";
    const { calls } = await engine.explain(nulls);
    assert.equal(calls, { least: 5, expected: 10, most: 10 });
    const bare = await engine.explain(
      "RVBBIT MAP 'fails.yaml' AS v USING (SELECT i AS name FROM range(5) t(i))",
    );
    const { summary } = await engine.query(
      "RVBBIT MAP 'fails.yaml' AS v USING (SELECT i AS name FROM range(5) t(i))",
    );
    assert.equal([bare.calls.expected, summary.calls.sent, summary.rows.failed], [2, 2, 3]);
  }));

test('gives way while it foresees many runs, and stops when it is cancelled', () =>
  withEngine(async (engine) => {
    let turns = 0;
    let isDone = false;
    const turn = () => {
      turns += 1;
      if (!isDone) setImmediate(turn);
    };
    const explaining = engine.explain(map('one.yaml', 6_000, 'WITH (limit = 100000)'));
    turn();
    const { calls } = await explaining;
    isDone = true;
    assert.is(calls.expected, 6_000);
    assert.ok(turns > 5, `${turns} turns`);
    const controller = new AbortController();
    const cut = engine.explain(map('one.yaml', 20_000, 'WITH (limit = 100000)'), undefined, {
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 150);
    const code = await cut.then(
      () => undefined,
      (error: { readonly code?: string }) => error.code,
    );
    assert.is(code, 'RVB_CANCELLED');
  }));

test.run();
