/** COPY to and from the client. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bind,
  execute,
  frame,
  PgClient,
  parse,
  query,
  resultOf,
  sync,
} from '../../support/pg-client.ts';
import { startServer } from './support.ts';

const server = await startServer();
const client = await PgClient.connect(server.port);
await client.query(
  'CREATE TABLE item (id INTEGER, name VARCHAR, tags VARCHAR[], data BLOB, price DECIMAL(8,2), seen TIMESTAMPTZ)',
);
test.after(async () => {
  client.close();
  await server.close();
});

const data = (...pieces: readonly (string | Buffer)[]) =>
  pieces.map((piece) => frame('d', Buffer.from(piece)));
const done = frame('c');

/** Runs a COPY TO STDOUT, and returns its bytes. */
async function copiedOut(sql: string): Promise<Buffer> {
  client.send(query(sql));
  const messages = await client.until('Z');
  assert.is(resultOf(messages).error?.get('M'), undefined);
  assert.is(messages[0]?.type, 'H');
  return Buffer.concat(messages.filter(({ type }) => type === 'd').map(({ body }) => body));
}

async function copiedIn(sql: string, ...pieces: readonly (string | Buffer)[]) {
  client.send(query(sql));
  await client.until('G');
  return client.run(...data(...pieces), done);
}

const ROWS =
  '1\ta\\tb\\\\c\\n\t{x,"y z",NULL}\t\\\\x0aff\t1.50\t2024-01-01 00:00:00+00\n2\t\\N\t\\N\t\\N\t\\N\t\\N\n';

test('text goes in, cut anywhere, and comes out the same', async () => {
  for (const size of [1, 7, 1_000]) {
    await client.query('DELETE FROM item');
    const bytes = Buffer.from(ROWS);
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    );
    const { tags, error } = await copiedIn('COPY item FROM STDIN', ...pieces);
    assert.is(error?.get('M'), undefined);
    assert.equal(tags, ['COPY 2']);
    assert.is((await copiedOut('COPY item TO STDOUT')).toString(), ROWS);
  }
});

test('csv and binary come out and go in again, whole', async () => {
  const forms = [
    'CSV',
    "CSV HEADER DELIMITER ';' NULL 'nothing'",
    "(FORMAT csv, HEADER true, QUOTE '''', ESCAPE '\\')",
    'BINARY',
    '(FORMAT binary)',
    "(DELIMITER '|', NULL '')",
  ];
  await client.query(
    "DELETE FROM item; INSERT INTO item VALUES (1, 'a,\"b\"''|;\\' || chr(10) || 'c', ['x', NULL, 'y,z'], '\\x00\\xFF'::BLOB, 1.5, '2024-01-01 00:00:00+00'), (2, NULL, NULL, NULL, NULL, NULL), (3, '', [], ''::BLOB, -0.01, 'infinity')",
  );
  const rows = async () =>
    JSON.stringify((await client.query('SELECT * FROM item ORDER BY id')).rows);
  const before = await rows();
  for (const form of forms) {
    const isEmptyNull = form.includes("NULL ''");
    if (isEmptyNull) await client.query("UPDATE item SET name = 'n' WHERE id = 3");
    const bytes = await copiedOut(`COPY (SELECT * FROM item ORDER BY id) TO STDOUT WITH ${form}`);
    await client.query('DELETE FROM item');
    const { error } = await copiedIn(
      `COPY item FROM STDIN WITH ${form}`,
      bytes.subarray(0, 30),
      bytes.subarray(30),
    );
    assert.is(error?.get('M'), undefined, form);
    assert.is(await rows(), isEmptyNull ? before.replace('"3",""', '"3","n"') : before, form);
  }
});

test('columns can be named, and the others get their defaults', async () => {
  await client.query("CREATE OR REPLACE TABLE part (a INTEGER, b VARCHAR DEFAULT 'd', c INTEGER)");
  assert.equal((await copiedIn('COPY part (c, a) FROM STDIN WITH CSV', '1,2\n', '3,4')).tags, [
    'COPY 2',
  ]);
  assert.equal((await client.query('SELECT * FROM part ORDER BY a')).rows, [
    ['2', 'd', '1'],
    ['4', 'd', '3'],
  ]);
  assert.is((await copiedOut('COPY part (a) TO STDOUT')).toString(), '2\n4\n');
});

test('more rows than one insert takes go in as one', async () => {
  await client.query('CREATE OR REPLACE TABLE large (i INTEGER)');
  const lines = Array.from({ length: 5_000 }, (_, at) => `${at}\n`).join('');
  assert.equal((await copiedIn('COPY large FROM STDIN', lines)).tags, ['COPY 5000']);
  const { error } = await copiedIn('COPY large FROM STDIN', lines, 'no number\n');
  assert.is(error?.get('C'), '22000');
  assert.equal((await client.query('SELECT count(*), sum(i) FROM large')).rows, [
    ['5000', '12497500'],
  ]);
});

test('what is wrong with the data or the statement is said, and the connection goes on', async () => {
  const wrong: Readonly<
    Record<string, readonly [sql: string, data: string | Buffer, code: string]>
  > = {
    'too few values': ['COPY part FROM STDIN', '1\n', '22P04'],
    'a quote without an end': ['COPY part FROM STDIN CSV', '1,"x\n', '22P04'],
    'not UTF-8': ['COPY part FROM STDIN', Buffer.from([0xff, 0x0a]), '22021'],
    'not binary': ['COPY part FROM STDIN BINARY', 'x'.repeat(40), '22P04'],
  };
  for (const [what, [sql, bytes, code]] of Object.entries(wrong)) {
    assert.is((await copiedIn(sql, bytes)).error?.get('C'), code, what);
  }
  for (const [sql, code] of [
    ['COPY none FROM STDIN', '42P01'],
    ['COPY (SELECT 1) FROM STDIN', '42601'],
    ['COPY part TO STDOUT (FORMAT parquet)', '22023'],
    ['COPY part TO STDOUT (FORCE_QUOTE *)', '0A000'],
    ["COPY part TO STDOUT (DELIMITER 'ab')", '22023'],
  ] as const) {
    assert.is((await client.query(sql)).error?.get('C'), code, sql);
  }
  client.send(query('COPY part FROM STDIN'));
  await client.until('G');
  const failed = await client.run(frame('f', 'changed my mind'));
  assert.match(failed.error?.get('M') ?? '', /changed my mind/);
  assert.equal((await client.query('SELECT 1')).rows, [['1']]);
});

test('COPY runs by the extended protocol too', async () => {
  client.send(parse('COPY (SELECT 7) TO STDOUT'), bind(), execute(), sync);
  assert.is((await client.until('Z')).map(({ type }) => type).join(''), '12HdcCZ');
});

test('HEADER match compares the names of the columns', async () => {
  await client.query('CREATE OR REPLACE TABLE headed (a INTEGER, b INTEGER)');
  for (const [header, code] of [
    ['a,b', undefined],
    ['b,a', '22P04'],
    ['a', '22P04'],
    ['A,b', '22P04'],
  ] as const) {
    const { error } = await copiedIn(
      'COPY headed FROM STDIN (FORMAT csv, HEADER match)',
      `${header}\n1,2\n`,
    );
    assert.is(error?.get('C'), code, header);
  }
  const named = await copiedIn('COPY headed (b, a) FROM STDIN (HEADER match)', 'b\ta\n3\t4\n');
  assert.equal(named.tags, ['COPY 1']);
  assert.equal((await client.query('SELECT * FROM headed ORDER BY a')).rows, [
    ['1', '2'],
    ['4', '3'],
  ]);
  assert.is((await client.query('COPY headed TO STDOUT (HEADER match)')).error?.get('C'), '22023');
});

test.run();
