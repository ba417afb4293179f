/** The bytes of a client: what is a message, what is none, and that nothing is made before it has arrived. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameReader } from '../../../src/server/sql/protocol/read-frames.ts';
import {
  bind,
  describe,
  execute,
  fieldsOf,
  frame,
  int16,
  int32,
  PgClient,
  parse,
  query,
  resultOf,
  startup,
  sync,
} from '../../support/pg-client.ts';
import { startServer } from './support.ts';

const server = await startServer();
test.after(() => server.close(0));

/** Returns the fields of the error with which the server ends a connection that sends these bytes. */
async function fatalOf(...bytes: readonly Buffer[]): Promise<ReadonlyMap<string, string>> {
  const client = new PgClient(server.port);
  client.send(...bytes);
  const messages = await client.closed();
  return fieldsOf(messages.find(({ type }) => type === 'E')!.body);
}

test('a first packet of a wrong length ends the connection, with RVB_PROTOCOL', async () => {
  for (const length of [0, 3, 4, 7, 10_001, 2 ** 31 - 1, -1]) {
    const fields = await fatalOf(int32(length), Buffer.alloc(16));
    assert.is(fields.get('S'), 'FATAL', String(length));
    assert.is(fields.get('C'), '08P01');
    assert.is(fields.get('R'), 'RVB_PROTOCOL');
  }
});

test('a first packet of 8 and of 10,000 bytes is read', async () => {
  assert.match((await fatalOf(frame('', 7 << 16))).get('M')!, 'protocol 7.0 is not spoken here');
  const long = 'x'.repeat(10_000 - startup({ application_name: '' }).length);
  const client = await PgClient.connect(server.port, { application_name: long });
  assert.is(client.parameters.get('application_name'), long);
  client.close();
});

test('a message with a length below 4 or above the bound ends the connection', async () => {
  for (const length of [3, 0, -1, 16 * 1024 * 1024 + 1, 2 ** 31 - 1]) {
    const fields = await fatalOf(startup(), Buffer.from('Q'), int32(length));
    assert.is(fields.get('C'), '08P01', String(length));
  }
});

test('counts and lengths that are not there are refused, and the connection goes on', async () => {
  const client = await PgClient.connect(server.port);
  const wrong: Readonly<Record<string, Buffer>> = {
    'too many parameter types': frame('P', '', 'SELECT 1', int16(65_535)),
    'too many values': frame('B', '', '', int16(0), int16(65_535), int16(0)),
    'a negative length': frame('B', '', '', int16(0), int16(1), -2, int16(0)),
    'a length beyond the message': frame('B', '', '', int16(0), int16(1), 2 ** 31 - 1, int16(0)),
    'an unknown format': frame('B', '', '', int16(1), int16(9), int16(0), int16(0)),
    'bytes behind the end': frame('S', Buffer.from('x')),
    'neither S nor P': frame('D', Buffer.from('X'), ''),
    'no such message': frame('~'),
  };
  for (const [what, bytes] of Object.entries(wrong)) {
    const { error, status } = await client.run(bytes, sync);
    assert.is(error?.get('C'), '08P01', what);
    assert.is(status, 'I', what);
  }
  assert.equal((await client.query('SELECT 1 AS a')).rows, [['1']]);
  client.close();
});

test('a simple query that cannot be read is answered at once', async () => {
  const client = await PgClient.connect(server.port);
  for (const bytes of [Buffer.from('SELECT 1'), Buffer.from([0xff, 0xfe, 0]), Buffer.alloc(0)]) {
    const { error, status } = await client.run(frame('Q', bytes));
    assert.equal([error?.get('C'), status], ['08P01', 'I']);
  }
  assert.equal((await client.query('SELECT 1 AS a')).rows, [['1']]);
  client.close();
});

test('the answers are the same for every way in which the bytes are cut', async () => {
  const session = Buffer.concat([
    startup(),
    query('SELECT 1 AS a; SELECT nope; SELECT 2'),
    parse('SELECT $1::INTEGER + 1 AS b'),
    bind(['41']),
    describe('P'),
    execute(),
    sync,
    query("SELECT 'é' AS c"),
  ]);
  const answers = async (cuts: readonly number[]) => {
    const client = new PgClient(server.port);
    let from = 0;
    for (const cut of [...cuts, session.length]) {
      client.send(session.subarray(from, cut));
      from = cut;
      await new Promise(setImmediate);
    }
    await client.until('Z');
    const ends = [await client.until('Z'), await client.until('Z'), await client.until('Z')];
    client.close();
    return JSON.stringify(ends.map(resultOf).map(({ rows, error }) => [rows, error?.get('C')]));
  };
  const whole = await answers([]);
  assert.is(whole, '[[[["1"]],"42703"],[[["42"]],null],[[["é"]],null]]');
  assert.is(await answers(Array.from({ length: session.length }, (_, at) => at)), whole);
  const some = Array.from({ length: 12 }, (_, at) => Math.floor((session.length / 12) * at) + 1);
  for (const cut of some) assert.is(await answers([cut]), whole, String(cut));
});

test('requests for encryption are refused once each, and the client goes on without', async () => {
  const ssl = frame('', 80_877_103);
  const gssenc = frame('', 80_877_104);
  const client = new PgClient(server.port);
  for (const request of [gssenc, ssl]) {
    const byte = client.plainByte();
    client.send(request);
    assert.is(await byte, 'N');
  }
  assert.is((await client.run(startup())).status, 'I');
  client.close();
  const twice = new PgClient(server.port);
  const byte = twice.plainByte();
  twice.send(ssl);
  await byte;
  twice.send(ssl);
  assert.is(fieldsOf((await twice.closed())[0]!.body).get('C'), '08P01');
});

test('a length alone makes no memory', () => {
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 50 }, () => {
    const reader = new FrameReader();
    reader.push(Buffer.concat([Buffer.from('Q'), int32(16 * 1024 * 1024)]));
    assert.is(reader.take(), undefined);
    return reader;
  });
  assert.is(readers[0]?.bytes, 5);
  assert.ok(process.memoryUsage().arrayBuffers - before < 1024 * 1024);
});

test('messages in a wrong order are answered, and the client stays connected', async () => {
  const client = await PgClient.connect(server.port);
  const codes: Readonly<Record<string, readonly [Buffer, string | undefined]>> = {
    'Bind without Parse': [bind([], { name: 'none' }), '26000'],
    'Describe of no statement': [describe('S', 'none'), '26000'],
    'Describe of no portal': [describe('P', 'none'), '34000'],
    'Execute of no portal': [execute(0, 'none'), '34000'],
    'Close of nothing': [frame('C', Buffer.from('S'), 'none'), undefined],
    'CopyData without COPY': [frame('d', Buffer.from('x')), undefined],
    'CopyDone without COPY': [frame('c'), undefined],
    'CopyFail without COPY': [frame('f', 'why'), undefined],
    'Flush alone': [frame('H'), undefined],
  };
  for (const [what, [bytes, code]] of Object.entries(codes)) {
    const { error, status } = await client.run(bytes, sync);
    assert.is(error?.get('C'), code, what);
    assert.is(status, 'I', what);
  }
  client.close();
});

test.run();
