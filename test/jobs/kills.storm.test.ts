/** Jobs through `kill -9`: each ends complete, buys no answer twice that it had, and is run by one engine at a time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { listJobs } from '../../src/jobs/job-folder.ts';
import { type SimulatorProcess, spawnSimulator } from '../../src/sim/spawn.ts';
import { bookOf, readRecords } from '../kill/journal-files.ts';
import { cascades, type Kill, runChild } from '../kill/run-child.ts';
import { cases, mulberry, reportCases, seed } from '../support/cases.ts';
import { type JobRow, jobOf } from './support.ts';

const ROWS = 200;
const PARALLEL = 8;
const KILLS = Number(process.env['KILLS'] ?? cases(8, 30));
const random = mulberry(seed);

/** A moment: before the job begins, in its first calls, or anywhere in it; at times as the table is written. */
function pickKill(): Kill {
  const kind = random();
  if (kind < 0.15) return { after: 'start', ms: random() * 1_000 };
  if (kind < 0.3) return { after: 'first-call', ms: random() * 10 };
  return { after: 'first-call', ms: random() * 900 };
}

interface Place {
  readonly folder: string;
  readonly server: SimulatorProcess;
}

async function withPlace(use: (place: Place) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-jobs-'));
  await using server = await spawnSimulator({ latency: { kind: 'uniform', minMs: 5, maxMs: 60 } });
  try {
    await use({ folder, server });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Submits a job, and closes its engine before it begins. */
async function submit({ folder, server }: Place, sql: string): Promise<JobRow> {
  await using engine = await Engine.open({
    ...{ cascades, threads: 1, stateDir: folder, database: join(folder, 'db.duckdb') },
    providers: { sim: { baseUrl: server.url } },
    model: 'sim/test-model',
  });
  return await jobOf(engine, sql);
}

/** Waits for a job in a process of its own, which runs it. */
function goOn({ folder, server }: Place, job: JobRow, kill?: Kill, readOnly = false) {
  const sql = `-- @ timeout: 60s\nRVBBIT AWAIT '${job.session_id}'`;
  const where = { url: server.url, stateDir: folder, database: join(folder, 'db.duckdb') };
  return runChild({ ...where, cascades, streams: true, sql, readOnly }, kill);
}

test('a job that is killed again and again ends complete', async () => {
  let kills = 0;
  let jobs = 0;
  let cutOff = 0;
  for (; kills < KILLS; jobs += 1) {
    await withPlace(async (place) => {
      const { folder, server } = place;
      const map = `RVBBIT MAP ASYNC PARALLEL ${PARALLEL} 'ask.yaml' AS v USING (SELECT range::INTEGER AS n FROM range(${ROWS}) ORDER BY n)`;
      const job = await submit(place, `CREATE TABLE result AS ${map}`);
      let killsHere = 0;
      for (const most = Math.min(4, KILLS - kills); ; ) {
        const { signal, errors } = await goOn(
          place,
          job,
          killsHere < most ? pickKill() : undefined,
        );
        if (signal === null) {
          assert.is(errors, '');
          break;
        }
        killsHere += 1;
        // What the killed process had sent may still be on its way.
        await sleep(20);
      }
      kills += killsHere;
      const [facts] = listJobs(folder);
      assert.equal([facts!.state, facts!.progress!.done], ['success', ROWS]);
      await using engine = await Engine.open({ database: join(folder, 'db.duckdb') });
      const { rows } = await engine.query('FROM result');
      assert.equal(
        rows,
        Array.from({ length: ROWS }, (_, n) => ({ n, v: `Row ${n}` })),
      );
      const records = readRecords(folder);
      const book = bookOf(records);
      const { totals } = await server.ledger();
      assert.ok(
        totals.calls <= ROWS + killsHere * PARALLEL,
        `${totals.calls} calls after ${killsHere} kills`,
      );
      assert.ok(book.begun <= ROWS + book.cutOff.size, 'no settled answer was bought again');
      cutOff += book.cutOff.size;
      const opened = records.filter(({ t }) => t === 'statement.open');
      const names = opened.map(({ session }) => session);
      assert.is(new Set(names).size, names.length, 'each execution has a name of its own');
    });
  }
  reportCases(kills, `kills of ${jobs} jobs, which cut off ${cutOff} calls`);
});

test('of many processes with the database one at a time runs the job, also after kills', async () => {
  const races = cases(2, 10);
  for (let race = 0; race < races; race += 1) {
    await withPlace(async (place) => {
      const run = `RVBBIT RUN ASYNC 'each.yaml' USING (SELECT range::INTEGER AS n FROM range(${ROWS})) WITH (parallel = ${PARALLEL})`;
      const job = await submit(place, run);
      // A database that is opened read-only may be opened by many.
      const ends = await Promise.all(
        [pickKill(), undefined, undefined].map((kill) => goOn(place, job, kill, true)),
      );
      for (const { signal, errors, rows } of ends) {
        if (signal !== null) continue;
        assert.is(errors, '');
        const row = JSON.parse(String((rows[0] as unknown as { result: string }).result)) as JobRow;
        assert.equal([row.status, row.row_count], ['success', ROWS]);
      }
      const records = readRecords(place.folder);
      const executions = new Set(
        records.filter(({ t }) => t === 'statement.open').map(({ session }) => session),
      );
      assert.ok(executions.size <= 2, 'one, and one after the kill');
      const { totals } = await place.server.ledger();
      assert.ok(totals.calls <= ROWS + (executions.size - 1) * PARALLEL, `${totals.calls} calls`);
    });
  }
  reportCases(races, 'races of three processes for one job');
});

test.run();
