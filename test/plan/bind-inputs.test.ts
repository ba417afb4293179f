import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, RvbbitError } from '../../src/index.ts';
import { checkCascade } from '../../src/testing.ts';

const root = mkdtempSync(join(tmpdir(), 'rvbbit-bind-'));
const write = (name: string, text: string): void => writeFileSync(join(root, name), text);
let engine: Engine;

test.before(async () => {
  mkdirSync(join(root, 'sub'));
  write(
    'brand.yaml',
    `cascade_id: brand
cells:
  - name: upper
    tool: sql_data
    inputs: { query: "SELECT upper({{ input.nmae }}) AS u" }
output: outputs.upper.rows[0].u
test_cases: [{ input: { name: a }, expect: A }]
`,
  );
  write(
    'optional.yaml',
    `cells: [{ name: a, tool: js, inputs: { code: return 1 } }]
output: "input.note | default('none')"`,
  );
  write('whole.yaml', 'cells: [{ name: a, tool: brand }]');
  write(
    'count.yaml',
    'cells: [{ name: a, tool: sql_data, inputs: { query: "SELECT {{ input.row_cuont }}" } }]',
  );
  write('sub/twice.yml', 'cells: [{ name: a, tool: js, inputs: { code: return input.n * 2 } }]');
  engine = await Engine.open({ cascades: root, threads: 1 });
});

test.after(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

async function messageOf(work: Promise<unknown>): Promise<string> {
  const error = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof RvbbitError)) throw new Error(`not refused: ${error}`);
  assert.is(error.code, 'RVB_CASCADE_INVALID');
  return error.message;
}

const UNKNOWN = "cascade 'brand.yaml' has 1 problem:\nbrand.yaml:5:45 unknown name input.nmae; ";

test('a column that a template reads and the query lacks is an error of the bind, with a suggestion', async () => {
  const query = "(SELECT 'a' AS name, 1 AS price)";
  const columns = 'the query has the columns name, price; did you mean input.name?';
  for (const before of ['', 'EXPLAIN ', 'CREATE TABLE t AS ']) {
    const sql = `${before}RVBBIT MAP 'brand.yaml' AS b USING ${query}`;
    assert.is(await messageOf(engine.query(sql)), UNKNOWN + columns);
  }
  const nested = await messageOf(engine.query(`RVBBIT MAP 'whole' AS b USING ${query}`));
  assert.match(nested, `brand.yaml:5:45 unknown name input.nmae; ${columns}`);
});

test('a column that default makes optional may be missing', async () => {
  const { rows } = await engine.query("RVBBIT MAP 'optional' AS r USING (SELECT 1 AS x)");
  assert.equal(rows, [{ x: 1, r: 'none' }]);
});

test('a RUN reads what a RUN gives', async () => {
  assert.match(
    await messageOf(engine.query("RVBBIT RUN 'count.yaml' USING (SELECT 1 AS row_cuont)")),
    'input.row_cuont; a RUN gives data_table, row_count, columns; did you mean input.row_count?',
  );
});

test('a single run and a test case say the same', async () => {
  const input = 'the input has name; did you mean input.name?';
  assert.is(await messageOf(engine.runCascade('brand', { name: 'a' })), UNKNOWN + input);
  for await (const { outcome } of checkCascade(engine, 'brand.yaml')) {
    assert.is(outcome.kind === 'failed' && outcome.error.message, UNKNOWN + input);
  }
});

test('a statement names a cascade without its suffix', async () => {
  const { rows } = await engine.query("RVBBIT MAP 'sub/twice' AS r USING (SELECT 4 AS n)");
  assert.equal(
    rows.map(({ r }) => r),
    ['8'],
  );
  const {
    rows: [row],
  } = await engine.query("RVBBIT RUN 'optional' USING (SELECT 1 AS n)");
  assert.match(JSON.stringify(row), 'success');
});

test.run();
