import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { EngineOptions } from '../../src/index.ts';
import { cases, deep, reportCases } from '../support/cases.ts';
import {
  assertAddsUp,
  assertUsable,
  pick,
  RECOVERY_MS,
  random,
  runFault,
  watchWorkers,
  withEngine,
} from './support.ts';

/** A fault strikes at several random points of one run of 1,000 rows, and alone in further runs. */
const POINTS = cases(2, 20);
const SINGLE_RUNS = cases(0, 20);
const ROWS = 1_000;

const workers = watchWorkers();

/** Runs a cascade whose fault strikes once a row: every row is ok in the end. */
async function strikeEverywhere(
  cascade: string,
  options: EngineOptions = {},
  faultMs = 0,
): Promise<void> {
  let strikes = 0;
  await withEngine(options, async (engine) => {
    for (let run = 0; run <= SINGLE_RUNS; run++) {
      const hits = pick(run === 0 ? POINTS : 1, ROWS);
      const parallel = run === 0 ? 8 : 1 + random(16);
      const { kills, durationMs } = await runFault(engine, { cascade, rows: ROWS, hits, parallel });
      strikes += hits.length;
      const bound = (RECOVERY_MS + faultMs) * Math.max(kills, hits.length) + 4_000;
      assert.ok(durationMs < bound, `${durationMs} ms for ${kills} deaths`);
    }
    await assertUsable(engine);
  });
  reportCases(strikes, `strikes of ${cascade} in runs of ${ROWS} rows`);
}

for (const [what, cascade] of [
  ['ends its worker', 'exit-once'],
  ['ends its worker after an await', 'exit-once-after-await'],
  ['ends its worker when it has its result', 'exit-after-result-once'],
  ['throws when it has its result', 'throw-after-result-once'],
  ['throws a string from a timer', 'throw-text-after-result-once'],
  ['throws null from a timer', 'throw-null-after-result-once'],
  ['leaves a rejected promise', 'reject-once'],
] as const) {
  test(`a row that ${what} once costs no row its answer`, () => strikeEverywhere(cascade));
}

test('a row that fills the heap of its worker once costs no row its answer', () =>
  // To fill a heap takes a while by itself.
  strikeEverywhere('fill-heap-once', { limits: { workerHeapMb: 64 } }, 2_000));

test('memory outside the heap ends the worker that grew, not the process, and costs no row its answer', async () => {
  // 1.2 GB would be taken; the watchdog has to come first.
  const rssMb = Math.round(process.memoryUsage.rss() / 2 ** 20) + 350;
  let strikes = 0;
  await withEngine({ limits: { rssMb } }, async (engine) => {
    for (const cascade of ['fill-buffers-once', 'fill-buffers-in-steps-once']) {
      const hits = pick(cases(1, 5), ROWS);
      const { kills } = await runFault(engine, { cascade, rows: ROWS, hits, parallel: 4 });
      assert.ok(kills >= 1, 'the watchdog struck');
      strikes += hits.length;
    }
    await assertUsable(engine);
  });
  reportCases(strikes, 'strikes of memory growth');
});

test('a result that cannot cross a thread fails its row with a reason, and the worker lives on', async () => {
  const odd = {
    function: 'RVB_ANSWER_INVALID',
    symbol: 'RVB_ANSWER_INVALID',
    bigint: 'RVB_ANSWER_INVALID',
    nan: 'RVB_ANSWER_INVALID',
    map: 'RVB_ANSWER_INVALID',
    circle: 'RVB_ANSWER_INVALID',
    deep: 'RVB_ANSWER_INVALID',
    deepPromise: 'RVB_ANSWER_INVALID',
    weak: 'RVB_ANSWER_INVALID',
    getter: 'RVB_ANSWER_INVALID',
    proxy: 'RVB_ANSWER_INVALID',
    thenable: 'RVB_CELL',
    throwsDeep: 'RVB_CELL',
    throwsFunction: 'RVB_CELL',
    throwsNull: 'RVB_CELL',
    throwsHostile: 'RVB_CELL',
    large: 'RVB_ANSWER_INVALID',
    port: 'RVB_ANSWER_INVALID',
  } as const;
  const kinds = Object.keys(odd) as (keyof typeof odd)[];
  await withEngine({}, async (engine) => {
    let lost = 0;
    engine.events.on('worker.lost', () => {
      lost += 1;
    });
    for (const parallel of [1, 7]) {
      const result = await engine.query(
        `RVBBIT MAP PARALLEL ${parallel} 'odd-results.yaml' AS v
         USING (SELECT i AS n, $kinds[1 + i % ${2 * kinds.length}] AS odd FROM range(${20 * kinds.length}) t(i))
         WITH (error_column = 'error')`.replace(
          '$kinds',
          `[${kinds.map((kind) => `'${kind}', NULL`).join(', ')}]`,
        ),
        undefined,
        { valueForm: 'json' },
      );
      for (const [ordinal, row] of result.rows.entries()) {
        const error = row['error'] as { code: string; message: string } | null;
        if (row['odd'] === null) assert.is(row['v'], `v${ordinal}`);
        else {
          assert.is(error?.code, odd[row['odd'] as keyof typeof odd], JSON.stringify(row));
          assert.ok((error?.message.length ?? 0) > 10, error?.message);
        }
      }
      assertAddsUp(result.summary);
      assert.is(result.summary.rows.failed, 10 * kinds.length);
    }
    assert.is(lost, 0);
    await assertUsable(engine);
  });
  reportCases(2 * 10 * kinds.length, 'odd results');
});

for (const cascade of ['poison', 'poison-after-await']) {
  test(`a row that ends every worker (${cascade}) alone fails, with RVB_POISON_ROW after two deaths`, async () => {
    const runs = cases(1, 10);
    await withEngine({}, async (engine) => {
      for (let run = 0; run < runs; run++) {
        const hits = pick(2, ROWS);
        const expected = new Map(hits.map((hit) => [hit, 'RVB_POISON_ROW']));
        const { summary } = await runFault(engine, {
          cascade,
          rows: ROWS,
          hits,
          parallel: 1 + random(12),
          expected,
        });
        for (const failure of summary.failures) assert.is(failure.attempts, 2);
      }
      await assertUsable(engine);
    });
    reportCases(runs * 2, `strikes of ${cascade}`);
  });
}

test('a row that ends every worker without code of its own fails alone', async () => {
  await withEngine({ limits: { workerHeapMb: 64 } }, async (engine) => {
    const hits = pick(1, 60);
    const expected = new Map(hits.map((hit) => [hit, 'RVB_POISON_ROW']));
    const fault = { cascade: 'sql-fills-heap', rows: 60, hits, parallel: 4, expected };
    const { summary } = await runFault(engine, fault);
    assert.match(summary.failures[0]!.message, /heap|memory/i);
    await assertUsable(engine);
  });
});

test('neighbouring poison rows fail one by one', async () => {
  await withEngine({}, async (engine) => {
    for (const cascade of ['poison', 'poison-after-await']) {
      const hits = [0, 1, 2];
      const expected = new Map(hits.map((hit) => [hit, 'RVB_POISON_ROW']));
      await runFault(engine, { cascade, rows: 100, hits, parallel: 1, expected });
    }
  });
});

test('a worker that dies at a boundary of a chunk, before or after its row, costs no row its answer', async () => {
  const strikes = cases(3, 20);
  await withEngine({}, async (engine) => {
    for (const parallel of deep ? [1, 2, 5] : [1, 5]) {
      const hits = pick(strikes, 20);
      const { durationMs } = await runFault(engine, {
        cascade: 'slow-exit-once',
        rows: 20,
        hits,
        parallel,
      });
      assert.ok(durationMs < RECOVERY_MS * strikes + 4_000, `${durationMs} ms`);
    }
    await assertUsable(engine);
  });
  reportCases(strikes * 2, 'deaths at chunk boundaries');
});

test('workers that are ended from outside, one every 200 ms, cost no row its answer', async () => {
  const rows = cases(600, 12_000);
  await withEngine({ threads: 3 }, async (engine) => {
    let storming = true;
    let ended = 0;
    const storm = (async () => {
      while (storming) {
        await sleep(200);
        const victims = [...workers];
        const victim = victims[random(victims.length)];
        if (victim === undefined || !storming) continue;
        ended += 1;
        // On a busy machine a start may take longer than the 200 ms.
        const successor = once(process, 'worker').then(([worker]) => once(worker, 'online'));
        successor.catch(() => {});
        await victim.terminate();
        await Promise.race([successor, sleep(1_000)]);
      }
    })();
    try {
      await runFault(engine, { cascade: 'slow', rows, hits: [], parallel: 10 });
    } finally {
      storming = false;
      await storm;
    }
    assert.ok(ended > 0);
    reportCases(ended, 'workers ended from outside');
    await assertUsable(engine);
  });
});

test('a statement that kills workers changes no result of the statements beside it', async () => {
  const rounds = cases(1, 10);
  await withEngine({}, async (engine) => {
    for (let round = 0; round < rounds; round++) {
      const hits = pick(3, 200);
      const expected = new Map(hits.map((hit) => [hit, 'RVB_POISON_ROW']));
      const bystanders = [
        { cascade: 'slow', rows: 150, parallel: 10 },
        { cascade: 'slow', rows: 30, parallel: 1 },
        { cascade: 'quick', rows: 1_000, parallel: 3 },
      ];
      await Promise.all([
        runFault(engine, { cascade: 'poison-after-await', rows: 200, hits, parallel: 5, expected }),
        runFault(engine, { cascade: 'exit-once', rows: 200, hits: pick(3, 200), parallel: 5 }),
        ...bystanders.map((bystander) => runFault(engine, { ...bystander, hits: [] })),
      ]);
    }
    await assertUsable(engine);
  });
  reportCases(rounds * 3, 'statements beside one that kills workers');
});

test.run();
