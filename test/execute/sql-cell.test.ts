/** The queries of `sql_data` cells on the engine's session. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';

const cascades = mkdtempSync(join(tmpdir(), 'rvbbit-sql-cell-'));
const engine = await Engine.open({ cascades, threads: 1 });
test.after(async () => {
  await engine.close();
  rmSync(cascades, { recursive: true });
});

/** A cascade of SQL cells `q1`, `q2`, …: a query each, or a query and the table that it makes. */
function write(file: string, cells: readonly (string | readonly [query: string, table: string])[]) {
  const list = cells.map((cell, index) => {
    const [query, table] = typeof cell === 'string' ? [cell] : cell;
    const makes = table === undefined ? {} : { materialize: table };
    return { name: `q${index + 1}`, tool: 'sql_data', inputs: { query }, ...makes };
  });
  writeFileSync(join(cascades, file), JSON.stringify({ cells: list }));
}

test('a table that a cell makes is there for the cells after it, as often as it is made anew', async () => {
  await engine.query('CREATE TABLE made AS SELECT 0 AS v');
  const count = 'SELECT sum(v)::INTEGER AS s, count(*) AS c FROM made';
  write('made.yaml', [
    count,
    ['SELECT range AS v FROM range({{ input.n }})', 'made'],
    count,
    ['SELECT v + 1 AS v FROM made UNION ALL SELECT 100', 'made'],
    count,
    'SELECT [{{ outputs.q1.rows[0].s }}, {{ outputs.q3.rows[0].s }}, {{ outputs.q5.rows[0].s }}, {{ outputs.q5.rows[0].c }}] AS sums',
  ]);
  const { rows } = await engine.query(
    `RVBBIT MAP 'made.yaml' AS v USING (SELECT range + 3 AS n FROM range(3))`,
  );
  const sums = rows.map(({ v }) => JSON.parse(v as string).rows[0].sums);
  // The first row finds the table of the database, the others the temporary one that the row before has left.
  assert.equal(sums, [
    [0, 3, 106, 4],
    [106, 6, 110, 5],
    [110, 10, 115, 6],
  ]);
  assert.is((await engine.query('FROM made')).rowCount, 6);
  assert.is((await engine.query('FROM memory.main.made')).rowCount, 1);
});

test('a cell hands on 10,000 rows and fails with one more, by a message that says what to do', async () => {
  write('many.yaml', ['FROM range({{ input.n }})']);
  const whole = await engine.runCascade('many.yaml', { n: 10_000 });
  assert.is(whole.outcome.kind, 'ok');
  const { outcome } = await engine.runCascade('many.yaml', { n: 10_001 });
  assert.is(outcome.kind === 'failed' && outcome.error.code, 'RVB_LIMIT');
  assert.match(
    outcome.kind === 'failed' ? outcome.error.message : '',
    'gives 10001 rows; a cell hands on at most 10000. Add a LIMIT',
  );
});

test.run();
