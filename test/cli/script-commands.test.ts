/** Commands of the shell in `-c`, `-f` and standard input. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rvbbitHere } from './here.ts';
import { makeFolder, removeFolder } from './spawn.ts';

const folder = makeFolder({
  'two.sql': 'SELECT 1 AS one;\n.frobnicate\nSELECT 2 AS two;\n',
  'init.sql': "SET VARIABLE who = 'init';\n",
  'loop.sql': '.read loop.sql\n',
});
test.after(() => removeFolder(folder));

const run = (args: readonly string[], stdin = '') => rvbbitHere(args, { cwd: folder, stdin });

test('commands run between statements, and print in the format of the script', async () => {
  const made = await run([
    'a.duckdb',
    '-c',
    'CREATE TABLE t (a INTEGER)',
    '-c',
    '.tables',
    '-c',
    '\\d t',
  ]);
  assert.equal([made.code, made.stderr], [0, '']);
  assert.equal(
    made.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [
      { name: 't', kind: 'table', columns: 1, rows: 0 },
      { column_name: 'a', column_type: 'INTEGER', null: 'YES' },
    ],
  );
  const piped = await run(
    ['a.duckdb'],
    '.mode csv\nSELECT 1 AS a; \\x\nSELECT 2 AS b;\n.quit\nSELECT 3;',
  );
  assert.equal([piped.code, piped.stdout], [0, 'a\n1\nb = 2\n']);
  const schema = await run(['a.duckdb', '-c', '.schema']);
  assert.is(schema.stdout, 'CREATE TABLE t(a INTEGER);\n');
});

test('a mistake in a command ends the script like one in a statement', async () => {
  const { code, stdout, stderr } = await run(['-f', 'two.sql']);
  assert.equal([code, stdout], [2, '{"one":1}\n']);
  assert.match(
    stderr,
    /there is no command \.frobnicate\n {2}next: \.help[\s\S]*1 more statement was not run/,
  );
  const kept = await run(['--keep-going', '-f', 'two.sql']);
  assert.equal([kept.code, kept.stdout], [2, '{"one":1}\n{"two":2}\n']);
  for (const [command, code, said] of [
    ['.read absent.sql', 3, /cannot read absent\.sql: no such file/],
    ['.read', 2, /\.read needs a file/],
    ['.read loop.sql', 2, /16 files read each other/],
    ['.mode parquet', 2, /COPY \(SELECT/],
    ['.mode nothing', 2, /\.mode takes table, /],
    ['.timer perhaps', 2, /\.timer takes on or off, not 'perhaps'/],
    ['.tables absent', 2, /no table or view is called absent/],
    ['.output absent/x.csv', 3, /cannot write absent\/x\.csv/],
    ['.open -fast x.duckdb', 2, /no option -fast/],
    ['.open absent/x.duckdb', 3, /its folder does not exist/],
    ['.cost', 3, /there is no journal/],
    ['.explain', 2, /there is no statement yet/],
    ['.quit now', 2, /'now' is left over/],
    ['\\tables', 2, /did you mean \.tables\?/],
  ] as const) {
    const ended = await run(['-c', command]);
    assert.is(ended.code, code, `${command}: ${ended.stderr}`);
    assert.match(ended.stderr, said);
    assert.not.match(ended.stderr, /Parser Error/);
  }
});

test('a command inside a statement is told so, with a caret, and others refuse commands in plain words', async () => {
  const { code, stderr } = await run([], 'SELECT 1\n.tables\n');
  assert.is(code, 1);
  assert.match(stderr, /\n {2}\.tables\n {2}\^\n {2}next: \.tables stands inside a statement/);
  const explained = await run(['explain', '.tables']);
  assert.equal([explained.code, explained.stdout], [2, '']);
  assert.match(explained.stderr, /explain takes SQL, and '\.tables' is a command/);
});

test('.output writes a file whole, in the format of its suffix', async () => {
  const script =
    '.output a.csv\nSELECT 1 AS a;\n.output b.txt\n.mode json\nSELECT 2 AS b;\n.output none.csv\n';
  const { code, stdout, stderr } = await run([], `${script}SELECT nope;`);
  assert.equal([code, stdout], [1, '']);
  assert.is(readFileSync(join(folder, 'a.csv'), 'utf8'), 'a\n1\n');
  assert.is(readFileSync(join(folder, 'b.txt'), 'utf8'), '[\n  {"b":2}\n]\n');
  assert.not.ok(existsSync(join(folder, 'none.csv')));
  assert.match(stderr, /wrote a\.csv[\s\S]*wrote b\.txt[\s\S]*none\.csv is not written/);
});

test('--init runs first, and --readonly holds for -c', async () => {
  const first = await run(['--init', 'init.sql', '-c', "SELECT getvariable('who') AS who"]);
  assert.is(first.stdout, '{"who":"init"}\n');
  await run(['b.duckdb', '-c', 'CREATE TABLE t AS SELECT 1 AS a']);
  const refused = await run(['-readonly', 'b.duckdb', '-c', 'DROP TABLE t']);
  assert.is(refused.code, 1);
  assert.match(refused.stderr, /read-only mode/);
  const absent = await run(['-readonly', 'absent.duckdb', '-c', 'SELECT 1']);
  assert.equal([absent.code, existsSync(join(folder, 'absent.duckdb'))], [3, false]);
  assert.match((await run(['-readonly', '-c', 'SELECT 1'])).stderr, /only a database file can be/);
});

test.run();
