/** W11: DuckDB's process is ended by faults from outside, and no row or table of a statement is lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine } from '../../src/index.ts';
import { cases, reportCases } from '../support/cases.ts';
import { sqlProcesses, untilSo, withBase } from './sql-process-support.ts';
import { assertUsable, leftTables, random, runFault, withEngine } from './support.ts';

const SIGNALS = ['SIGSEGV', 'SIGABRT', 'SIGKILL', 'SIGBUS'] as const;

/** Ends the process once it is there and `rows` rows have settled since. */
async function strike(engine: Engine, rows: number, signal: NodeJS.Signals): Promise<number> {
  let settled = 0;
  const count = (record: { readonly count: number }): void => {
    settled += record.count;
  };
  engine.events.on('rows', count);
  await untilSo(() => settled >= rows, `${rows} rows`);
  engine.events.off('rows', count);
  // At any moment of a query, or between two.
  await sleep(random(15));
  const [pid] = sqlProcesses();
  assert.ok(pid !== undefined, 'the process is there');
  process.kill(pid, signal);
  return pid;
}

test('a process that is ended by SIGSEGV in the middle of a MAP costs no row its answer', async () => {
  await withBase(async (engine) => {
    const strikes: Promise<number>[] = [strike(engine, 100, 'SIGSEGV')];
    const { kills } = await runFault(engine, {
      cascade: 'counts-base',
      rows: 400,
      hits: [],
      parallel: 8,
    });
    const [pid] = await Promise.all(strikes);
    assert.is(kills, 1, 'worker.lost is noted once');
    assert.not.equal(sqlProcesses(), [pid]);
    await assertUsable(engine);
    await runFault(engine, { cascade: 'counts-base', rows: 50, hits: [], parallel: 4 });
    assert.equal(await leftTables(engine), []);
  });
});

test('processes that are ended at random moments cost no row its answer', async () => {
  const rounds = cases(1, 25);
  // More than ten deaths within a minute end a statement.
  const deaths = cases(5, 9);
  for (let round = 0; round < rounds; round++) {
    await withBase(async (engine) => {
      let left = deaths;
      let isOver = false;
      const storm = (async () => {
        while (left > 0 && !isOver) {
          // So many that those have settled which the last death has hit: a second hit would be theirs.
          await strike(engine, 12 + random(20), SIGNALS[random(SIGNALS.length)]!);
          left -= 1;
        }
      })();
      // One lane would leave the process without a query between two rows, and deaths there cost nothing.
      const parallel = 2 + random(9);
      const { kills } = await runFault(engine, {
        cascade: 'counts-base',
        rows: 400,
        hits: [],
        parallel,
      });
      isOver = true;
      storm.catch(() => {});
      // One between two queries costs nothing, and is not noted.
      assert.ok(kills > 1 && kills <= deaths - left, `${kills} of ${deaths - left} deaths`);
      await runFault(engine, { cascade: 'counts-base', rows: 30, hits: [], parallel: 4 });
    });
  }
  reportCases(rounds * deaths, 'ends of the process at random moments');
});

test('a process that is ended in the middle of a RUN costs neither its tables nor its values', async () => {
  await withEngine({ sqlCells: 'process' }, async (engine) => {
    const runs = cases(3, 40);
    let ended = 0;
    for (let run = 0; run < runs; run++) {
      if (ended >= 8) break;
      const working = engine.query(
        `RVBBIT RUN 'makes-tables.yaml' USING (SELECT range AS n FROM range(100)) WITH (as_table = 'given')`,
      );
      let isOver = false;
      void working.finally(() => {
        isOver = true;
      });
      await sleep(random(run === 0 ? 600 : 150));
      const [pid] = isOver ? [] : sqlProcesses();
      if (pid !== undefined) {
        process.kill(pid, 'SIGSEGV');
        ended += 1;
      }
      const report = JSON.parse(String((await working).rows[0]!['result']));
      assert.is(report.status, 'success', JSON.stringify(report));
      assert.equal(report.outputs.total.rows, [{ c: 50 * 300_000, s: 166_650 * 300_000 }]);
      const { rows } = await engine.query('SELECT s::INTEGER AS s, c FROM sums');
      assert.equal(rows, [{ s: 166_650, c: 50 * 300_000 }]);
      assert.is((await engine.query('FROM odd_ones')).rowCount, 50);
    }
    reportCases(ended, 'ends of the process during RUN');
  });
});

test.run();
