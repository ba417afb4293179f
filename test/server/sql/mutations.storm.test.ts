/** Recorded sessions with bytes changed: the server stays alive, other clients notice nothing, and memory stays bounded. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameReader } from '../../../src/server/sql/protocol/read-frames.ts';
import { deep, mulberry, reportCases, seed } from '../../support/cases.ts';
import {
  bind,
  describe,
  execute,
  flush,
  frame,
  PgClient,
  parse,
  query,
  startup,
  sync,
} from '../../support/pg-client.ts';
import { startServer } from './support.ts';

const BUDGET_MS = deep ? 3_600_000 : 30_000;
const AT_A_TIME = 8;
/** What the server may hold of a client besides the bytes that it sent. */
const EXTRA_BYTES = 64 * 1024;

const random = mulberry(seed);
const pick = (below: number) => Math.floor(random() * below);
// A changed COPY may write a file where the process stands.
const folder = mkdtempSync(join(tmpdir(), 'rvbbit-mutations-'));
const cwd = process.cwd();
process.chdir(folder);
const server = await startServer({ connections: 500 });
test.after(async () => {
  await server.close(0);
  process.chdir(cwd);
  rmSync(folder, { recursive: true, force: true });
});

const int8 = Buffer.from([0, 0, 0, 0, 0, 0, 0, 9]);
/** What clients send, as psql, pgbench, node-postgres, psycopg and JDBC do. */
const SESSIONS: readonly (readonly Buffer[])[] = [
  [
    frame('', 80_877_103),
    startup(),
    query('SELECT 1; SELECT nope; SELECT 2'),
    query('BEGIN; SELECT 1/0; COMMIT'),
    frame('X'),
  ],
  [
    startup(),
    parse('SELECT $1::INTEGER + $2::BIGINT AS v', 's', [23, 20]),
    describe('S', 's'),
    sync,
    bind(['1', int8], { name: 's', formats: [1] }),
    describe('P'),
    execute(),
    sync,
    frame('X'),
  ],
  [
    startup({ options: '-c statement_timeout=1s' }),
    parse('SELECT * FROM range(50)'),
    bind(),
    execute(7),
    execute(7),
    flush,
    execute(),
    sync,
    frame('C', Buffer.from('P'), ''),
    sync,
    frame('X'),
  ],
  [
    startup(),
    query('CREATE TEMP TABLE t (i INTEGER, s VARCHAR)'),
    query('COPY t FROM STDIN'),
    frame('d', Buffer.from('1\ta\n2\t\\N\n')),
    frame('c'),
    query('COPY t TO STDOUT CSV HEADER'),
    query('COPY t FROM STDIN BINARY'),
    frame('f', 'no'),
    frame('X'),
  ],
  [
    startup(),
    query("SET TimeZone = 'Asia/Tokyo'; SHOW ALL"),
    query(
      'BEGIN; DECLARE c CURSOR FOR SELECT * FROM range(9); FETCH 3 FROM c; MOVE ALL IN c; CLOSE c; SAVEPOINT x; ROLLBACK TO x; COMMIT',
    ),
    query('PREPARE p (INTEGER[]) AS SELECT $1; EXECUTE p([1, 2]); DEALLOCATE ALL'),
    frame('X'),
  ],
  [
    startup(),
    parse('SELECT $1::NUMERIC, $2::DATE[], $3::INTERVAL', '', [1700, 1182, 1186]),
    bind([Buffer.from([0, 1, 0, 0, 0, 0, 0, 1, 0, 5]), '{2024-01-01,NULL}', Buffer.alloc(16)], {
      formats: [1],
    }),
    describe('P'),
    execute(),
    sync,
  ],
];

/** Changes a session at one to four places: a byte, a cut, a copy, a message left out, or another session's message. */
function mutated(session: readonly Buffer[]): Buffer {
  const frames = [...session];
  let bytes = Buffer.concat(frames);
  for (let change = pick(4); change >= 0; change -= 1) {
    const at = pick(bytes.length);
    switch (pick(6)) {
      case 0:
        bytes[at] = pick(256);
        break;
      case 1:
        bytes.writeInt32BE(
          [0, -1, 2 ** 31 - 1, 4, 65_536, -(2 ** 31)][pick(6)]!,
          Math.min(at, bytes.length - 4),
        );
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + pick(9))]);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - pick(40)))]);
        break;
      case 4:
        frames.splice(pick(frames.length), 1);
        bytes = Buffer.concat(frames);
        break;
      default: {
        const other = SESSIONS[pick(SESSIONS.length)]!;
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          other[pick(other.length)]!,
          bytes.subarray(at),
        ]);
      }
    }
    if (bytes.length < 8) return bytes;
  }
  return bytes;
}

/** Sends bytes in pieces, reads whatever comes for a while, and leaves. */
function play(bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port: server.port, host: '127.0.0.1' });
    const leave = setTimeout(() => socket.destroy(), 40 + pick(200));
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    socket.once('close', () => {
      clearTimeout(leave);
      resolve();
    });
    const cut = pick(bytes.length + 1);
    socket.write(bytes.subarray(0, cut));
    setImmediate(() => socket.write(bytes.subarray(cut)));
    if (pick(3) === 0) socket.end();
  });
}

test('changed sessions end, and a client beside them gets every answer', async () => {
  const witness = await PgClient.connect(server.port);
  await witness.query('CREATE TEMP TABLE mine AS SELECT range AS i FROM range(1000)');
  const until = performance.now() + BUDGET_MS;
  let played = 0;
  const player = async () => {
    while (performance.now() < until) {
      await play(mutated(SESSIONS[pick(SESSIONS.length)]!));
      played += 1;
    }
  };
  const watch = async () => {
    for (let round = 0; performance.now() < until; round += 1) {
      const { rows, status } = await witness.query(`SELECT count(*), ${round} FROM mine`);
      assert.equal(rows, [['1000', String(round)]]);
      assert.is(status, 'I');
    }
  };
  await Promise.all([watch(), ...Array.from({ length: AT_A_TIME }, player)]);
  witness.close();
  for (let wait = 0; server.connections > 0 && wait < 300; wait += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.is(server.connections, 0);
  reportCases(played, 'changed sessions');
});

test('a reader of frames holds no more than the bytes that it got', () => {
  let checked = 0;
  for (; checked < 20_000; checked += 1) {
    const bytes = mutated(SESSIONS[pick(SESSIONS.length)]!);
    const reader = new FrameReader();
    let given = 0;
    let taken = 0;
    try {
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + pick(50);
        const piece = bytes.subarray(at, at + size);
        at += size;
        given += piece.length;
        reader.push(piece);
        for (let message = reader.take(); message !== undefined; message = reader.take()) {
          taken += message.body.length;
        }
        assert.ok(reader.bytes + taken <= given + EXTRA_BYTES);
      }
    } catch (thrown) {
      assert.is((thrown as { code?: string }).code, 'RVB_PROTOCOL');
    }
  }
  reportCases(checked, 'changed sessions, cut at random');
});

test.run();
