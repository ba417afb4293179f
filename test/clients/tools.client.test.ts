/** psql, pgbench, psqlODBC and a real PostgreSQL (postgres_fdw) against the server. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startPostgres } from '../../bench/real-postgres.ts';
import { openShop, PROGRAMS, type Shop } from './shop.ts';

const statements = JSON.parse(readFileSync(`${PROGRAMS}statements.json`, 'utf8'));

let shop: Shop;
test.before(async () => {
  shop = await openShop(statements);
});
test.after(() => shop?.close());

const psql = (...args: readonly string[]) =>
  shop.run('psql', ['-X', '-A', '-t', '-F', '|', ...args]);
/** What psql prints for a failing command: its stderr. */
const psqlFails = (...args: readonly string[]) =>
  psql(...args).then(
    (printed) => `it did not fail: ${printed}`,
    (thrown: { stderr: string }) => thrown.stderr,
  );

test('psql runs MAP, RUN, semantic SQL and scripts', async () => {
  assert.is(await psql('-c', statements.one), '1\n');
  assert.match(await psql('-c', statements.map), /^1\|4\.50\|cheap\n2\|1\.25\|cheap\n/);
  assert.match(await psql('-c', statements.run), /"status": ?"success"/);
  assert.is(await psql('-c', statements.means), 'Bamboo brush\nSolar lamp\n');
  const script = 'CREATE TEMP TABLE two AS SELECT 2 AS b;\nSELECT b FROM two;\n\\echo done\n';
  assert.match(await shop.run('psql', ['-X', '-A', '-t', '-q', '-f', '-'], script), /^2\ndone\n/);
});

test('psql shows an error with its SQLSTATE and a caret', async () => {
  const said = await psqlFails('-v', 'VERBOSITY=verbose', '-c', statements.error);
  assert.match(said, /ERROR:\s+42703: /);
  assert.match(said, /\n\s+\^/);
  assert.match(await psqlFails('-c', "RVBBIT MAP PARALEL 5 'x.yaml' USING (SELECT 1)"), /\n\s+\^/);
});

test('psql lists and describes', async () => {
  assert.match(await psql('-c', '\\dt'), /main\|products\|table\||public\|products\|table\|/);
  const table = await psql('-c', '\\d products');
  assert.match(table, /id\|integer\|.*not null/);
  assert.match(table, /price\|numeric\(10,2\)/);
  assert.match(
    await psql('-c', '\\df'),
    /semantic_means\|BOOLEAN\|text VARCHAR, criterion VARCHAR/,
  );
  for (const command of [
    '\\l',
    '\\dn',
    '\\df',
    '\\du',
    '\\dT',
    '\\di',
    '\\dv',
    '\\d',
    '\\d+ products',
    '\\dt+',
  ]) {
    await psql('-v', 'ON_ERROR_STOP=1', '-c', command);
  }
});

test('psql copies out and in', async () => {
  assert.is(
    await psql(
      '-c',
      '\\copy (SELECT id, name FROM products WHERE id < 3 ORDER BY id) TO STDOUT WITH (FORMAT csv)',
    ),
    '1,Bamboo brush\n2,Plastic fork\n',
  );
  writeFileSync(join(shop.folder, 'rows.csv'), '7,seven\n8,"ei,ght"\n');
  const out = await psql(
    '-c',
    'CREATE TABLE copied (a INTEGER, b VARCHAR)',
    '-c',
    "\\copy copied FROM 'rows.csv' WITH (FORMAT csv)",
    '-c',
    'SELECT b FROM copied ORDER BY a',
    '-c',
    'DROP TABLE copied',
  );
  assert.match(out, /seven\nei,ght\n/);
});

test('Ctrl-C in psql cancels the statement, and no call is made afterwards', async () => {
  const child = spawn('psql', ['-X', '-c', statements.slow], {
    env: shop.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await new Promise((resolve) => setTimeout(resolve, 900));
  const interrupted = performance.now();
  child.kill('SIGINT');
  await new Promise((resolve) => child.once('close', resolve));
  assert.ok(performance.now() - interrupted < 1_000);
  assert.match(said, /canceling statement|cancel/i);
  const before = shop.sim.ledger(0).entries.length;
  await new Promise((resolve) => setTimeout(resolve, 800));
  assert.is(shop.sim.ledger(0).entries.length, before);
});

for (const mode of ['simple', 'extended', 'prepared']) {
  test(`pgbench in ${mode} mode`, async () => {
    const file = join(shop.folder, 'point.sql');
    writeFileSync(file, '\\set id random(1, 5)\nSELECT name FROM products WHERE id = :id;\n');
    const said = await shop.run('pgbench', [
      '-n',
      '-M',
      mode,
      '-f',
      file,
      '-c',
      '8',
      '-j',
      '2',
      '-t',
      '40',
    ]);
    assert.match(said, /number of transactions actually processed: 320\/320/);
    assert.match(said, /number of failed transactions: 0 /);
  });
}

test('psqlODBC', async () => {
  const dsn = `Driver=PostgreSQL Unicode;Server=127.0.0.1;Port=${shop.port};Database=default;Uid=rvbbit;Pwd=;`;
  const lines = [statements.one, statements.map, statements.run, statements.means].map(
    (sql) => `${sql}\n`,
  );
  const said = await shop.run('isql', ['-k', '-b', '-d,', dsn], lines.join(''));
  assert.match(said, /^1$/m);
  assert.match(said, /^3,39\.90,dear$/m);
  assert.match(said, /"status": ?"success"/);
  assert.match(said, /^Solar lamp$/m);
});

test('a real PostgreSQL reads the server through postgres_fdw', async () => {
  using postgres = await startPostgres();
  const { run } = postgres;
  run('CREATE EXTENSION postgres_fdw');
  const where = `host '127.0.0.1', port '${shop.port}', dbname 'default', fetch_size '2'`;
  run(`CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (${where})`);
  run(
    "CREATE USER MAPPING FOR postgres SERVER shop OPTIONS (user 'rvbbit', password_required 'false')",
  );
  run('IMPORT FOREIGN SCHEMA main LIMIT TO (products) FROM SERVER shop INTO public');
  assert.is(
    run('SELECT name FROM products WHERE id > 2 ORDER BY id'),
    'Solar lamp\nGold watch\nCotton bag\n',
  );
  assert.is(run('SELECT count(*) FROM products WHERE price > 5'), '3\n');
});

test.run();
