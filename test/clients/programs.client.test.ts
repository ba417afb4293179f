/** Programs in Python, Java, Perl and JavaScript, with the drivers and libraries that people use, against the server. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openShop, PROGRAMS, type Shop } from './shop.ts';

const JDBC = '/usr/share/java/postgresql.jar';
const exec = promisify(execFile);
const statements = JSON.parse(readFileSync(`${PROGRAMS}statements.json`, 'utf8'));

type Lists = readonly (readonly unknown[])[];

/** What each act must give, in whatever types the client reads it. An act without a line here need only be printed. */
const EXPECTED: Readonly<Record<string, (value: never) => void>> = {
  one: (value: Lists) => assert.equal(value.map(Number), [1]),
  after: (value: Lists) => assert.equal(value.map(Number), [1]),
  'after cancel': (value: Lists) => assert.equal(value.map(Number), [1]),
  map: (value: Lists) =>
    assert.equal(
      value.map(([id, price, band]) => [Number(id), Number(price), band]),
      [
        [1, 4.5, 'cheap'],
        [2, 1.25, 'cheap'],
        [3, 39.9, 'dear'],
        [4, 899, 'dear'],
        [5, 7, 'cheap'],
      ],
    ),
  run: (value: unknown) => {
    const { status, row_count, table_created } = (
      typeof value === 'string' ? JSON.parse(value) : value
    ) as Record<string, unknown>;
    assert.equal([status, row_count, table_created], ['success', 5, 'batch']);
  },
  batch: (value: Lists) => assert.equal(JSON.stringify(value).match(/\d+/g)?.map(Number), [5]),
  means: (value: Lists) => assert.equal(value, [['Bamboo brush'], ['Solar lamp']]),
  parameter: (value: Lists) => assert.equal(value, [['Solar lamp']]),
  untyped: (value: unknown) => assert.equal(value, [[['xy']], [['10.0']], [[0], [1]]]),
  named: (value: Lists) => assert.equal(value, [['Solar lamp']]),
  'named again': (value: Lists) => assert.equal(value, [['Bamboo brush']]),
  'map parameter': (value: Lists) =>
    assert.equal(
      value.map(([id, , band]) => [Number(id), band]),
      [[4, 'dear']],
    ),
  error: (value: string) => assert.is(value, '42703'),
  'error of an extended query': (value: string) => assert.is(value, '42703'),
  cancel: (value: unknown) => assert.equal(value, ['57014', true]),
  tables: (value: Lists) =>
    assert.equal(
      value.flat().filter((name) => name === 'products' || name === 'kinds'),
      ['kinds', 'products'],
    ),
  'primary key': (value: unknown) => assert.equal(value, ['id']),
  cursor: (value: Lists) => assert.equal(value.flat(2).map(Number), [1, 2, 3, 4, 5]),
  'fetch size': (value: Lists) => assert.equal(value.flat().map(Number), [1, 2, 3, 4, 5]),
  'copy out': (value: string) => assert.match(value, /^1[,\t]Bamboo brush\n2[,\t]Plastic fork\n$/),
  'copy in': (value: Lists) =>
    assert.equal(
      value.map(([a]) => a),
      [1, 2],
    ),
  pipeline: (value: unknown) => assert.equal(value, [0, 1, 2, 3, 4]),
  inserted: (value: Lists) => assert.equal(value, [[3]]),
  'has table': (value: unknown) => assert.is(value, true),
  notice: (value: unknown) => assert.is(value, true),
  types: (value: unknown) => assert.is(value, true),
  reflected: (value: unknown) => assert.equal(value, ['kinds', 'products']),
  core: (value: Lists) => assert.equal(value, [['Solar lamp']]),
  kinds: (value: readonly unknown[]) => checkKinds(value.map(String)),
};

/** A value of every type, in the words of any client. */
function checkKinds(said: readonly string[]): void {
  const [b, i2, i4, i8, f8, n, t, y, d, ts, , u] = said;
  assert.match(b!, /^true$/i);
  assert.equal([i2, i4, i8, f8].map(Number), [-7, 42, 9007199254740992, 0.5]);
  assert.is(i8, '9007199254740993');
  assert.is(n, '12345.67890');
  assert.is(t, "Grüße 'x' \\ 日本");
  assert.is(y, '00ff6162');
  assert.match(d!, /2024-02-2[89]/);
  assert.match(ts!, /2024-02-29T\d\d:34:56\.789/);
  assert.is(u, '0b6e6a52-8d57-4c1c-9f1e-7f1f4f6d9c11');
}

let shop: Shop;
let libraries: string;
test.before(async () => {
  shop = await openShop(statements);
  libraries = mkdtempSync(join(tmpdir(), 'rvbbit-clients-'));
  await exec('cp', ['-r', `${PROGRAMS}.`, libraries]);
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--silent'];
  await exec('npm', ['install', ...quiet], { cwd: libraries });
  await exec('javac', ['-cp', JDBC, '-d', libraries, `${PROGRAMS}Jdbc.java`]);
});
test.after(async () => {
  await shop?.close();
  if (libraries !== undefined) rmSync(libraries, { recursive: true, force: true });
});

/** Runs a program and checks every act that its source names. */
async function check(file: string, command: string, args: readonly string[]): Promise<void> {
  const printed = await shop.run(command, args);
  const acts = new Map<string, unknown>();
  for (const line of printed.split('\n')) {
    const [act, json] = line.split('\t');
    // Whole numbers that JavaScript would round are texts.
    if (act && json)
      acts.set(act, JSON.parse(json.replace(/(?<=[[ ,])\d{16,}(?=[\], ])/g, '"$&"')));
  }
  const source = readFileSync(PROGRAMS + file, 'utf8');
  const named = [...source.matchAll(/\bsay(?:_act)?\((?:how \+ )?(["'])(.+?)\1/g)].map(
    ([, , act]) => act!,
  );
  const missing = [...new Set(named)].filter((act) => !acts.has(act));
  assert.equal(missing, [], `${file} did not come to these acts:\n${printed}`);
  for (const [act, value] of acts) {
    try {
      EXPECTED[act.replace(/^binary /, '')]?.(value as never);
    } catch (thrown) {
      throw new Error(`${file}, ${act}: ${(thrown as Error).message}\n${JSON.stringify(value)}`);
    }
  }
}

const PYTHON = ['psycopg2', 'psycopg3', 'asyncpg', 'sqlalchemy', 'pandas', 'psqlodbc'];
for (const name of PYTHON) {
  test(`${name} (Python)`, () =>
    check(`${name}_client.py`, '/usr/bin/python3', [`${PROGRAMS}${name}_client.py`]));
}
for (const name of ['pg', 'postgres', 'knex', 'kysely', 'drizzle']) {
  test(`${name} (JavaScript)`, () =>
    check(`${name}_client.mjs`, process.execPath, [join(libraries, `${name}_client.mjs`)]));
}
test('JDBC: named statements, binary values, fetch size, metadata', () =>
  check('Jdbc.java', 'java', ['-cp', `${JDBC}:${libraries}`, 'Jdbc']));
test('DBD::Pg (Perl)', () => check('dbdpg_client.pl', 'perl', [`${PROGRAMS}dbdpg_client.pl`]));

test.run();
