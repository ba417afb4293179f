/** The extended protocol: statements, portals, errors, pipelines, and the transaction that a pipeline is. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bind,
  describe,
  execute,
  flush,
  frame,
  PgClient,
  parse,
  resultOf,
  sync,
} from '../../support/pg-client.ts';
import { startServer } from './support.ts';

const server = await startServer();
const client = await PgClient.connect(server.port);
test.after(async () => {
  client.close();
  await server.close();
});

const types = (messages: readonly { readonly type: string }[]) =>
  messages.map(({ type }) => type).join('');

test('a statement is described with its parameters and columns before it runs', async () => {
  await client.query('CREATE TABLE thing (id INTEGER, name VARCHAR, price DECIMAL(8,2))');
  client.send(
    parse('SELECT name, price FROM thing WHERE id = $1 AND name LIKE $2', 's1'),
    describe('S', 's1'),
    sync,
  );
  const messages = await client.until('Z');
  assert.is(types(messages), '1tTZ');
  const parameters = messages[1]!.body;
  assert.is(parameters.readInt16BE(0), 2);
  assert.equal([parameters.readInt32BE(2), parameters.readInt32BE(6)], [23, 25]);
  assert.equal(
    resultOf(messages).columns.map(({ oid }) => oid),
    [25, 1700],
  );
  client.send(parse('INSERT INTO thing VALUES ($1, $2, $3)', 's2'), describe('S', 's2'), sync);
  assert.is(types(await client.until('Z')), '1tnZ');
});

test('a parameter without a type is text, and the other columns keep their types', async () => {
  client.send(parse('SELECT $1 AS a, $2::DATE AS b, $3::INTEGER[] AS c'), describe('S'), sync);
  const messages = await client.until('Z');
  const { body } = messages.find(({ type }) => type === 't')!;
  assert.equal(
    [2, 6, 10].map((at) => body.readInt32BE(at)),
    [25, 1082, 1007],
  );
  assert.equal(
    resultOf(messages).columns.map(({ oid }) => oid),
    [25, 1082, 1007],
  );
});

test('a prepared statement runs again and again, and each portal has its own values and formats', async () => {
  await client.run(parse('SELECT $1::INTEGER * 2 AS v', 'twice'), sync);
  const frames = ['1', '2', '3'].flatMap((value) => [bind([value], { name: 'twice' }), execute()]);
  const { rows, tags } = await client.run(...frames, sync);
  assert.equal(rows, [['2'], ['4'], ['6']]);
  assert.equal(tags, ['SELECT 1', 'SELECT 1', 'SELECT 1']);
  const binary = await client.run(
    bind(['4'], { name: 'twice', formats: [1] }),
    describe('P'),
    execute(),
    sync,
  );
  assert.equal(binary.rows, [[Buffer.from([0, 0, 0, 8])]]);
});

test('BEGIN, SET and COMMIT can be prepared and run more than once', async () => {
  for (const text of [
    'BEGIN ISOLATION LEVEL READ COMMITTED',
    'COMMIT',
    'SET application_name TO again',
  ]) {
    await client.run(parse(text, text), sync);
  }
  for (let round = 0; round < 2; round += 1) {
    const begun = await client.run(
      bind([], { name: 'BEGIN ISOLATION LEVEL READ COMMITTED' }),
      execute(),
      sync,
    );
    assert.is(begun.status, 'T');
    const set = await client.run(
      bind([], { name: 'SET application_name TO again' }),
      execute(),
      sync,
    );
    assert.equal(set.tags, ['SET']);
    assert.is((await client.run(bind([], { name: 'COMMIT' }), execute(), sync)).status, 'I');
  }
});

test('Execute with a row limit suspends the portal, and goes on where it was', async () => {
  await client.query('BEGIN');
  client.send(
    parse('SELECT * FROM range(5)'),
    bind(),
    execute(2),
    execute(2),
    execute(2),
    execute(2),
    sync,
  );
  const messages = await client.until('Z');
  assert.is(types(messages), '12DDsDDsDCCZ');
  assert.equal(resultOf(messages).rows.flat(), ['0', '1', '2', '3', '4']);
  assert.equal((await client.query('COMMIT')).tags, ['COMMIT']);
});

test('other statements run between the parts of a portal', async () => {
  await client.query('BEGIN');
  await client.run(
    parse('SELECT * FROM range(10000)', 'many'),
    bind([], { name: 'many', portal: 'p' }),
    execute(3, 'p'),
    sync,
  );
  assert.equal((await client.query('SELECT 42')).rows, [['42']]);
  const { rows } = await client.run(execute(2, 'p'), sync);
  assert.equal(rows.flat(), ['3', '4']);
  const all = await client.run(execute(0, 'p'), sync);
  assert.is(all.rows.length, 9_995);
  await client.query('COMMIT');
  assert.is((await client.run(execute(0, 'p'), sync)).error?.get('C'), '34000');
});

test('after an error everything is passed over up to Sync', async () => {
  client.send(
    parse('SELECT nope'),
    bind(),
    execute(),
    parse('CREATE TABLE never (i INTEGER)'),
    bind(),
    execute(),
    sync,
    parse('SELECT 1 AS one'),
    bind(),
    execute(),
    sync,
  );
  const first = resultOf(await client.until('Z'));
  assert.is(first.error?.get('C'), '42703');
  assert.equal(first.tags, []);
  assert.equal(resultOf(await client.until('Z')).rows, [['1']]);
  assert.is((await client.query('SELECT * FROM never')).error?.get('C'), '42P01');
});

test('the statements before a Sync are one transaction, of which an error leaves nothing', async () => {
  await client.query('CREATE TABLE pipe (i INTEGER)');
  const insert = (value: string) => [
    parse(`INSERT INTO pipe VALUES (${value})`),
    bind(),
    execute(),
  ];
  const failed = await client.run(...insert('1'), ...insert("'x'"), ...insert('3'), sync);
  assert.is(failed.error?.get('C'), '22000');
  assert.is(failed.status, 'I');
  assert.equal((await client.query('SELECT count(*) FROM pipe')).rows, [['0']]);
  const done = await client.run(...insert('1'), ...insert('2'), sync);
  assert.equal(done.tags, ['INSERT 0 1', 'INSERT 0 1']);
  assert.equal((await client.query('SELECT count(*) FROM pipe')).rows, [['2']]);
});

test('Flush sends what there is, without an end', async () => {
  client.send(parse('SELECT 1'), flush);
  assert.is(types(await client.until('1')), '1');
  client.send(bind(), execute(), flush);
  assert.is(types(await client.until('C')), '2DC');
  client.send(sync);
  assert.is(types(await client.until('Z')), 'Z');
});

test('an empty text is EmptyQueryResponse, and several statements cannot be prepared together', async () => {
  client.send(parse('  -- nothing'), bind(), describe('P'), execute(), sync);
  assert.is(types(await client.until('Z')), '12nIZ');
  client.send(frame('Q', ' ; '));
  assert.is(types(await client.until('Z')), 'IZ');
  assert.is((await client.run(parse('SELECT 1; SELECT 2'), sync)).error?.get('C'), '42601');
});

test('counts of values and formats that do not fit are refused', async () => {
  assert.is((await client.extended('SELECT $1::INTEGER', [])).error?.get('C'), '08P01');
  assert.is((await client.extended('SELECT 1', ['1'])).error?.get('C'), '08P01');
  const { error } = await client.extended('SELECT 1, 2, 3', [], { formats: [0, 1] });
  assert.is(error?.get('C'), '08P01');
  await client.run(parse('SELECT 1', 'taken'), sync);
  assert.is((await client.run(parse('SELECT 1', 'taken'), sync)).error?.get('C'), '42P05');
  await client.run(frame('C', Buffer.from('S'), 'taken'), sync);
  assert.is((await client.run(parse('SELECT 1', 'taken'), sync)).error, undefined);
});

test('a table that changes is described anew', async () => {
  await client.query('CREATE TABLE moving AS SELECT 1 AS v');
  assert.equal(
    (await client.extended('SELECT * FROM moving')).columns.map(({ oid }) => oid),
    [23],
  );
  await client.query("CREATE OR REPLACE TABLE moving AS SELECT 'x' AS v, 2 AS w");
  const { rows, columns } = await client.extended('SELECT * FROM moving');
  assert.equal(
    columns.map(({ oid }) => oid),
    [25, 23],
  );
  assert.equal(rows, [['x', '2']]);
});

test('an error has its place in characters, in the text that was sent', async () => {
  const { error } = await client.extended("SELECT '😀', nope FROM range(3)");
  assert.is(error?.get('P'), '13');
  const second = await client.query("SELECT '😀';\n  SELECT nope");
  assert.is(second.error?.get('P'), String([..."SELECT '😀';\n  SELECT "].length + 1));
  assert.not.match(second.error?.get('M') ?? '', /\^/);
});

test('a statement without rows runs once a portal, and a query that has ended gives no more rows', async () => {
  await client.query('CREATE OR REPLACE TABLE once (i INTEGER)');
  const twice = await client.run(
    parse('INSERT INTO once VALUES (1)'),
    bind(),
    execute(),
    execute(),
    sync,
  );
  assert.equal([twice.tags, twice.error?.get('C')], [['INSERT 0 1'], '55000']);
  assert.equal((await client.query('SELECT count(*) FROM once')).rows, [['0']]);
  const read = await client.run(parse('SELECT 1'), bind(), execute(), execute(), sync);
  assert.equal([read.tags, read.rows.length], [['SELECT 1', 'SELECT 0'], 1]);
});

test('numbers with exponents keep their digits, and NULLs their types', async () => {
  const { rows } = await client.extended(
    'SELECT $1 + 1, $2 + 0, $3 IS NULL',
    ['12345678901234567890123e2', '-1.25e-3', null],
    { types: [1700, 1700, 1184] },
  );
  assert.equal(rows, [['1234567890123456789012301', '-0.00125', 't']]);
  const day = await client.extended("SELECT date_trunc('day', $1) AS d", [null]);
  assert.equal([day.rows, day.columns[0]?.oid], [[[null]], 1184]);
  const wide = await client.extended('SELECT $1', [`0.${'7'.repeat(39)}`], { types: [1700] });
  assert.is(wide.error?.get('C'), '22003');
});

test('a cursor takes the values of parameters', async () => {
  await client.query('BEGIN');
  const declared = await client.extended('DECLARE c CURSOR FOR SELECT * FROM range($1)', ['3']);
  assert.is(declared.error?.get('M'), undefined);
  assert.equal((await client.query('FETCH ALL FROM c')).rows.flat(), ['0', '1', '2']);
  await client.query('ROLLBACK');
});

test.run();
