/** Faults in worker threads: an engine over the fixture cascades, and what must hold whatever happens. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import * as assert from 'uvu/assert';
import { Engine, type EngineOptions, type RvbbitError, type Summary } from '../../src/index.ts';
import { seed } from '../support/cases.ts';

/** The cascades in `test/fixtures`, seen from `dist`. */
export const cascades = fileURLToPath(new URL('../../../test/fixtures/cascades', import.meta.url));

export function openEngine(options: EngineOptions = {}): Promise<Engine> {
  return Engine.open({ cascades, threads: 2, ...options });
}

/** Runs `use` with an empty folder that is gone afterwards. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-fault-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

let state = seed;

/** The next whole number below `bound` from the suite's seed (mulberry32). */
export function random(bound: number): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
}

/** `in = ok + null + failed + skipped + notRun`, and nothing is counted twice. */
export function assertAddsUp(summary: Summary): void {
  const { rows } = summary;
  const sum = rows.ok + rows.null + rows.failed + rows.skipped + rows.notRun;
  assert.is(sum, rows.in, `the account does not add up: ${JSON.stringify(rows)}`);
  for (const count of Object.values(rows)) assert.ok(count >= 0, JSON.stringify(rows));
}

/** The code that each failing row must have, by ordinal; every other row must be ok. */
export type Expected = ReadonlyMap<number, string | readonly string[]>;

export interface FaultRun {
  readonly cascade: string;
  readonly rows: number;
  readonly hits: readonly number[];
  readonly parallel: number;
  /** Default: every row is ok. */
  readonly expected?: Expected;
}

export interface FaultReport {
  readonly summary: Summary;
  readonly kills: number;
  readonly durationMs: number;
}

/**
 * Runs a cascade that strikes at the rows `hits`, and checks that every row is exactly one of ok and
 * failed, in order, with its own value, and that the account says the same.
 */
export async function runFault(engine: Engine, fault: FaultRun): Promise<FaultReport> {
  const { cascade, rows, hits, parallel, expected = new Map() } = fault;
  let kills = 0;
  const onLost = () => {
    kills += 1;
  };
  engine.events.on('worker.lost', onLost);
  const startedMs = performance.now();
  try {
    return await withFolder(async (folder) => {
      const result = await engine.query(
        `RVBBIT MAP PARALLEL ${parallel} '${cascade}.yaml' AS v USING (
           SELECT i AS n, list_contains([${hits.join(', ')}]::BIGINT[], i) AS hit, '${folder}' AS folder
           FROM range(${rows}) t(i)) WITH (error_column = 'error', limit = ${rows})`,
        undefined,
        { valueForm: 'json' },
      );
      const durationMs = performance.now() - startedMs;
      assert.is(result.rows.length, rows);
      const codes: [number, string][] = [];
      for (const [ordinal, row] of result.rows.entries()) {
        const error = row['error'] as { code: string; attempts: number } | null;
        assert.is(Number(row['n']), ordinal, 'rows are in order');
        if (error === null) assert.is(row['v'], `v${ordinal}`);
        else codes.push([ordinal, error.code]);
        if (error !== null) assert.is(row['v'], null);
      }
      assert.equal(
        codes.map(([ordinal]) => ordinal),
        [...expected.keys()].sort((a, b) => a - b),
        `which rows failed: ${JSON.stringify(codes)}`,
      );
      for (const [ordinal, code] of codes) {
        assert.ok([expected.get(ordinal)].flat().includes(code), `row ${ordinal}: ${code}`);
      }
      const { summary } = result;
      assertAddsUp(summary);
      assert.is(summary.status, 'complete');
      assert.is(summary.rows.in, rows);
      assert.is(summary.rows.failed, expected.size);
      assert.is(summary.rows.ok, rows - expected.size);
      return { summary, kills, durationMs };
    });
  } finally {
    engine.events.off('worker.lost', onLost);
  }
}

/** The error that a promise rejects with. */
export async function errorOf(work: Promise<unknown>): Promise<RvbbitError> {
  try {
    await work;
  } catch (thrown) {
    return thrown as RvbbitError;
  }
  return assert.unreachable('it should have been rejected') as never;
}

/** Temp tables of the engine that are still in the session. */
export async function leftTables(engine: Engine): Promise<string[]> {
  const { rows } = await engine.query(
    "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'rvb%'",
  );
  return rows.map((row) => String(row['table_name']));
}

/** `count` different whole numbers below `bound`, ascending. */
export function pick(count: number, bound: number): number[] {
  const picked = new Set<number>();
  while (picked.size < count) picked.add(random(bound));
  return [...picked].sort((a, b) => a - b);
}

/** Runs `use` with an engine of its own. */
export async function withEngine<T>(
  options: EngineOptions,
  use: (engine: Engine) => Promise<T>,
): Promise<T> {
  const engine = await openEngine(options);
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}

/** The next statement works, and nothing of the last ones is left. */
export async function assertUsable(engine: Engine): Promise<void> {
  await runFault(engine, { cascade: 'quick', rows: 100, hits: [], parallel: 4 });
  assert.equal(await leftTables(engine), []);
}

/** From a death to the rows going on; the machine may be busy with other tests. */
export const RECOVERY_MS = 2_000;

/** Every worker thread of this process that is alive, from the first call on. */
export function watchWorkers(): ReadonlySet<Worker> {
  const workers = new Set<Worker>();
  process.on('worker', (worker: Worker) => {
    workers.add(worker);
    worker.once('exit', () => workers.delete(worker));
  });
  return workers;
}
