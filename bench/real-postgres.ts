/** A real PostgreSQL 15, as Debian packages it, to measure and to try the server with. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BIN = '/usr/lib/postgresql/15/bin';

export interface RealPostgres extends Disposable {
  readonly port: number;
  /** The folder of its socket. */
  readonly socket: string;
  /** Runs SQL through psql and returns what it prints, without heads and alignment. */
  run(sql: string): string;
}

/** Makes a cluster in a temporary folder and starts it on a free port of 127.0.0.1, without passwords. */
export async function startPostgres(): Promise<RealPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-postgres-'));
  const data = join(folder, 'data');
  const port = await freePort();
  // PostgreSQL refuses to run as root.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) execFileSync('chown', ['postgres', folder]);
  const run = (program: string, args: readonly string[]) =>
    isRoot
      ? output('runuser', ['-u', 'postgres', '--', `${BIN}/${program}`, ...args])
      : output(`${BIN}/${program}`, args);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    run('initdb', ['-D', data, '-A', 'trust', '-U', 'postgres', '-N']);
    const settings = `-k ${folder} -c listen_addresses=127.0.0.1 -c max_connections=300 -p ${port}`;
    run('pg_ctl', ['-D', data, '-w', '-o', settings, '-l', join(folder, 'log'), 'start']);
  } catch (thrown) {
    remove();
    throw thrown;
  }
  const where = ['-h', folder, '-p', String(port), '-U', 'postgres', '-d', 'postgres'];
  return {
    port,
    socket: folder,
    run: (sql) =>
      output('psql', ['-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', ...where, '-c', sql]),
    [Symbol.dispose]() {
      run('pg_ctl', ['-D', data, '-m', 'immediate', 'stop']);
      remove();
    },
  };
}

function output(command: string, args: readonly string[]): string {
  return execFileSync(command, args, {
    encoding: 'utf8',
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      );
    });
  });
}
