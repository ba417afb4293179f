/** `-o`: a statement that fails leaves the file as it stands. The commands run in this process. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rvbbitHere } from './here.ts';
import { ASK, openServer } from './resume-support.ts';
import { makeFolder, removeFolder } from './spawn.ts';

const server = await openServer(test);
const folder = makeFolder({
  'ask.yaml': ASK,
  'all.yaml': ASK.replace('input.n', 'input.row_count'),
  'rvbbit.config.yaml': `model: sim/test-model
providers: { sim: { type: openai-compatible, base_url: "${server.url}" } }
`,
});
const home = process.cwd();
process.chdir(folder);

test.after(async () => {
  process.chdir(home);
  removeFolder(folder);
});

const OLD = 'what stands there';
const MAP = "RVBBIT MAP 'ask.yaml' AS v USING (SELECT i AS n FROM range(4) r(i))";
const RUN = "RVBBIT RUN 'all.yaml' USING (SELECT 1 AS n)";
const SEMANTIC = "SELECT 'wood' MEANS 'wood' AS m";

/** Runs the command line over a file that stands there already. */
async function rvbbit(file: string, args: readonly string[]) {
  writeFileSync(file, OLD);
  const ended = await rvbbitHere(['--no-state', '--threads', '1', ...args, '-o', file]);
  return { ...ended, content: readFileSync(file, 'utf8') };
}

test('with a wrong key the file of -o stands byte for byte', async () => {
  server.script({ rules: [{ status: 401 }] });
  for (const [file, sql, more] of [
    ['out.csv', MAP, []],
    ['out.parquet', MAP, []],
    ['out.json', RUN, []],
    ['out.parquet', SEMANTIC, []],
    ['out.csv', `-- @ on_error: null\n${SEMANTIC}`, []],
    ['out.jsonl', MAP, ['--keep-going']],
  ] as const) {
    const { code, stderr, content } = await rvbbit(file, ['-c', sql, ...more]);
    const what = `${file}: ${sql}\n${stderr}`;
    assert.is(code, 1, what);
    assert.is(content, OLD, what);
    assert.match(stderr, `nothing was written to ${file}`, what);
    assert.match(stderr, '401', what);
  }
  assert.equal(
    readdirSync('.').filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('where a statement fails after rows were written the file stands, too, in every format', async () => {
  const late = "SELECT i, IF(i < 9000, i, error('boom')) AS v FROM range(10000) t(i)";
  for (const [file, ...more] of [
    ['out.csv'],
    ['out.tsv'],
    ['out.json'],
    ['out.jsonl'],
    ['out.md'],
    ['out.txt', '--format', 'table'],
    ['out.parquet'],
  ] as const) {
    const { code, stderr, content } = await rvbbit(file, ['-c', late, ...more]);
    assert.is(code, 1, file);
    assert.is(content, OLD, file);
    assert.match(stderr, 'boom', file);
  }
  assert.equal(
    readdirSync('.').filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('--keep-going writes what other statements gave', async () => {
  server.script({ rules: [{ status: 401 }] });
  const { code, content } = await rvbbit('out.jsonl', [
    ...['-c', MAP, '-c', 'SELECT 1 AS a'],
    '--keep-going',
  ]);
  assert.is(code, 1);
  assert.is(content, '{"a":1}\n');
});

test('a partial failure is written, told of and exits with 5', async () => {
  server.script({ rules: [{ when: { contains: 'Row 2' }, status: 400 }] });
  for (const file of ['out.csv', 'out.parquet']) {
    const { code, stderr, content } = await rvbbit(file, ['-c', MAP]);
    assert.is(code, 5, stderr);
    assert.match(stderr, `note: 1 of 4 rows of ${file} has NULL in v: its run failed`);
    assert.ok(content !== OLD);
  }
  // EXPLAIN writes a report, whose rows are no answers.
  server.script({ rules: [{ status: 401 }] });
  const report = await rvbbit('out.txt', ['-c', `EXPLAIN ANALYZE ${MAP}`]);
  assert.is(report.code, 5, report.stderr);
  assert.match(report.content, 'actual');
});

test.run();
