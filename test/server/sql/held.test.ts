/** What a connection may hold in memory: prepared statements, values, and rows that nobody has read. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bind, execute, PgClient, parse, sync } from '../../support/pg-client.ts';
import { startServer } from './support.ts';

const MEGABYTE = 2 ** 20;
const WIDE = 'x'.repeat(15 * MEGABYTE);
/** About 15 MB in eight chunks. */
const ROWS = "SELECT range AS i, repeat('x', 1000) AS t FROM range(15000)";

const server = await startServer();
test.after(() => server.close());

test('prepared statements of more than 32 MiB are refused, and there is room again after DEALLOCATE', async () => {
  const client = await PgClient.connect(server.port);
  const prepare = async (name: string) =>
    (await client.run(parse(`SELECT '${WIDE}' AS v`, name), sync)).error?.get('C');
  assert.equal(
    [await prepare('a'), await prepare('b'), await prepare('c')],
    [undefined, undefined, '53400'],
  );
  assert.is((await client.query('DEALLOCATE a')).error, undefined);
  assert.equal([await prepare('c'), await prepare('d')], [undefined, '53400']);
  assert.equal((await client.query('SELECT 1')).rows, [['1']]);
  client.close();
});

test('open portals with values of more than 32 MiB are refused, and the connection goes on', async () => {
  const client = await PgClient.connect(server.port);
  await client.run(parse('SELECT length($1::VARCHAR) AS n', 'length'), sync);
  const binds = ['a', 'b', 'c'].map((portal) => bind([WIDE], { portal, name: 'length' }));
  assert.is((await client.run(...binds, sync)).error?.get('C'), '53400');
  const { rows } = await client.run(bind([WIDE], { name: 'length' }), execute(), sync);
  assert.equal(rows, [[String(WIDE.length)]]);
  client.close();
});

test('suspended portals with unread rows of more than 32 MiB fail, and the others keep their rows', async () => {
  const client = await PgClient.connect(server.port);
  await client.query('BEGIN');
  const open = (portal: string) =>
    client.run(parse(ROWS), bind([], { portal }), execute(1, portal), sync);
  assert.is((await open('first')).rows.length, 1);
  const errors: unknown[] = [];
  for (let n = 0; n < 4 && errors.length === 0; n += 1) {
    const { error } = await open(`p${n}`);
    if (error !== undefined) errors.push(error.get('C'));
  }
  assert.equal(errors, ['53400']);
  await client.query('ROLLBACK');
  await client.query('BEGIN');
  await open('first');
  await open('second');
  const { rows, error } = await client.run(execute(0, 'first'), sync);
  assert.is(error, undefined);
  assert.is(rows.length, 14_999);
  await client.query('ROLLBACK');
  client.close();
});

test('a statement that was short and now is long gives all of its rows, in order', async () => {
  const client = await PgClient.connect(server.port);
  const read = async (rows: number) =>
    (await client.extended(`SELECT range AS grown FROM range(${rows})`)).rows.map(([value]) =>
      Number(value),
    );
  assert.equal(await read(3), [0, 1, 2]);
  assert.equal(await read(3), [0, 1, 2]);
  const long = await read(9_000);
  assert.is(long.length, 9_000);
  assert.ok(long.every((value, index) => value === index));
  assert.equal(await read(9_000), long);
  assert.is((await client.extended('SELECT 1 AS one')).tags[0], 'SELECT 1');
  client.close();
});

test.run();
