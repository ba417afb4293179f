/**
 * The Postgres server: queries a second of 16 clients, beside the same statements in sessions of this process and beside
 * a real PostgreSQL; a large result; connections that stand and that come and go. Needs Debian's postgresql-15, psql, Java and JDBC driver.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Engine } from '../../src/index.ts';
import { type RealPostgres, startPostgres } from '../real-postgres.ts';
import type { Sample, Suite } from '../suite.ts';

const CLIENTS = 16;
const SECONDS = 3;
const ROUNDS = 3;
const ROWS = 100_000;
const STANDING = 200;
const STANDING_MS = Number(process.env['RVBBIT_BENCH_STANDING_MS'] ?? 60_000);
const CONNECTS_A_SECOND = 500;
const TABLES = `CREATE TABLE products (id INTEGER PRIMARY KEY, name VARCHAR);
INSERT INTO products SELECT i, 'product ' || i FROM RANGE(1, 1000) AS r(i);`;
const POINT = 'SELECT name FROM products WHERE id = $1';
const LARGE = `SELECT i, 'row ' || i AS name, i * 0.5 AS half FROM RANGE(0, ${ROWS - 1}) AS r(i)`;
/** PostgreSQL's range holds its last number; DuckDB's does not. */
const inDuckDb = (sql: string) =>
  sql.replace(/RANGE\((\d+), (\d+)\)/g, (_, from, to) => `range(${from}, ${Number(to) + 1})`);
const inPostgres = (sql: string) => sql.replace(/RANGE\(/g, 'generate_series(');

const main = fileURLToPath(new URL('../../bundle/rvbbit.js', import.meta.url));
const exec = promisify(execFile);

interface Served extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
}

/** Starts `rvbbit serve sql` as a process of its own. */
async function serve(folder: string): Promise<Served> {
  const args = [
    main,
    'serve',
    'sql',
    'shop.duckdb',
    '--port',
    '0',
    '--no-state',
    '--connections',
    '600',
  ];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  for await (const text of child.stderr.setEncoding('utf8')) {
    said += text;
    const port = /:(\d+);/.exec(said)?.[1];
    if (port === undefined) continue;
    return {
      port: Number(port),
      pid: child.pid!,
      async [Symbol.asyncDispose]() {
        child.kill('SIGTERM');
        await once(child, 'close');
      },
    };
  }
  throw new Error(`the server did not start: ${said}`);
}

/** A folder with the database. */
async function shop(): Promise<{ folder: string } & Disposable> {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-serve-'));
  await exec(process.execPath, [main, 'shop.duckdb', '-c', inDuckDb(TABLES)], { cwd: folder });
  writeFileSync(
    join(folder, 'point.sql'),
    `\\set id random(1, 1000)\n${POINT.replace('$1', ':id')};\n`,
  );
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Point queries a second of sessions in this process, each in a loop. */
async function inProcess(folder: string): Promise<number> {
  await using engine = await Engine.open({ database: join(folder, 'shop.duckdb') });
  const sessions = await Promise.all(Array.from({ length: CLIENTS }, () => engine.session()));
  const rate = async (seconds: number) => {
    let count = 0;
    const untilMs = performance.now() + seconds * 1_000;
    await Promise.all(
      sessions.map(async (session) => {
        while (performance.now() < untilMs) {
          await session.query(POINT, [1 + Math.floor(Math.random() * 1_000)]);
          count += 1;
        }
      }),
    );
    return count / seconds;
  };
  // The first second pays for the compilation of the code.
  await rate(1);
  const measured = await rate(SECONDS);
  return measured;
}

/** Point queries a second of pgbench. */
async function pgbench(
  folder: string,
  port: number,
  database: string,
  mode: string,
): Promise<number> {
  const args = [
    '-n',
    '-M',
    mode,
    '-f',
    'point.sql',
    '-c',
    String(CLIENTS),
    '-j',
    '2',
    '-T',
    String(SECONDS),
  ];
  const where = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', database];
  const { stdout } = await exec('pgbench', [...args, ...where], { cwd: folder });
  return Number(/tps = ([\d.]+)/.exec(stdout)![1]);
}

async function queries(): Promise<Sample> {
  using files = await shop();
  using postgres = await startPostgres();
  postgres.run(inPostgres(TABLES));
  const { folder } = files;
  const sums: Record<string, number> = {};
  const add = (name: string, value: number) => {
    sums[name] = (sums[name] ?? 0) + value / ROUNDS;
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    add('in-process a second', await inProcess(folder));
    await using server = await serve(folder);
    for (const mode of ['simple', 'extended', 'prepared']) {
      add(`${mode} a second`, await pgbench(folder, server.port, 'default', mode));
      add(`PostgreSQL ${mode} a second`, await pgbench(folder, postgres.port, 'postgres', mode));
    }
  }
  return sums;
}

/** Milliseconds that psql takes for the large result, start and end of psql included. */
async function readLarge(port: number, database: string, sql: string): Promise<number> {
  const startMs = performance.now();
  const where = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-d', database];
  const { stdout } = await exec('psql', ['-X', '-A', '-t', ...where, '-c', sql], {
    maxBuffer: 2 ** 28,
  });
  if (stdout.split('\n').length !== ROWS + 1) throw new Error('psql did not get all rows');
  return performance.now() - startMs;
}

/** Reads the large result five times, and prints the milliseconds of the fastest. */
const JDBC = `import java.sql.*;
public class Rows {
  public static void main(String[] args) throws Exception {
    long best = Long.MAX_VALUE;
    try (Connection c = DriverManager.getConnection(args[0]); Statement s = c.createStatement()) {
      for (int round = 0; round < 5; round++) {
        long start = System.nanoTime();
        int rows = 0;
        try (ResultSet r = s.executeQuery(args[1])) {
          while (r.next()) { r.getString(1); r.getString(2); r.getString(3); rows++; }
        }
        if (rows != ${ROWS}) throw new Exception("JDBC got " + rows + " rows");
        best = Math.min(best, System.nanoTime() - start);
      }
    }
    System.out.println(best / 1e6);
  }
}`;
const JDBC_DRIVER = '/usr/share/java/postgresql.jar';

/** Milliseconds that JDBC takes for the large result, without its start. */
async function readJdbc(
  folder: string,
  port: number,
  database: string,
  sql: string,
): Promise<number> {
  const file = join(folder, 'Rows.java');
  writeFileSync(file, JDBC);
  const url = `jdbc:postgresql://127.0.0.1:${port}/${database}?user=postgres`;
  const { stdout } = await exec('java', ['-cp', JDBC_DRIVER, file, url, sql]);
  return Number(stdout);
}

async function rows(): Promise<Sample> {
  using files = await shop();
  using postgres: RealPostgres = await startPostgres();
  await using server = await serve(files.folder);
  const times: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  const jdbc: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  const { folder } = files;
  for (let round = 0; round <= ROUNDS; round += 1) {
    times.ours.push(await readLarge(server.port, 'default', inDuckDb(LARGE)));
    times.theirs.push(await readLarge(postgres.port, 'postgres', inPostgres(LARGE)));
    jdbc.ours.push(await readJdbc(folder, server.port, 'default', inDuckDb(LARGE)));
    jdbc.theirs.push(await readJdbc(folder, postgres.port, 'postgres', inPostgres(LARGE)));
  }
  return {
    'psql ms': Math.min(...times.ours),
    'psql from PostgreSQL ms': Math.min(...times.theirs),
    'JDBC ms': Math.min(...jdbc.ours),
    'JDBC from PostgreSQL ms': Math.min(...jdbc.theirs),
  };
}

const STARTUP = Buffer.from('\0\0\0\x27\0\x03\0\0user\0postgres\0database\0default\0\0', 'latin1');

/** Connects as a client does. Resolves when the server is ready for a query. */
function client(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      STARTUP.writeInt32BE(STARTUP.length);
      socket.write(STARTUP);
    });
    let said = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('data', function read(data: Buffer) {
      said = Buffer.concat([said, data]);
      if (said.includes('ERROR')) reject(new Error(said.toString('latin1')));
      if (said.at(-6) !== 0x5a) return;
      socket.off('data', read);
      resolve(socket);
    });
  });
}

/** Sends `SELECT 1` and waits for its end. */
async function ask(socket: Socket): Promise<void> {
  socket.write(Buffer.from('Q\0\0\0\x0dSELECT 1\0', 'latin1'));
  for (let last = Buffer.alloc(0); last.at(-6) !== 0x5a; ) [last] = await once(socket, 'data');
}

function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function rssMb(pid: number): number {
  const pages = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1];
  return Number(pages) / 1024;
}

/** Connects at a steady rate, does the work on each connection, and ends it. Gives the connections a second. */
async function comeAndGo(
  port: number,
  forMs: number,
  failed: () => void,
  work: (socket: Socket) => Promise<void> = async () => {},
): Promise<number> {
  let connected = 0;
  const open = new Set<Promise<unknown>>();
  const startMs = performance.now();
  for (let n = 0; performance.now() - startMs < forMs; n += 1) {
    const one = client(port)
      .then(async (socket) => {
        await work(socket);
        connected += 1;
        socket.end(Buffer.from('X\0\0\0\x04', 'latin1'));
      })
      .catch(failed)
      .finally(() => open.delete(one));
    open.add(one);
    const aheadMs = ((n + 1) * 1_000) / CONNECTS_A_SECOND - (performance.now() - startMs);
    if (aheadMs > 1) await sleep(aheadMs);
    if (open.size > STANDING) await Promise.race(open);
  }
  await Promise.all(open);
  return (connected * 1_000) / (performance.now() - startMs);
}

async function connections(): Promise<Sample> {
  using files = await shop();
  await using server = await serve(files.folder);
  const { port, pid } = server;
  const before = descriptors(pid);
  const rssBefore = rssMb(pid);
  let errors = 0;
  const failed = () => {
    errors += 1;
  };
  const idle = await Promise.all(Array.from({ length: STANDING }, () => client(port)));
  const idleMb = rssMb(pid) - rssBefore;
  const untilMs = performance.now() + STANDING_MS;
  let asked = 0;
  while (performance.now() < untilMs) {
    await Promise.all(idle.map((socket) => ask(socket).catch(failed)));
    asked += idle.length;
    await sleep(100);
  }
  for (const socket of idle) socket.end(Buffer.from('X\0\0\0\x04', 'latin1'));
  await sleep(1_000);
  const between = descriptors(pid);
  const bare = await comeAndGo(port, STANDING_MS, failed);
  const asking = await comeAndGo(port, STANDING_MS / 4, failed, ask);
  await sleep(1_500);
  return {
    errors,
    'queries of standing clients': asked,
    'MiB of standing clients': idleMb,
    'connects a second': bare,
    'connects with a statement a second': asking,
    'descriptors left by standing clients': between - before,
    'descriptors left': descriptors(pid) - before,
  };
}

export const serveSuite: Suite = {
  name: 'serve',
  about: `the Postgres server: point queries of ${CLIENTS} clients beside the same in sessions of one process and beside PostgreSQL 15, ${ROWS.toLocaleString('en')} rows to psql and to JDBC, ${STANDING} standing connections and ${CONNECTS_A_SECOND} connects a second`,
  samples: 1,
  variants: [
    { name: 'queries', measure: queries },
    { name: 'rows', measure: rows },
    { name: 'connections', measure: connections },
  ],
  figures: (median) => [
    ...['simple', 'extended', 'prepared'].map((mode) => ({
      name: `point queries a second, ${mode}, against sessions in-process`,
      value: median('queries', `${mode} a second`) / median('queries', 'in-process a second'),
      unit: '×',
      atLeast: 0.8,
    })),
    ...['simple', 'extended', 'prepared'].map((mode) => ({
      name: `point queries a second, ${mode}, against PostgreSQL`,
      value:
        median('queries', `${mode} a second`) / median('queries', `PostgreSQL ${mode} a second`),
      unit: '×',
    })),
    {
      name: `${ROWS.toLocaleString('en')} rows to psql, rate against PostgreSQL's`,
      value: median('rows', 'psql from PostgreSQL ms') / median('rows', 'psql ms'),
      unit: '×',
      atLeast: 0.5,
    },
    {
      name: `${ROWS.toLocaleString('en')} rows to JDBC, rate against PostgreSQL's`,
      value: median('rows', 'JDBC from PostgreSQL ms') / median('rows', 'JDBC ms'),
      unit: '×',
      atLeast: 0.5,
    },
    { name: 'errors of connections', value: median('connections', 'errors'), unit: '', atMost: 0 },
    {
      name: 'connects a second',
      value: median('connections', 'connects a second'),
      unit: '',
      atLeast: 0.98 * CONNECTS_A_SECOND,
    },
    {
      name: 'connects with a statement a second',
      value: median('connections', 'connects with a statement a second'),
      unit: '',
    },
    {
      name: 'descriptors left',
      value: median('connections', 'descriptors left'),
      unit: '',
      atMost: 0,
    },
  ],
};
