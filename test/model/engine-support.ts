/** An engine whose cells ask a simulated model server. */
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { Engine, type EngineOptions, type RvbbitError, type Summary } from '../../src/index.ts';
import type { SimulatorOptions } from '../../src/sim/script.ts';
import { spawnSimulator } from '../../src/sim/spawn.ts';
import { type ModelServer, modelServer } from '../support/model-server.ts';

/** The cascades in `test/fixtures/model`, seen from `dist`. */
export const cascades = fileURLToPath(new URL('../../../test/fixtures/model', import.meta.url));

/** Runs `use` with an engine and the server that it asks. */
export async function withModel<T>(
  options: {
    readonly engine?: EngineOptions;
    readonly server?: SimulatorOptions;
    /** The server runs in a process of its own, so that what it sees does not wait for this one. */
    readonly apart?: boolean;
  },
  use: (engine: Engine, server: ModelServer) => Promise<T>,
): Promise<T> {
  const open = options.apart === true ? spawnSimulator : modelServer;
  await using server: ModelServer = await open({ directives: true, ...options.server });
  const { providers, ...rest } = options.engine ?? {};
  await using engine = await Engine.open({
    cascades,
    threads: 1,
    providers: { sim: { baseUrl: server.url, responseFormat: 'json_schema', ...providers } },
    model: 'sim/test-model',
    ...rest,
  });
  return await use(engine, server);
}

/** An engine over the same cascades, without the server. */
export function openEngine(options: EngineOptions): Promise<Engine> {
  return Engine.open({ cascades, threads: 1, ...options });
}

/** A row: two parts of the prompt, and what the server is told to do with the call. */
export interface Asked {
  readonly word: string;
  readonly number: number;
  readonly sim: object;
}

/** The rows as a query, in their order. */
export function queryOf(rows: readonly Asked[]): string {
  const tuples = rows.map(
    ({ word, number, sim }) => `(${text(word)}, ${number}, ${text(JSON.stringify(sim))})`,
  );
  const values = tuples.length === 0 ? "('', 0, '')" : tuples.join(', ');
  const none = tuples.length === 0 ? ' WHERE false' : '';
  return `SELECT word, number, sim FROM (VALUES ${values}) AS t(word, number, sim)${none}`;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** `in = ok + null + failed + skipped + notRun`. */
export function assertAddsUp({ rows }: Summary): void {
  const sum = rows.ok + rows.null + rows.failed + rows.skipped + rows.notRun;
  assert.is(sum, rows.in, `the account does not add up: ${JSON.stringify(rows)}`);
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

/** A statement with good answers only, on an engine that has been through something. */
export async function assertUsable(engine: Engine): Promise<void> {
  const rows = Array.from({ length: 20 }, (_, number) => ({
    word: 'still',
    number,
    sim: { delayMs: 0 },
  }));
  const result = await engine.query(
    `RVBBIT MAP PARALLEL 8 'patient.yaml' AS v USING (${queryOf(rows)})`,
  );
  assert.equal(
    result.rows.map(({ v }) => v),
    rows.map(({ number }) => `Say still ${number}`),
  );
  const left = await engine.query(
    "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'rvb%'",
  );
  assert.equal(left.rows, []);
}
