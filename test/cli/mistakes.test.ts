/** Command lines and folders as people get them wrong: each is told in plain words, by a code that says whose fault it was. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rvbbitHere } from './here.ts';
import { makeFolder, removeFolder } from './spawn.ts';

const ONE = `cascade_id: one\ncells:\n  - { name: a, tool: js, inputs: { code: 'return 1;' } }\n`;
const folder = makeFolder({
  'one.yaml': ONE,
  'ask.yaml': 'cascade_id: ask\ncells:\n  - { name: a, instructions: "Say x" }\n',
  'query.sql': 'SELECT 1 AS a;\n',
  'state-is-a-file/.rvbbit': '',
  'windows/.env': '\ufeffRVBBIT_MODEL=lexical\r\nOTHER=1\r\n',
  'windows/one.yaml': `\ufeff${ONE.replaceAll('\n', '\r\n')}`,
  'windows/row.txt': 'one row of text\n',
  'windows/row.json': '\ufeff{"n":1}\r\n',
  'windows/ask.sql':
    "\ufeff-- first\r\nRVBBIT MAP 'one.yaml' AS v\r\nUSING (SELECT 1 AS n);\r\nSELECT 2 AS b;\r\n",
  'late.sql': 'SELECT 1;\n\n SELECT 2;   SELECT\n nope;\n',
  'later.sql': 'SELECT 1;\n\n SELECT 2;   SELECT nope;\n',
  'late-map.sql': "SELECT 1;\n SELECT * FROM (RVBBIT MAP 'one.yaml' USING (SELECT nope));\n",
  'late-row.sql':
    "SELECT 1;\n SELECT * FROM (RVBBIT MAP 'one.yaml' USING (SELECT 'x'::INT AS n));\n",
  'late-means.sql': "SELECT 1;\n SELECT 'a' MEANS 5;\n",
  'env-is-a-folder/.env/x': '',
  'config-is-misspelt/rvbbit.config.yaml': 'modle: lexical\n',
  'config-is-broken/rvbbit.config.yaml': 'model: [\n',
  'config-is-broken/one.yaml': ONE,
  'config-is-broken/map.sql': "SELECT 1;\n\nRVBBIT MAP 'one.yaml' AS v USING (SELECT 1 AS n);\n",
});

test.after(() => removeFolder(folder));

/** The arguments, the exit code, what stderr says, and the folder that it is run in. */
const MISTAKES: readonly [args: string[], code: number, said: string | RegExp, cwd?: string][] = [
  [['-f', 'nope.sql'], 3, 'rvbbit: error: cannot read nope.sql: no such file or directory\n'],
  [['-f', '.'], 3, 'rvbbit: error: cannot read .: it is a folder\n'],
  [['one.yaml/x.duckdb', '-c', 'SELECT 1'], 3, /^rvbbit: error: cannot open the database .*\n$/],
  [
    ['nope.csv', '-c', 'SELECT 1'],
    3,
    /there is no file nope\.csv\n {2}next: .* -c "FROM 'nope\.csv'"/,
  ],
  [['windows', '-c', 'SELECT 1'], 3, /it is a folder\n {2}next: .* windows\/shop\.duckdb/],
  [['windows/row.txt', '-c', 'SELECT 1'], 3, /not a DuckDB database\n {2}next: .*read_text/],
  [['-f', 'one.yaml'], 2, 'did you mean rvbbit run one.yaml?'],
  [['-f', 'query.sql', '-o', './query.sql'], 2, 'would replace the file query.sql, which is read'],
  [
    ['-c', 'SELECT 1', '--state-dir', 'query.sql/x'],
    3,
    '--state-dir query.sql/x: query.sql is a file',
  ],
  [['new.duckdb', '-c', "RVBBIT MPA 'one' USING (SELECT 1)"], 1, 'Expected MAP, RUN'],
  [['nope/x.duckdb', '-c', 'SELECT 1'], 3, /x\.duckdb: its folder does not exist; create .*\n$/],
  [
    ['-c', 'SELECT 1', '-o', 'nope/x.csv'],
    3,
    'cannot write nope/x.csv: no such file or directory\n',
  ],
  [['-c', 'SELECT 1', '-o', 'nope/x.parquet'], 3, 'nope/x.parquet: no such file or directory\n'],
  [['-c', 'SELECT 1', '-o', '.'], 3, 'cannot write .: it is a folder\n'],
  [['-c', 'SELECT 1', '-o', ''], 2, 'usage: -o takes the name of a file\n'],
  [
    ['explain', 'query.sql'],
    2,
    "'query.sql' stands where the SQL goes\n  next: did you mean -f query.sql?",
  ],
  [
    ['-c', 'SELECT 1', '--threads', '99'],
    2,
    'usage: --threads takes a whole number from 1 to 64, not 99\n',
  ],
  [['-c', 'SELECT 1', '--state-dir', ''], 2, 'usage: --state-dir takes a folder path'],
  [['test', 'nope.yaml'], 1, 'RVB_CASCADE_NOT_FOUND'],
  [['run', 'one.yaml', '--input', '@nope.json'], 3, 'cannot read nope.json: no such file'],
  [['init', 'query.sql'], 3, 'cannot write to query.sql: not a directory\n'],
  [['run', 'ask.yaml'], 1, /RVB_NO_MODEL: .*Ways to get one:[\s\S]*see docs\/models\.md\n$/],
  [
    ['--no-state', '-f', 'map.sql'],
    2,
    /has 1 problem:\nrvbbit\.config\.yaml:2:1 .*\n +at map\.sql:3:1\n$/,
    'config-is-broken',
  ],
  ...(
    [
      ['late.sql', '4:2'],
      ['later.sql', '3:21'],
      ['late-map.sql', '2:53'],
      ['late-row.sql', '2:56'],
      ['late-means.sql', '2:13'],
    ] as const
  ).map(([file, place]): [string[], number, RegExp] => [
    ['--no-state', '-f', file],
    1,
    new RegExp(` at ${file.replace('.', '\\.')}:${place}\\n`),
  ]),
  [['cache', 'list'], 3, 'there is no journal in .rvbbit\n', 'state-is-a-file'],
  [['resume', '--list'], 3, 'there is no journal in .rvbbit\n', 'state-is-a-file'],
  [['-c', 'SELECT 1'], 3, 'rvbbit: error: cannot read .env: it is a folder\n', 'env-is-a-folder'],
];

for (const [args, code, said, cwd = '.'] of MISTAKES) {
  test(`${args.join(' ')} in ${cwd}`, async () => {
    const before = readdirSync(folder);
    const ended = await rvbbitHere(args, { cwd: join(folder, cwd) });
    assert.match(ended.stderr, said);
    assert.not.match(ended.stderr, /\bE(?:NOENT|ISDIR|NOTDIR)\b/);
    assert.is(ended.code, code, ended.stderr);
    assert.equal(readdirSync(folder), before, 'nothing is left behind');
  });
}

test('files as Windows writes them are read: with a byte order mark, and CR before the line end', async () => {
  const cwd = join(folder, 'windows');
  const ran = await rvbbitHere(['-f', 'ask.sql', 'run.duckdb'], { cwd });
  assert.is(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, /^\{"n":1,"v":"1"\}\n\{"b":2\}\n$/);
  assert.match((await rvbbitHere(['doctor'], { cwd })).stdout, /1\/1 valid/);
  assert.match((await rvbbitHere(['config', 'show'], { cwd })).stdout, /^model: lexical /);
  const input = ['run', 'one.yaml', '--input', '@row.json'];
  assert.is((await rvbbitHere(input, { cwd })).stdout, '1\n');
});

test('doctor names the configuration where that is what is broken', async () => {
  const cwd = join(folder, 'config-is-broken');
  const { code, stdout } = await rvbbitHere(['doctor'], { cwd });
  assert.match(stdout, /^ok +worker threads /m);
  assert.match(
    stdout,
    /^broken +configuration +the configuration has 1 problem:\n +rvbbit\.config\.yaml:2:1/m,
  );
  assert.is(code, 1);
  const misspelt = { cwd: join(folder, 'config-is-misspelt') };
  const said = /rvbbit\.config\.yaml:\d:1 unknown key modle; did you mean model\?/;
  assert.match((await rvbbitHere(['doctor'], misspelt)).stdout, said);
  assert.match((await rvbbitHere(['config', 'show'], misspelt)).stderr, said);
});

test.run();
