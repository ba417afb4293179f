/** The server that real Postgres clients are tried against: `rvbbit serve sql` on a small shop, and a simulated model. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Simulator, startSimulator } from '../../src/testing.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const MAIN = join(root, 'dist/bundle/rvbbit.js');
const START_MAX_MS = 30_000;
const PROGRAM_MAX_MS = 90_000;
const exec = promisify(execFile);

/** The programs of this folder's sources, which the build does not copy. */
export const PROGRAMS: string = join(root, 'test/clients/programs/');

export interface Shop {
  readonly port: number;
  readonly sim: Simulator;
  /** The variables by which libpq, JDBC and the others find the server, and the statements as `S_ONE`, `S_MAP`, … */
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  /** Runs a program to its end, and gives what it printed. Throws if it fails. */
  run(command: string, args: readonly string[], stdin?: string): Promise<string>;
  close(): Promise<void>;
}

/** Starts `rvbbit serve sql` in a folder. */
export function startServer(cwd: string, args: readonly string[]): ChildProcess {
  const all = [MAIN, 'serve', 'sql', ...args];
  return spawn(process.execPath, all, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Ends a server as a service manager does, unless it has ended. */
export async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once('close', resolve));
  server.kill('SIGTERM');
  await ended;
}

/** Starts the simulated model (400 ms a call) and the server on a free port. `statements` become variables. */
export async function openShop(statements: Readonly<Record<string, string>>): Promise<Shop> {
  const sim = await startSimulator({ latency: { kind: 'constant', ms: 400 } });
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-shop-'));
  cpSync(join(root, 'test/clients/shop'), folder, { recursive: true });
  writeFileSync(
    join(folder, 'rvbbit.config.yaml'),
    `model: lexical\nproviders:\n  sim: { type: openai-compatible, base_url: '${sim.url}' }\n`,
  );
  await exec(process.execPath, [MAIN, 'shop.duckdb', '-f', 'tables.sql'], { cwd: folder });
  const server = startServer(folder, ['shop.duckdb', '--port', '0', '--no-state']);
  const port = await portOf(server);
  const named = Object.entries(statements).map(([name, sql]) => [`S_${name.toUpperCase()}`, sql]);
  const env = {
    ...process.env,
    ...Object.fromEntries(named),
    PGHOST: '127.0.0.1',
    PGPORT: String(port),
    PGUSER: 'rvbbit',
    PGDATABASE: 'default',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONPATH: PROGRAMS,
  };
  return {
    port,
    sim,
    env,
    folder,
    async run(command, args, stdin = '') {
      const running = exec(command, [...args], {
        cwd: folder,
        env,
        timeout: PROGRAM_MAX_MS,
        maxBuffer: 2 ** 26,
      });
      running.child.stdin?.end(stdin);
      return (await running).stdout;
    },
    async close() {
      await stopServer(server);
      await sim.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Reads the port from the line that the server prints when it listens. */
export function portOf(server: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = '';
    const late = setTimeout(
      () => reject(new Error(`the server does not start: ${said}`)),
      START_MAX_MS,
    );
    server.once('close', () => {
      clearTimeout(late);
      reject(new Error(`the server ended: ${said}`));
    });
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const found = /127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (found === undefined) return;
      clearTimeout(late);
      resolve(Number(found));
    });
  });
}
