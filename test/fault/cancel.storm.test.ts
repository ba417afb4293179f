import { spawn } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine, Row, RvbbitError } from '../../src/index.ts';
import { cases, reportCases } from '../support/cases.ts';
import {
  assertAddsUp,
  assertUsable,
  cascades,
  errorOf,
  leftTables,
  random,
  withEngine,
  withFolder,
} from './support.ts';

/** From an abort to the settling: a second, and half a second for a machine that is busy with other tests. */
const SETTLE_MS = 1_500;
/** A row that was on its way to a worker when the abort came may still begin. */
const LATE_START_MS = 300;

const warnings: string[] = [];
process.on('warning', ({ name, message }) => warnings.push(`${name}: ${message}`));

/** A query that DuckDB is busy with for minutes. */
const LONG_SCAN =
  'SELECT count(*) AS n FROM range(10000000) a(i), range(100000) b(j) WHERE hash(i, j) % 7 = 3';

interface Abort {
  readonly sql: string;
  readonly afterMs: number;
  /** Called in place of a plain wait, to abort at a certain moment. */
  readonly when?: (engine: Engine) => Promise<unknown>;
}

/** Aborts a statement and checks what must hold of the error and of the engine afterwards. */
async function abort(engine: Engine, { sql, afterMs, when }: Abort): Promise<RvbbitError> {
  const controller = new AbortController();
  const work = errorOf(engine.query(sql, undefined, { signal: controller.signal }));
  await Promise.all([when?.(engine), sleep(afterMs)]);
  const abortedMs = performance.now();
  controller.abort();
  const error = await work;
  const tookMs = performance.now() - abortedMs;
  assert.ok(tookMs < SETTLE_MS, `settled ${tookMs} ms after the abort: ${sql}`);
  assert.is(error.code, 'RVB_CANCELLED', error.message);
  assert.is(error.summary?.status, 'incomplete');
  assert.is(error.summary?.reason, 'cancelled');
  assertAddsUp(error.summary!);
  assert.equal(getEventListeners(controller.signal, 'abort'), []);
  return error;
}

/** When and for which rows a marking cascade began, by its file. */
function startsIn(file: string): { atMs: number; n: number }[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [atMs, n] = line.split(' ').map(Number);
      return { atMs: atMs!, n: n! };
    });
}

function recordOf(type: string): (engine: Engine) => Promise<unknown> {
  return (engine) => once(engine.events, type);
}

function map(cascade: string, query: string, options = ''): string {
  return `RVBBIT MAP PARALLEL 4 '${cascade}.yaml' AS v USING (${query})${options && ` WITH (${options})`}`;
}

const slowRows = (rows: number) =>
  `SELECT i AS n, false AS hit, '' AS folder FROM range(${rows}) t(i) LIMIT ${rows}`;

test('a statement whose signal has aborted already is refused', async () => {
  await withEngine({}, async (engine) => {
    for (const sql of [
      'SELECT 1',
      map('slow', slowRows(10)),
      `EXPLAIN ${map('slow', slowRows(1))}`,
    ]) {
      const error = await errorOf(engine.query(sql, undefined, { signal: AbortSignal.abort() }));
      assert.is(error.code, 'RVB_CANCELLED');
      assert.is(error.summary?.status, 'incomplete');
    }
    await assertUsable(engine);
  });
});

test('an abort or a deadline ends the queries of SQL cells within a second', async () => {
  await withEngine({}, async (engine) => {
    const rows = 'SELECT i AS n, 100000000 AS size FROM range(20) t(i)';
    for (const afterMs of [0, 20, 150, 400]) {
      await abort(engine, { sql: map('asks-sql', rows), afterMs });
    }
    const startedMs = performance.now();
    const late = await errorOf(engine.query(map('asks-sql', rows, "deadline = '250ms'")));
    assert.is(late.code, 'RVB_DEADLINE', late.message);
    assert.ok(performance.now() - startedMs < 250 + SETTLE_MS);
    assert.equal(await leftTables(engine), []);
    await assertUsable(engine);
  });
});

test('an abort ends a statement at every stage, within a second, and leaves the engine as it was', async () => {
  await withEngine({}, async (engine) => {
    await engine.query('CREATE TABLE numbers AS SELECT i AS n FROM range(200000) t(i)');
    await engine.query('CREATE TABLE target (n BIGINT, hit BOOLEAN, folder VARCHAR, v VARCHAR)');
    const looping = `SELECT i AS n, true AS hit FROM range(20) t(i)`;
    const stages: Record<string, Abort> = {
      'plain SQL in a scan': { sql: LONG_SCAN, afterMs: 60 },
      'the staging of a long query': {
        sql: map('quick', LONG_SCAN.replace(' AS n', ' AS n, true AS hit, 1 AS folder')),
        afterMs: 60,
      },
      'distinct inputs': {
        sql: map(
          'quick',
          'SELECT i % 90001 AS n, true AS hit, 1 AS folder FROM range(2000000) t(i)',
          'limit = 2000000',
        ),
        afterMs: 150,
      },
      'rows that run': { sql: map('slow', slowRows(1_000)), afterMs: 0, when: recordOf('rows') },
      'a cell that loops': {
        sql: map('loops', looping.replace('true AS hit', "'' AS file, 0 AS ms")),
        afterMs: 150,
      },
      'a cell that loops after an await': {
        sql: map('loops', looping.replace('true AS hit', "'' AS file, 1 AS ms")),
        afterMs: 150,
      },
      'a cell that never settles': { sql: map('never', looping), afterMs: 100 },
      'SQL cells': {
        sql: map('asks-sql', 'SELECT i AS n, 100000000 AS size FROM range(20) t(i)'),
        afterMs: 150,
      },
      'the making of a table': {
        sql: `CREATE TABLE made AS ${map('slow', slowRows(1_000))}`,
        afterMs: 0,
        when: recordOf('rows'),
      },
      'the writing of a table': {
        sql: `CREATE TABLE made AS ${map('quick', 'SELECT n, false AS hit, 1 AS folder FROM numbers LIMIT 200000')}`,
        afterMs: 250,
      },
      'an insert': { sql: `INSERT INTO target ${map('slow', slowRows(500))}`, afterMs: 80 },
      RUN: { sql: `RVBBIT RUN 'never.yaml' USING (SELECT 1 AS n)`, afterMs: 100 },
    };
    await withFolder(async (folder) => {
      for (const [stage, attempt] of Object.entries(stages)) {
        const sql = attempt.sql
          .replace("'loops.yaml'", "'marks-start-then-loops.yaml'")
          .replace("'never.yaml'", "'never-settles-long.yaml'")
          .replace("'' AS file", `'${folder}/loops' AS file`);
        try {
          await abort(engine, { ...attempt, sql });
        } catch (thrown) {
          throw new Error(`${stage}: ${(thrown as Error).message}`, { cause: thrown });
        }
        assert.equal(await leftTables(engine), [], stage);
      }
    });
    const { rowCount } = await engine.query('FROM target');
    assert.is(rowCount, 0, 'a cancelled INSERT leaves nothing behind');
    await assertUsable(engine);
    reportCases(Object.keys(stages).length, 'stages aborted');
  });
});

test('no row starts once its statement has been aborted, whatever its worker is doing', async () => {
  await withEngine({}, async (engine) => {
    await withFolder(async (folder) => {
      const runs = cases(1, 20);
      for (const [cascade, ms] of [
        ['marks-start', 3],
        ['marks-start-synchronously', 20],
        ['marks-start-then-loops', 0],
        ['marks-start-then-loops', 1],
      ] as const) {
        for (let run = 0; run < runs; run++) {
          const file = join(folder, `${cascade}-${ms}-${run}`);
          await abort(engine, {
            sql: map(
              cascade,
              `SELECT i AS n, '${file}' AS file, ${ms} AS ms FROM range(1000) t(i)`,
            ),
            afterMs: 100 + random(300),
          });
          const abortedAtMs = Date.now();
          await sleep(LATE_START_MS + 200);
          const late = startsIn(file).filter(({ atMs }) => atMs > abortedAtMs + LATE_START_MS);
          assert.equal(late, [], `${cascade} with ms = ${ms}`);
        }
      }
      await assertUsable(engine);
      reportCases(runs * 4, 'aborts after which no row may start');
    });
  });
});

test('an abort at any moment settles within a second and leaves no table, listener or lost row', async () => {
  const runs = cases(30, 100);
  await withEngine({}, async (engine) => {
    for (let run = 0; run < runs; run++) {
      const cascade = ['slow', 'quick', 'exit-once'][run % 3]!;
      const controller = new AbortController();
      const work = engine.query(map(cascade, slowRows(600)), undefined, {
        signal: controller.signal,
      });
      const outcome = work.catch((error: RvbbitError) => error);
      await sleep(random(250));
      const abortedMs = performance.now();
      controller.abort();
      const result = await outcome;
      assert.ok(performance.now() - abortedMs < SETTLE_MS);
      if ('code' in result) assert.is(result.code, 'RVB_CANCELLED');
      else assert.is(result.rows.length, 600);
      assertAddsUp(result.summary!);
      assert.equal(getEventListeners(controller.signal, 'abort'), []);
    }
    await assertUsable(engine);
  });
  reportCases(runs, 'aborts at random times');
});

test('a storm of aborts leaks no listener, no handle and no warning', async () => {
  const runs = cases(300, 10_000);
  await withEngine({ parallel: 4 }, async (engine) => {
    await assertUsable(engine);
    const handles = process.getActiveResourcesInfo().length;
    const shared = new AbortController();
    let left = runs;
    const lane = async () => {
      while (left > 0) {
        left -= 1;
        const controller = new AbortController();
        const signal = AbortSignal.any([controller.signal, shared.signal]);
        const work = engine
          .query(map('quick', slowRows(20)), undefined, { signal })
          .catch((error: RvbbitError) => assert.is(error.code, 'RVB_CANCELLED'));
        // One in ten is left to its end, with the shared signal itself.
        if (left % 10 === 0) await engine.query('SELECT 1', undefined, { signal: shared.signal });
        else if (random(3) > 0) await sleep(random(4));
        controller.abort();
        await work;
      }
    };
    await Promise.all(Array.from({ length: 20 }, lane));
    assert.equal(getEventListeners(shared.signal, 'abort'), []);
    await assertUsable(engine);
    await sleep(50);
    const grown = process.getActiveResourcesInfo().length - handles;
    assert.ok(grown <= 2, `${grown} handles more than before`);
  });
  assert.equal(warnings, []);
  reportCases(runs, 'statements started and aborted');
});

test('many statements may share one signal, and one abort ends them all', async () => {
  await withEngine({}, async (engine) => {
    const controller = new AbortController();
    const { signal } = controller;
    const works = Array.from({ length: 40 }, (_, index) =>
      errorOf(
        engine.query(index % 2 ? LONG_SCAN : map('slow', slowRows(1_000)), undefined, { signal }),
      ),
    );
    await sleep(150);
    const abortedMs = performance.now();
    controller.abort();
    for (const error of await Promise.all(works)) assert.is(error.code, 'RVB_CANCELLED');
    assert.ok(performance.now() - abortedMs < SETTLE_MS);
    assert.equal(getEventListeners(signal, 'abort'), []);
    await assertUsable(engine);
  });
  assert.equal(warnings, []);
});

test('a statement past its deadline ends with RVB_DEADLINE, whatever it is doing', async () => {
  await withEngine({}, async (engine) => {
    for (const sql of [
      map('slow', slowRows(1_000), "deadline = '250ms'"),
      map(
        'quick',
        LONG_SCAN.replace(' AS n', ' AS n, true AS hit, 1 AS folder'),
        "deadline = '250ms'",
      ),
      map('never-settles-long', 'SELECT 1 AS n', "deadline = '250ms'"),
      map('asks-sql', 'SELECT i AS n, 100000000 AS size FROM range(20) t(i)', "deadline = '250ms'"),
      `CREATE TABLE made AS ${map('slow', slowRows(1_000), "deadline = '250ms'")}`,
      `RVBBIT RUN 'never-settles-long.yaml' USING (SELECT 1 AS n) WITH (deadline = '250ms')`,
    ]) {
      const startedMs = performance.now();
      const error = await errorOf(engine.query(sql));
      assert.is(error.code, 'RVB_DEADLINE', `${error.message}: ${sql}`);
      assert.is(error.summary?.reason, 'deadline');
      assertAddsUp(error.summary!);
      const tookMs = performance.now() - startedMs;
      assert.ok(tookMs < 250 + SETTLE_MS, `${tookMs} ms: ${sql}`);
    }
    await assertUsable(engine);
  });
});

test('a deadline or timeout of a month is not one of a millisecond', async () => {
  await withEngine({}, async (engine) => {
    const options = "deadline = '30d', timeout = '30d'";
    const result = await engine.query(map('patient', 'SELECT i AS n FROM range(20) t(i)', options));
    assert.is(result.summary.rows.ok, 20);
  });
  assert.equal(warnings, []);
});

const CLOSED_MEANWHILE =
  'the engine was closed while the statement ran, and the statement was cancelled; close it after the last statement';

test('close() ends what runs: statements are rejected, streams too, and it resolves', async () => {
  for (let run = 0; run < cases(2, 30); run++) {
    await withEngine({}, async (engine) => {
      const works = [
        map('slow', slowRows(1_000)),
        map('never-settles-long', 'SELECT 1 AS n'),
        LONG_SCAN,
      ].map((sql) => errorOf(engine.query(sql)));
      const idle = engine.stream(map('slow', slowRows(1_000)));
      await sleep(random(200));
      const closedMs = performance.now();
      await engine.close();
      assert.ok(performance.now() - closedMs < 2 * SETTLE_MS, 'close settles');
      for (const error of await Promise.all(works)) {
        assert.equal([error.code, error.message], ['RVB_CLOSED', CLOSED_MEANWHILE]);
        assertAddsUp(error.summary!);
      }
      const iterator = idle[Symbol.asyncIterator]();
      const error = await errorOf(
        (async () => {
          while ((await iterator.next()).done !== true);
        })(),
      );
      assert.equal([error.code, error.message], ['RVB_CLOSED', CLOSED_MEANWHILE]);
      const late = await errorOf(engine.query('SELECT 1'));
      assert.equal([late.code, late.message], ['RVB_CLOSED', 'the engine is closed; open another']);
    });
  }
});

test('an abort ends a stream that its consumer has stopped reading', async () => {
  await withEngine({}, async (engine) => {
    for (const sql of [map('slow', slowRows(500)), 'SELECT i FROM range(5000) t(i)']) {
      const controller = new AbortController();
      const stream = engine.stream(sql, undefined, { signal: controller.signal });
      const iterator = stream[Symbol.asyncIterator]();
      assert.is((await iterator.next()).done, false);
      controller.abort();
      const summary = await stream.summary;
      assert.is(summary.status, 'incomplete');
      assertAddsUp(summary);
      assert.equal(await leftTables(engine), []);
      const error = await errorOf(
        (async () => {
          while ((await iterator.next()).done !== true);
        })(),
      );
      assert.is(error.code, 'RVB_CANCELLED');
    }
    await assertUsable(engine);
  });
});

test('a process that closes its engine in the middle of a run exits by itself, and soon', async () => {
  const index = new URL('../../src/index.js', import.meta.url).href;
  const program = `
    import { Engine } from '${index}';
    const engine = await Engine.open({ cascades: ${JSON.stringify(cascades)}, threads: 2 });
    const work = engine.query(${JSON.stringify(map('slow', slowRows(1_000)))}).then(() => 'done', (e) => e.code);
    await new Promise((resolve) => engine.events.once('rows', resolve));
    await engine.close();
    console.log(await work, 'closed');
    globalThis.closedMs = performance.now();
    process.on('exit', () => console.log(Math.round(performance.now() - globalThis.closedMs)));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
  });
  const [code] = await once(child, 'close');
  assert.is(code, 0, output);
  assert.match(output, /^RVB_CLOSED closed\n\d+\n$/);
  assert.ok(
    Number(output.split('\n')[1]) < 2_000,
    `the process stayed for ${output.split('\n')[1]} ms`,
  );
});

test('a consumer that leaves a stream early ends the statement, and no further row starts', async () => {
  await withEngine({}, async (engine) => {
    await withFolder(async (folder) => {
      const runs = cases(2, 30);
      for (let run = 0; run < runs; run++) {
        const file = join(folder, `stream-${run}`);
        const closed = once(engine.events, 'statement.close');
        const leaveAfter = 1 + random(40);
        const seen: Row[] = [];
        for await (const row of engine.stream(
          map('marks-start', `SELECT i AS n, '${file}' AS file, 4 AS ms FROM range(1000) t(i)`),
        )) {
          if (seen.push(row) === leaveAfter) break;
        }
        const leftAtMs = Date.now();
        assert.equal(
          seen.map((row) => row['v']),
          Array.from({ length: leaveAfter }, (_, n) => `v${n}`),
        );
        const [{ summary }] = await closed;
        assert.is(summary.status, 'incomplete');
        assertAddsUp(summary);
        await sleep(LATE_START_MS);
        const count = startsIn(file).length;
        await sleep(200);
        assert.is(startsIn(file).length, count);
        assert.equal(
          startsIn(file).filter(({ atMs }) => atMs > leftAtMs + LATE_START_MS),
          [],
        );
        assert.equal(await leftTables(engine), []);
      }
      await assertUsable(engine);
      reportCases(runs, 'streams left early');
    });
  });
});

test('a consumer that reads slowly holds the lanes back, and memory stays flat', async () => {
  const rows = cases(140_000, 1_000_000);
  await withEngine({}, async (engine) => {
    let settled = 0;
    engine.events.on('rows', ({ count }: { count: number }) => {
      settled += count;
    });
    const stream = engine.stream(
      map(
        'quick',
        `SELECT i AS n, false AS hit, repeat('x', 50) AS folder FROM range(${rows}) t(i) LIMIT ${rows}`,
      ),
    );
    const iterator = stream[Symbol.asyncIterator]();
    let read = 0;
    for (; read < 50; read++) await iterator.next();
    let ahead: number;
    do {
      ahead = settled;
      await sleep(1_000);
    } while (settled > ahead);
    const rssMb = process.memoryUsage.rss() / 2 ** 20;
    assert.ok(ahead < 65_536 + 2_048 * 8, `${ahead} rows were run ahead of the 50 that were read`);
    for (; read < rows / 2; read++) {
      assert.is((await iterator.next()).value['v'], `v${read}`);
      if (read % 20_000 === 0) await sleep(10);
    }
    const grownMb = process.memoryUsage.rss() / 2 ** 20 - rssMb;
    assert.ok(grownMb < 200, `${grownMb} MiB more`);
    await iterator.return?.();
    await assertUsable(engine);
  });
  reportCases(rows, 'rows of a stream that is read slowly');
});

test.run();
