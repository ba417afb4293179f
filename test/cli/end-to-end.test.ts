import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rvbbitHere } from './here.ts';
import { makeFolder, removeFolder, rvbbit } from './spawn.ts';

const js = (id: string, code: string) =>
  `cascade_id: ${id}\ncells:\n  - { name: a, tool: js, inputs: { code: ${JSON.stringify(code)} } }\n`;

const folder = makeFolder({
  'twice.yaml': js('twice', 'return input.n * 2;'),
  'odd.yaml': js('odd', "if (input.n % 2) throw new Error('odd \\u001b[31m'); return 'even';"),
  'slow.yaml': js('slow', 'await new Promise((done) => setTimeout(done, 200)); return 1;'),
  'two.sql': 'CREATE TABLE t AS SELECT 1 AS a;\nSELECT a FROM t;\nSELECT a + 1 AS b FROM t;\n',
  'bad.sql': 'SELECT 1 AS a;\n\n  SELEC 2;\nSELECT 3 AS c;\n',
  'misprint.sql': "SELECT 1 AS a;\n\n  RVBBIT MAP PARALEL 5 'twice.yaml' USING (SELECT 1 AS n);\n",
});
const run = (args: readonly string[], more: Parameters<typeof rvbbitHere>[1] = {}) =>
  rvbbitHere(args, { cwd: folder, ...more });
/** The same on one thread: a start of a thread is most of what a MAP of few rows takes. */
const runMap = (args: readonly string[]) => run([...args, '--threads', '1']);
/** A process of its own. */
const start = (args: readonly string[], more: Parameters<typeof rvbbit>[1] = {}) =>
  rvbbit(args, { cwd: folder, ...more });
const map = (cascade: string, rows: number, parallel = 1) =>
  `RVBBIT MAP PARALLEL ${parallel} '${cascade}' USING (SELECT i AS n FROM range(${rows}) t(i))`;

test.after(() => removeFolder(folder));

test('rows go to stdout as a JSON object a line, and nothing else does', async () => {
  const { code, stdout, stderr } = await run(['-c', "SELECT 1 AS a, 'x' AS b, NULL AS c"]);
  assert.is(stdout, '{"a":1,"b":"x","c":null}\n');
  assert.is(stderr, '');
  assert.is(code, 0);
});

test('JSON has a DECIMAL as a number where a double holds it, nested ones too, and else as text', async () => {
  const select = `SELECT 19.99 AS price, -0.05 AS loss, 1.50::DECIMAL(38,10) AS half,
    12345678901234567.89::DECIMAL(38,2) AS long, 9007199254740993::DECIMAL(18,0) AS odd,
    [{'a': 0.1, 'b': '0.1'}] AS nested, 2.5::DECIMAL(3,1)::VARIANT AS v, '101'::BIT::VARIANT AS bits,
    NULL::DECIMAL AS gone`;
  const expected =
    '{"price":19.99,"loss":-0.05,"half":1.5,"long":"12345678901234567.89","odd":"9007199254740993","nested":[{"a":0.1,"b":"0.1"}],"v":2.5,"bits":"101","gone":null}';
  assert.is((await run(['-c', select])).stdout, `${expected}\n`);
  assert.is((await run(['-json', '-c', select])).stdout, `[\n  ${expected}\n]\n`);
  const { stdout } = await run(['-csv', '-c', 'SELECT 1.50 AS a, [1.50] AS b']);
  assert.is(stdout, 'a,b\n1.50,"[""1.50""]"\n', 'other formats keep the scale');
});

test('MAP keeps the order of its rows and accounts for them on stderr', async () => {
  const { code, stdout, stderr } = await runMap(['-c', map('twice.yaml', 50, 5)]);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { n: unknown; result: string });
  assert.equal(
    rows.map(({ n, result }) => `${n}→${result}`),
    Array.from({ length: 50 }, (_, n) => `${n}→${n * 2}`),
  );
  assert.match(stderr, /MAP twice\.yaml: 50 rows, 50 ok; 50 runs; /);
  assert.is(code, 0);
});

test("a statement's rows stand before its account", async () => {
  const both = join(folder, 'both.txt');
  await start(['-c', `${map('twice.yaml', 1)}; SELECT 2 AS a`], {
    stdoutTo: both,
    stderrToo: true,
  });
  assert.match(readFileSync(both, 'utf8'), /^\{"n":0.*\}\nrvbbit: MAP twice\.yaml.*\n\{"a":2\}\n$/);
});

test('failed rows are named with their code, and the exit code is 5', async () => {
  const { code, stdout, stderr } = await runMap(['-csv', '-c', map('odd.yaml', 4)]);
  assert.is(stdout, 'n,result\n0,even\n1,\n2,even\n3,\n');
  assert.match(stderr, '4 rows, 2 ok, 2 failed');
  assert.match(stderr, /row 2: RVB_CELL: .*odd \\x1b\[31m/);
  assert.is(code, 5);
});

test('-q leaves stderr to errors', async () => {
  const { code, stderr } = await runMap(['-q', '-c', map('odd.yaml', 4)]);
  assert.is(stderr, '');
  assert.is(code, 5);
});

test('--stats is a line of JSON a statement', async () => {
  const { stderr } = await runMap(['-q', '--stats', '-c', `SELECT 1; ${map('twice.yaml', 3)}`]);
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { statement: number; rows: { ok: number } });
  assert.equal(
    lines.map(({ statement }) => statement),
    [1, 2],
  );
  assert.is(lines[1]!.rows.ok, 3);
});

test('-c, -f and standard input run in the order given, in one session', async () => {
  const args = [
    '-c',
    'CREATE TABLE u AS SELECT 7 AS x',
    '-f',
    '-',
    '-c',
    'SELECT x + 1 AS y FROM u',
  ];
  const { stdout } = await run(args, { stdin: 'SELECT x FROM u' });
  assert.is(stdout, '{"x":7}\n{"y":8}\n');
});

test('standard input is the script where there is no other', async () => {
  assert.is((await run([], { stdin: 'SELECT 1 AS a;' })).stdout, '{"a":1}\n');
  assert.is((await run(['-'], { stdin: 'SELECT 2 AS a' })).stdout, '{"a":2}\n');
  assert.is((await run([], { stdin: ' -- nothing\n' })).code, 0);
});

test('parameters are bound to the statements that name them', async () => {
  const args = ['-c', 'SELECT $1 + 1 AS a; SELECT $n AS b', '--param', '1=41', '--param', 'n=x y'];
  assert.is((await run(args)).stdout, '{"a":42}\n{"b":"x y"}\n');
  assert.is((await run(['-c', 'SELECT 1', '--param', 'n=1'])).code, 2);
});

test('formats of one result set refuse two before anything runs, and --last picks the last', async () => {
  const refused = await run(['-f', 'two.sql', '--format', 'csv']);
  assert.is(refused.code, 2);
  assert.is(refused.stdout, '');
  assert.match(refused.stderr, '--last');
  assert.is((await run(['-f', 'two.sql', '--format', 'csv', '--last'])).stdout, 'b\n2\n');
});

test('a failing statement ends the script, and --keep-going goes on', async () => {
  const stopped = await run(['-f', 'bad.sql']);
  assert.is(stopped.stdout, '{"a":1}\n');
  assert.match(stopped.stderr, 'rvbbit: RVB_SQL: ');
  assert.match(stopped.stderr, 'at bad.sql:3:3');
  assert.match(stopped.stderr, '1 more statement was not run');
  assert.is(stopped.code, 1);
  const kept = await run(['-f', 'bad.sql', '--keep-going']);
  assert.is(kept.stdout, '{"a":1}\n{"c":3}\n');
  assert.is(kept.code, 1);
});

test('a misprint in the dialect is found before anything runs, at its line in the file', async () => {
  const { code, stdout, stderr } = await run(['-f', 'misprint.sql']);
  assert.is(code, 1);
  assert.is(stdout, '');
  assert.match(stderr, /RVB_SYNTAX: line 3, column 14/);
  assert.match(stderr, 'at misprint.sql:3:14');
});

test('files that are not there and databases that are none exit with 3', async () => {
  assert.is((await run(['-f', 'nope.sql'])).code, 3);
  const { code, stderr } = await run(['two.sql.db', '--cascades', 'nowhere', '-c', 'SELECT 1']);
  assert.is(code, 3);
  assert.match(stderr, 'rvbbit: error: there is no folder nowhere');
  assert.is((await run(['./two.sql', '-c', 'SELECT 1'])).code, 2);
  assert.is((await run(['./twice.yaml/x.duckdb', '-c', 'SELECT 1'])).code, 3);
});

test('a database file keeps what a script made', async () => {
  await run(['kept.duckdb', '-c', 'CREATE TABLE k AS SELECT 5 AS five']);
  assert.is((await run(['kept.duckdb', '-c', 'SELECT * FROM k'])).stdout, '{"five":5}\n');
});

test('-o writes a whole file or none, in the format of its name', async () => {
  mkdirSync(join(folder, 'out'));
  await run(['-c', 'SELECT 1 AS a', '-o', 'out/a.csv']);
  assert.is(readFileSync(join(folder, 'out/a.csv'), 'utf8'), 'a\n1\n');
  symlinkSync('a.csv', join(folder, 'out/link.csv'));
  await run(['-c', 'SELECT 2 AS a', '-o', 'out/link.csv']);
  assert.is(readFileSync(join(folder, 'out/a.csv'), 'utf8'), 'a\n2\n');
  const failed = await run([
    '-c',
    "SELECT i, IF(i < 90000, i, error('boom')) FROM range(100000) t(i)",
    '-o',
    'out/b.csv',
  ]);
  assert.is(failed.code, 1);
  assert.match(failed.stderr, /^rvbbit: out\/b\.csv is not written$/m);
  assert.equal(readdirSync(join(folder, 'out')).sort(), ['a.csv', 'link.csv']);
});

test('Parquet is written by DuckDB, from a query and from a MAP', async () => {
  const annotated = `-- @ parallel: 3\n${map('twice.yaml', 5).replace('PARALLEL 1 ', '')}`;
  for (const sql of ['SELECT 1 AS n, 2 AS result', annotated]) {
    const { code, stderr } = await runMap(['-c', sql, '-o', "it's.parquet"]);
    assert.is(code, 0, stderr);
    const { stdout } = await run(['-csv', '-c', "SELECT * FROM 'it''s.parquet' LIMIT 1"]);
    assert.match(stdout, 'n,result\n');
  }
  assert.is((await run(['-c', 'SELECT 1', '--format', 'parquet'])).code, 2);
});

test('a large result streams, and a reader that goes away ends it quietly', async () => {
  const { code, stderr } = await start(['-c', 'SELECT i FROM range(20000000) t(i)'], {
    during: (child) => child.stdout?.once('data', () => child.stdout?.destroy()),
  });
  assert.is(stderr, '');
  assert.is(code, 0);
});

test('Ctrl-C stops the statement, tells what was done and exits with 130', async () => {
  const { code, stderr } = await start(['-c', map('slow.yaml', 200)], {
    during: (child) => child.stdout?.once('data', () => child.kill('SIGINT')),
  });
  assert.is(code, 130);
  assert.match(stderr, 'interrupted');
  assert.match(stderr, /MAP slow\.yaml: incomplete \(interrupted\), 200 rows, \d+ ok, \d+ not run/);
});

test('SIGTERM does the same, and plain SQL stops too', async () => {
  const long = 'SELECT sum(a.i * b.i) FROM range(10000000) a(i), range(100000) b(i)';
  const { code, stdout } = await start(['-c', `SELECT 1 AS a; ${long}`], {
    during: (child) =>
      child.stdout?.once('data', () => void sleep(200).then(() => child.kill('SIGTERM'))),
  });
  assert.is(stdout, '{"a":1}\n');
  assert.is(code, 130);
});

test('run prints the value as JSON, or the outputs by cell', async () => {
  const { code, stdout } = await run(['run', 'twice.yaml', '--input', '{"n":21}']);
  assert.is(stdout, '42\n');
  assert.is(code, 0);
  const outputs = await run(['run', 'twice.yaml', '--input', '-', '--outputs'], {
    stdin: '{"n":1}',
  });
  assert.equal(JSON.parse(outputs.stdout), { a: 2 });
});

test('run exits with 1 and the code of the failure', async () => {
  const { code, stdout, stderr } = await run([
    'run',
    join(folder, 'odd.yaml'),
    '--input',
    '{"n":1}',
  ]);
  assert.is(code, 1);
  assert.is(stdout, '');
  assert.match(stderr, 'RVB_CELL');
  assert.is((await run(['run', 'twice.yaml', '--input', 'nope'])).code, 2);
  assert.is((await run(['run', 'nope.yaml'])).code, 1);
});

test('explain says what a MAP would do', async () => {
  const { stdout } = await run(['explain', map('twice.yaml', 9, 3)]);
  assert.match(stdout, /^MAP twice\.yaml\n {2}rows +9 /);
  const json = await run(['explain', '--format', 'json', '-c', map('twice.yaml', 9, 3)]);
  assert.is((JSON.parse(json.stdout) as { rows: number }).rows, 9);
  const tree = await run(['explain', '--format', 'tree', map('twice.yaml', 9, 3)]);
  assert.match(tree.stdout, /^MAP twice\.yaml\n[\s\S]*9 runs, 3 at a time/);
  assert.is((await run(['explain'])).code, 2);
});

test('explain runs what EXPLAIN ANALYZE stands before, and its exit code is that of the statement', async () => {
  const failing = await runMap(['explain', `EXPLAIN ANALYZE ${map('odd.yaml', 4)}`]);
  assert.match(failing.stdout, /runs +4 +4 +0 %/);
  assert.match(failing.stdout, /ended +complete, 2 failed/);
  assert.is(failing.code, 5);
  const semantic = await run(['explain', "SELECT 'a chair' MEANS 'wooden'"]);
  assert.match(semantic.stderr, 'RVB_NO_MODEL');
  assert.is(semantic.code, 1);
});

test('init makes a folder whose three commands work, and overwrites nothing', async () => {
  const made = await start(['init', 'start here']);
  assert.is(made.stdout, "cd 'start here' && rvbbit -f query.sql\n");
  const cwd = join(folder, 'start here');
  assert.ok(existsSync(join(cwd, 'README.md')));
  const ran = await start(['-f', 'query.sql'], { cwd });
  assert.is(ran.code, 0, ran.stderr);
  assert.is(ran.stdout.trim().split('\n').length, 24);
  assert.match(ran.stdout, '"topic":"sound"');
  assert.match(ran.stderr, 'answers come from word overlap (lexical), not from a model');
  assert.is((await start(['test'], { cwd })).code, 0);
  const one = await start(['run', 'cascades/price_band.yaml', '--input', '{"price": 49.90}'], {
    cwd,
  });
  assert.is(one.stdout, '"standard"\n');
  assert.is((await run(['init', 'start here'])).code, 2);
  assert.is((await run(['init', 'start here', '--force'])).code, 0);
});

test('other commands work as processes, too', async () => {
  await run(['init', 'looked at']);
  const cwd = join(folder, 'looked at');
  await run(['-f', 'query.sql'], { cwd });
  for (const [words, said] of [
    [['explain', "SELECT 'a chair' MEANS 'wooden'"], /^ {2}calls +1$/m],
    [['--version'], /^rvbbit \d+\.\d+\.\d+\n$/],
    [['doctor'], /^ok +worker threads +a cascade ran/m],
    [['ops', 'show', 'MEANS'], /\ncascade_id: semantic_means\n/],
    [['journal', 'verify'], /"answers":[1-9]\d*,"torn_bytes":0,"problems":0\}$/m],
  ] as const) {
    const { code, stdout, stderr } = await start(words, { cwd });
    assert.is(code, 0, stderr);
    assert.match(stdout, said);
  }
});

test('help and version go to stdout, and a wrong option exits with 2', async () => {
  assert.match((await run(['--help'])).stdout, 'Usage: rvbbit ');
  assert.match((await run(['help', 'run'])).stdout, '--outputs');
  assert.match((await run(['--version'])).stdout, /^rvbbit \d+\.\d+\.\d+\n$/);
  const { code, stderr } = await run(['--formt', 'csv']);
  assert.is(code, 2);
  assert.match(stderr, '--format');
});

test('a table shows colours where they are forced and none where they are refused', async () => {
  const args = ['--format', 'table', '-c', 'SELECT NULL AS a'];
  assert.match((await run(args, { env: { FORCE_COLOR: '1' } })).stdout, '\u001b[2m');
  assert.not.match(
    (await run([...args, '--no-color'], { env: { FORCE_COLOR: '1' } })).stdout,
    '\u001b[',
  );
  assert.not.match((await run(args)).stdout, '\u001b[');
});

test('init writes through no symbolic link, also with --force', async () => {
  mkdirSync(join(folder, 'linked'));
  mkdirSync(join(folder, 'linked', 'examples'));
  const other = join(folder, 'other.txt');
  writeFileSync(other, 'mine');
  for (const [path, more] of [
    ['products.csv', []],
    ['cascades', []],
    ['examples/tables.sql', ['--examples']],
  ] as const) {
    const link = join(folder, 'linked', path);
    symlinkSync(path === 'cascades' ? folder : other, link);
    const { code, stderr } = await run(['init', 'linked', '--force', ...more]);
    assert.is(code, 2, stderr);
    assert.match(stderr, 'is a symbolic link');
    assert.is(readFileSync(other, 'utf8'), 'mine');
    rmSync(link);
  }
});

test('a COPY of a MAP that finds no space leaves no part of its file, and the old file as it was', async () => {
  writeFileSync(join(folder, 'old.csv'), 'old');
  const main = fileURLToPath(new URL('../../bundle/rvbbit.js', import.meta.url));
  for (const name of ['old.csv', 'new.csv']) {
    const rows = 'SELECT i AS n, repeat(md5(i::VARCHAR), 20) AS pad FROM range(900) t(i)';
    const sql = `COPY (FROM (RVBBIT MAP 'twice.yaml' AS v USING (${rows}))) TO '${name}'`;
    // No file may become longer than 100 KiB, which a process finds out as it does of a full disk.
    const limited = `trap '' XFSZ; ulimit -f 100; exec "$0" "$@"`;
    const ended = spawnSync(
      'bash',
      ['-c', limited, process.execPath, main, '--no-state', '-c', sql],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    );
    assert.match(ended.stderr, 'Could not write file');
  }
  const left = readdirSync(folder).filter((name) => name.endsWith('.csv'));
  assert.equal(left, ['old.csv']);
  assert.is(readFileSync(join(folder, 'old.csv'), 'utf8'), 'old');
});

test.run();
