/** The shell on a terminal: statements, commands, Ctrl-C, history, completion and the pager. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawnSimulator } from '../../../src/sim/spawn.ts';
import { makeFolder, removeFolder } from '../spawn.ts';
import { Terminal } from './terminal.ts';

const SLOW = `cascade_id: slow
inputs_schema: { word: a word }
cells:
  - name: a
    instructions: "say {{ input.word }}"
`;
const DOUBLE = `cascade_id: double
description: Twice the number.
inputs_schema: { number: a number }
cells:
  - name: a
    tool: js
    inputs: { code: "return input.number * 2" }
`;
const MAP =
  "RVBBIT MAP PARALLEL 4 'slow.yaml' AS v USING (SELECT 'w' || i AS word FROM range(100) t(i));";

test('statements of several lines, mistakes, and commands in both spellings', async () => {
  const folder = makeFolder({
    'double.yaml': DOUBLE,
    'two.sql': "SELECT 'first' AS a;\n.tables\nSELECT 'second' AS b;\n",
    'again.sql': '.read again.sql\n',
  });
  try {
    await using terminal = new Terminal(['shop.duckdb'], { cwd: folder });
    const banner = await terminal.until(/rvbbit> /);
    assert.match(banner, /rvbbit \d+\.\d+\.\d+.*, DuckDB v1\..*, shop\.duckdb/);

    terminal.type("SELECT 'a;\r");
    await terminal.until(/'> /);
    terminal.type("b' AS x, (1 -- ;\r");
    await terminal.until(/\(> /);
    terminal.type('+ 2) AS y\r');
    await terminal.until(/-> /);
    assert.match(await terminal.run(';'), /│ a;\\nb {3}│ {7}3 │/);

    terminal.type('SELECT 1 AS one\r');
    await terminal.until(/-> /);
    assert.match(
      await terminal.run('.tables\r;'),
      /\.tables is a part of the statement[\s\S]*\n {2}\^/,
    );

    assert.match(
      await terminal.run('SELCT 1;'),
      /RVB_SQL.*\nDid you mean SELECT\?\n.*\n {2}SELCT 1\n {2}\^/,
    );
    assert.match(await terminal.run("RVBBIT MAP PARALEL 2 'x' USING (SELECT 1);"), / {11}\^{7}/);
    assert.match(
      await terminal.run('SELECT 1 AS a; SELECT 2 AS b;'),
      /a[\s\S]*1 row[\s\S]*b[\s\S]*1 row/,
    );

    assert.match(await terminal.run('.tables'), /there are no tables/);
    await terminal.run(
      'CREATE TABLE goods (id INTEGER, name VARCHAR); INSERT INTO goods VALUES (1, NULL);',
    );
    assert.match(await terminal.run('\\dt'), /goods +│ table/);
    assert.match(await terminal.run('\\d goods'), /name +│ VARCHAR/);
    assert.match(await terminal.run('.tables g%'), /goods/);
    assert.match(
      await terminal.run('.schema goods;'),
      /CREATE TABLE goods\(id INTEGER, "?name"? VARCHAR\);/,
    );
    assert.match(await terminal.run('\\d absent'), /absent does not exist/);
    assert.match(await terminal.run('.tabels'), /did you mean \.tables\?/);
    assert.match(await terminal.run('.cascades'), /double\.yaml │ number +│ Twice the number/);
    assert.match(await terminal.run('.operators MEANS'), /text MEANS criterion/);
    assert.match(await terminal.run('help'), /\.tables \[NAME\]/);
    assert.match(await terminal.run('.help'), /\.tables \[NAME\] +\\dt[\s\S]*Ctrl-D/);

    assert.match(await terminal.run('.read absent.sql'), /cannot read absent\.sql: no such file/);
    assert.match(await terminal.run('.read two.sql'), /first[\s\S]*goods[\s\S]*second/);
    assert.match(await terminal.run('\\i again.sql'), /16 files read each other/);

    await terminal.run("RVBBIT MAP 'double.yaml' AS twice USING (SELECT 21 AS number);");
    assert.match(await terminal.run('.explain'), /MAP double\.yaml|double\.yaml/);
    assert.match(await terminal.run('.cost statement'), /calls/);
    assert.match(await terminal.run('.cost nothing'), /\.cost takes model, /);

    assert.match(await terminal.run('.timer on'), /the timer is on/);
    assert.match(await terminal.run('SELECT 1 AS a;'), /time: \d+\.\d ms/);
    assert.match(await terminal.run('\\timing'), /the timer is off/);
    await terminal.run('\\x');
    assert.match(await terminal.run('FROM goods;'), /^ {2}id = 1\r?\nname = NULL/m);
    await terminal.run('.mode csv');
    assert.match(await terminal.run('SELECT 1 AS a; SELECT 2 AS b;'), /^a\n1\nb\n2/m);
    assert.match(await terminal.run('.mode parquet'), /COPY \(SELECT/);
    assert.match(await terminal.run('.mode'), /the mode is csv/);
    await terminal.run('.mode duckbox');

    assert.match(await terminal.run('.output goods.csv'), /results go to goods\.csv as csv/);
    assert.not.match(await terminal.run('FROM goods;'), /│/);
    assert.match(await terminal.run('FROM goods;'), /csv takes one result set/);
    assert.match(await terminal.run('.output'), /wrote goods\.csv/);
    assert.is(readFileSync(join(folder, 'goods.csv'), 'utf8'), 'id,name\n1,\n');
    assert.match(await terminal.run('FROM goods;'), /│ +1 │ NULL/);

    assert.match(await terminal.run('.open other.duckdb'), /opened other\.duckdb, a new file/);
    assert.match(await terminal.run('.tables'), /there are no tables/);
    assert.match(await terminal.run('.open absent/other.duckdb'), /folder does not exist/);
    await terminal.run('.open -readonly shop.duckdb');
    assert.match(await terminal.run('DROP TABLE goods;'), /read-only mode/);
    assert.match(await terminal.run('FROM goods;'), /1 row/);
    assert.is(await terminal.end(), 0);
  } finally {
    removeFolder(folder);
  }
});

test('Ctrl-C ends a MAP within a second, and the shell goes on; first rows come before the end', async () => {
  await using server = await spawnSimulator({ latency: { kind: 'constant', ms: 1000 } });
  const folder = makeFolder({ 'slow.yaml': SLOW });
  try {
    const env = { OPENAI_BASE_URL: server.url, RVBBIT_MODEL: 'openai/test' };
    await using terminal = new Terminal(['-s'], { cwd: folder, env });
    await terminal.until(/rvbbit> /);
    terminal.type(`${MAP}\r`);
    await terminal.until(/w3 +│ say w3/);
    await terminal.until(/\d+\/100 rows/);
    const started = performance.now();
    terminal.interrupt();
    const end = await terminal.until(/rvbbit> /);
    const tookMs = performance.now() - started;
    assert.ok(tookMs < 1_000, `it took ${tookMs} ms`);
    assert.match(end, /stopping the statement[\s\S]*└[\s\S]*incomplete \(\w+\), 100 rows/);
    assert.match(await terminal.run('SELECT 42 AS alive;'), /42/);
    assert.is(await terminal.end(), 0);
  } finally {
    removeFolder(folder);
  }
});

test('Ctrl-C drops what is typed, and at an empty prompt ends the shell the second time', async () => {
  const folder = makeFolder({});
  try {
    await using terminal = new Terminal(['-s'], { cwd: folder });
    await terminal.until(/rvbbit> /);
    terminal.type('SELECT (\r');
    await terminal.until(/\(> /);
    terminal.type("'never run\x03");
    await terminal.until(/\^C[\s\S]*rvbbit> /);
    assert.match(await terminal.run('SELECT 7 AS seven;'), /seven/);
    terminal.type('\x03');
    await terminal.until(/Ctrl-C again ends the shell[\s\S]*rvbbit> /);
    terminal.type('\x03');
    assert.is(await terminal.exitCode, 0);
  } finally {
    removeFolder(folder);
  }
});

test('the history holds whole statements and is kept across sessions, for its owner alone', async () => {
  const folder = makeFolder({});
  try {
    const env: Record<string, string> = {
      XDG_STATE_HOME: folder,
      RVBBIT_HISTORY: join(folder, 'state', 'mine'),
    };
    {
      await using first = new Terminal(['-s'], { cwd: folder, env });
      await first.until(/rvbbit> /);
      first.type('SELECT 11\r');
      await first.until(/-> /);
      await first.run('AS eleven;');
      await first.run(' SELECT 13 AS not_kept;');
      assert.is(await first.end(), 0);
    }
    const file = join(folder, 'state', 'mine');
    assert.is(readFileSync(file, 'utf8'), '"SELECT 11\\nAS eleven;"\n');
    assert.is(statSync(file).mode & 0o777, 0o600);
    await using second = new Terminal(['-s'], { cwd: folder, env });
    await second.until(/rvbbit> /);
    second.type('\x1b[A');
    await second.until(/AS eleven;/);
    assert.match(await second.run(''), /│ +11 │/);
    assert.is(await second.end(), 0);
    assert.not.ok(existsSync(join(folder, 'rvbbit')), 'RVBBIT_HISTORY moves the file');
  } finally {
    removeFolder(folder);
  }
});

test('Tab completes commands, cascades, the dialect, and the tables and columns of DuckDB', async () => {
  const folder = makeFolder({ 'cascades/double.yaml': DOUBLE, 'report.sql': 'SELECT 1' });
  try {
    await using terminal = new Terminal(['-s', '-c', 'SELECT 1'], { cwd: folder });
    assert.is(await terminal.exitCode, 0, '-c opens no shell');
    await using shell = new Terminal(['-s'], { cwd: folder });
    await shell.until(/rvbbit> /);
    await shell.run('CREATE TABLE merchandise (merchandise_id INTEGER);');
    const completes = async (typed: string, completed: RegExp) => {
      shell.type(`${typed}\t`);
      await shell.until(completed);
      shell.type('\x15');
    };
    await completes('.tim', /\.timer/);
    await completes('.read rep', /report\.sql/);
    await completes('.schema mer', /merchandise/);
    await completes('.mode mark', /markdown/);
    await completes('RVBBIT MAP PARA', /PARALLEL/);
    await completes("RVBBIT MAP 'casc", /cascades\/double\.yaml/);
    await completes("RVBBIT MAP 'x' USING (SELECT merchandise_i", /merchandise_id/);
    await completes('SELECT 1 FROM merch', /merchandise/);
    await completes('sel', /select/);
    assert.is(await shell.end(), 0);
  } finally {
    removeFolder(folder);
  }
});

test('a result that does not fit goes to the pager with every row and column, and .pager off cuts it', async () => {
  const folder = makeFolder({});
  try {
    const env = { PAGER: 'cat > paged.txt' };
    await using terminal = new Terminal(['-s'], { cwd: folder, env, columns: 40, rows: 20 });
    await terminal.until(/rvbbit> /);
    const wide = "SELECT repeat('x', 100) AS a, i FROM range(3) t(i);";
    assert.not.match(await terminal.run(wide), /│/);
    assert.match(readFileSync(join(folder, 'paged.txt'), 'utf8'), /│ x{100} │ +0 │/);
    assert.not.match(await terminal.run('FROM range(100);'), /│/);
    const lines = readFileSync(join(folder, 'paged.txt'), 'utf8').split('\n');
    assert.is(lines.filter((line) => /│ +\d+ │/.test(line)).length, 100);
    assert.match(await terminal.run('SELECT 1 AS fits;'), /│ +fits +│/, 'what fits is printed');
    await terminal.run('.pager off');
    const cut = await terminal.run(wide);
    assert.match(cut, /x+…/);
    for (const line of cut.split(/\r?\n/)) assert.ok(line.length <= 40, line);
    assert.match(await terminal.run('FROM range(100);'), /100 rows \(40 shown\)/);
    await terminal.run('.all on');
    assert.match(await terminal.run('FROM range(100);'), / 50 │[\s\S]*100 rows\s*$/);
    assert.is(await terminal.end(), 0);
  } finally {
    removeFolder(folder);
  }
});

test('values that could drive the terminal are shown as escapes in every mode of the shell', async () => {
  const folder = makeFolder({});
  try {
    await using terminal = new Terminal(['-s'], { cwd: folder, env: { PAGER: 'absent-pager' } });
    await terminal.until(/rvbbit> /);
    const hostile = `SELECT chr(27) || ']0;owned' || chr(7) AS "a", chr(155) || '2J' AS b, chr(8238) AS c;`;
    for (const mode of ['table', 'line', 'markdown', 'jsonl']) {
      await terminal.run(`.mode ${mode}`);
      const before = terminal.raw.length;
      await terminal.run(hostile);
      const written = terminal.raw.slice(before);
      assert.match(written, /0;owned/);
      assert.not.match(written, /\x1b\]|\x07|\x9b|\u009b/, mode);
    }
    assert.is(await terminal.end(), 0);
  } finally {
    removeFolder(folder);
  }
});

test('--init runs before the shell, -readonly refuses changes, and a pasted text runs in order', async () => {
  const folder = makeFolder({ 'init.sql': ".timer on\nSELECT 'from init' AS a;" });
  try {
    {
      await using maker = new Terminal(['-s', 'shop.duckdb'], { cwd: folder });
      await maker.until(/rvbbit> /);
      maker.type(
        'CREATE TABLE t (a INTEGER);\nINSERT INTO t VALUES (1);\nSELECT count(*) AS n FROM t;\n',
      );
      await maker.until(/│ +1 │[\s\S]*1 row[\s\S]*rvbbit> /);
      maker.type('.quit\r');
      assert.is(await maker.exitCode, 0);
    }
    await using terminal = new Terminal(['-readonly', '-init', 'init.sql', 'shop.duckdb'], {
      cwd: folder,
    });
    const start = await terminal.until(/rvbbit> /);
    assert.match(start, /shop\.duckdb, read-only[\s\S]*from init[\s\S]*time: /);
    assert.match(await terminal.run('INSERT INTO t VALUES (2);'), /read-only mode/);
    assert.match(await terminal.run('CREATE TEMP TABLE own AS SELECT 3 AS b; FROM own;'), /│ +3 │/);
    assert.is(await terminal.end(), 0);
    await using absent = new Terminal(['-init', 'absent.sql'], { cwd: folder });
    assert.is(await absent.exitCode, 3);
  } finally {
    removeFolder(folder);
  }
});

test.run();
