/** A working folder with a journal, a simulated server, and a command line that resumes. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Engine, type EngineOptions } from '../../src/index.ts';
import type { SimulatorScript } from '../../src/sim/script.ts';
import { type Simulator, startSimulator } from '../../src/testing.ts';
import { runChild } from '../kill/run-child.ts';
import { rvbbitHere } from './here.ts';
import { makeFolder, removeFolder, rvbbit } from './spawn.ts';

export const ASK = `cascade_id: ask
cells:
  - name: ask
    instructions: "Row {{ input.n }}"
`;
const CONFIG =
  'model: sim/test-model\nproviders: { sim: { type: openai-compatible, base_url: "URL" } }\n';

/** The folder and what works on it. */
export interface Place {
  readonly folder: string;
  readonly stateDir: string;
  open(options?: EngineOptions): Promise<Engine>;
  /** Runs a command line in the folder, in this process. */
  rvbbit: typeof rvbbitHere;
  /** Runs a command line in the folder, in a process of its own. */
  start: typeof rvbbit;
  /** Calls that the server has seen. */
  calls(): number;
}

let server: Simulator;

/** The server of a test file's folders, closed after its tests. Files that share a process have one each. */
export async function openServer(suite: {
  after(hook: () => Promise<void>): void;
}): Promise<Simulator> {
  const opened = await startSimulator();
  suite.after(() => opened.close());
  server = opened;
  return opened;
}

/** A working folder with cascades, and the server as new. */
export async function withPlace(
  files: Readonly<Record<string, string>>,
  script: SimulatorScript,
  use: (place: Place) => Promise<void>,
): Promise<void> {
  server.reset();
  server.script({ rules: [], latency: { kind: 'constant', ms: 0 }, ...script });
  const folder = makeFolder({
    'ask.yaml': ASK,
    'rvbbit.config.yaml': CONFIG.replace('URL', server.url),
    ...files,
  });
  const stateDir = join(folder, '.rvbbit');
  try {
    await use({
      folder,
      stateDir,
      open: (more) =>
        Engine.open({
          cascades: folder,
          threads: 1,
          providers: { sim: { baseUrl: server.url } },
          model: 'sim/test-model',
          stateDir,
          ...more,
        }),
      rvbbit: (args, settings) => rvbbitHere(args, { cwd: folder, ...settings }),
      start: (args, settings) => rvbbit(args, { cwd: folder, ...settings }),
      calls: () => server.ledger().totals.calls,
    });
  } finally {
    removeFolder(folder);
  }
}

/** A statement of so many rows. */
export function mapOf(rows: number, parallel = 4): string {
  return `RVBBIT MAP PARALLEL ${parallel} 'ask.yaml' AS v USING (SELECT range::INTEGER AS n FROM range(${rows}) ORDER BY n)`;
}

/** Runs the statement in a process that is killed `ms` after its first call. `file` is its database. */
export async function killed(place: Place, sql: string, ms: number, file?: string): Promise<void> {
  const { stateDir, folder } = place;
  const database = file === undefined ? {} : { database: join(folder, file) };
  const task = { url: server.url, stateDir, cascades: folder, streams: true, sql, ...database };
  assert.is((await runChild(task, { after: 'first-call', ms })).signal, 'SIGKILL');
}

/** What `resume --list` prints. */
export async function listed(place: Place): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await place.rvbbit(['resume', '--list']);
  assert.is(code, 0, stderr);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Rows as the command line prints them. */
export function rowsOf(stdout: string): unknown[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

/** The rows of `mapOf`, answered. */
export function expected(rows: number): unknown[] {
  return Array.from({ length: rows }, (_, n) => ({ n, v: `Row ${n}` }));
}
