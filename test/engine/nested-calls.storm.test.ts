/** Generated queries with MAPs and RUNs in brackets: the same as over tables that were made of them first. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type RvbbitError } from '../../src/index.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';
import { cases, mulberry, reportCases, seed } from '../support/cases.ts';

const cascades = makeFolder({
  'twice.yaml': 'cells: [{ name: a, tool: js, inputs: { code: "return input.v * 2" } }]\n',
  'parts.yaml':
    'cells: [{ name: a, tool: js, inputs: { code: "return { n: input.v % 4, w: \'w\' + input.v, x: null }" } }]\n',
  'sum.yaml': `
cells:
  - name: all
    tool: sql_data
    inputs: { query: "SELECT sum(v) AS total FROM {{ input.data_table }}" }
output: outputs.all.rows[0]
`,
});
const engine = await Engine.open({ cascades, threads: 2 });
await engine.query(
  "CREATE TABLE t AS SELECT i AS v, i % 3 AS k, 'é' || i AS s FROM range(12) r(i)",
);
test.after(async () => {
  await engine.close();
  removeFolder(cascades);
});

type Random = ReturnType<typeof mulberry>;
const pick = <T>(random: Random, list: readonly T[]): T =>
  list[Math.floor(random() * list.length)]!;

/** A call, its columns, and the calls within it. */
interface Call {
  readonly sql: string;
  readonly columns: readonly string[];
}

/** A query to be read by a call: of a table, or of another call. */
function source(random: Random, depth: number): string {
  if (depth > 0 && random() < 0.3) {
    const inner = call(random, depth - 1);
    const value = inner.columns.includes('v') ? 'v' : `1 AS v`;
    return pick(random, [
      `SELECT ${value} FROM (${inner.sql})`,
      `WITH c AS (${inner.sql})\nSELECT DISTINCT ${value} FROM c ORDER BY 1`,
    ]);
  }
  return pick(random, [
    'FROM t',
    'SELECT v, s FROM t WHERE k = 1',
    'SELECT v FROM t ORDER BY v DESC LIMIT 5',
    'SELECT v, k FROM t WHERE v > 100',
    "SELECT v, '(RVBBIT MAP ''x''' AS \"a (RVBBIT\" FROM t /* (RVBBIT MAP 'y' USING (FROM z)) */ LIMIT 3",
  ]);
}

function call(random: Random, depth: number): Call {
  const using = source(random, depth);
  const parallel = random() < 0.5 ? '' : ` PARALLEL ${1 + Math.floor(random() * 5)}`;
  const breaks = random() < 0.3 ? '\n  ' : ' ';
  switch (Math.floor(random() * 4)) {
    case 0:
      return {
        sql: `RVBBIT MAP${parallel} 'twice.yaml' AS d${breaks}USING (SELECT v FROM (${using}))`,
        columns: ['v', 'd'],
      };
    case 1:
      return {
        sql: `rvbbit map${parallel}${breaks}'parts.yaml' USING (SELECT v FROM (${using})) RETURNING (n INTEGER, w, x DATE)`,
        columns: ['v', 'n', 'w', 'x'],
      };
    case 2:
      return {
        sql: `RVBBIT MAP 'twice.yaml' AS (d DECIMAL(10,2))${breaks}USING (SELECT v FROM (${using})) WITH (limit = 4, error_column = 'e')`,
        columns: ['v', 'd', 'e'],
      };
    default:
      return {
        sql: `RVBBIT RUN 'sum.yaml' USING (SELECT v FROM (${using})) RETURNING (total FROM '$.all.rows[0].total')`,
        columns: ['total'],
      };
  }
}

/** A query around calls; `at(i)` is what stands for the call i. */
function query(random: Random, calls: readonly Call[], at: (index: number) => string): string {
  const [a, b] = calls.map((_, index) => at(index));
  const first = calls[0]!.columns[0]!;
  const shapes = [
    () => `SELECT * FROM (${a}) m ORDER BY ALL`,
    () => `FROM (${a})\nORDER BY ALL`,
    () => `WITH x AS (${a}) SELECT count(*), max(${first}) AS m FROM x`,
    () => `SELECT t.s, m.* FROM t LEFT JOIN (${a}) AS m ON t.v = m.${first}::BIGINT ORDER BY ALL`,
    () => `SELECT k FROM t WHERE v IN (SELECT ${first}::BIGINT FROM (${a})) ORDER BY k`,
    () => `SELECT EXISTS (FROM (${a})) AS e`,
    () =>
      `SELECT m.${first}, 'é (RVBBIT MAP ' AS lit FROM (${a}) m UNION ALL SELECT NULL, 'x' ORDER BY ALL`,
    () => `SELECT * FROM (${a}) m, (${b}) n ORDER BY ALL LIMIT 20`,
    () =>
      `WITH x AS (${a}), y AS MATERIALIZED (${b}) SELECT (SELECT count(*) FROM x) AS p, (SELECT count(*) FROM y) AS q`,
    () => `SELECT ${first}, count(*) AS n FROM (${a}) GROUP BY ALL HAVING n > 0 ORDER BY ALL`,
  ];
  return pick(random, shapes)();
}

const outcome = async (sql: string) => {
  try {
    const { columns, rows } = await engine.query(sql);
    return { columns, rows };
  } catch (thrown) {
    return (thrown as RvbbitError).message.split('\n')[0];
  }
};

test('a call in brackets is its rows', async () => {
  const count = cases(50, 5_000);
  const random = mulberry(seed);
  let failed = 0;
  for (let at = 0; at < count; at += 1) {
    const calls = [call(random, 2), call(random, 1)];
    for (const [index, one] of calls.entries()) {
      await engine.query(`CREATE OR REPLACE TABLE made_${index} AS SELECT * FROM (${one.sql})`);
    }
    const state = random;
    const choice = seed + at;
    const nested = query(mulberry(choice), calls, (index) => calls[index]!.sql);
    const over = query(mulberry(choice), calls, (index) => `FROM made_${index}`);
    const [got, wanted] = [await outcome(nested), await outcome(over)];
    assert.equal(got, wanted, nested);
    if (typeof wanted === 'string') failed += 1;
    if (at % 10 === 0 && typeof wanted !== 'string') {
      const file = `/tmp/rvbbit-nested-${process.pid}.parquet`;
      await engine.query(`COPY (${calls[0]!.sql}) TO '${file}'`);
      assert.equal(
        await outcome(`FROM '${file}' ORDER BY ALL`),
        await outcome('FROM made_0 ORDER BY ALL'),
      );
    }
    assert.is(state, random);
  }
  assert.ok(failed < count / 2, `${failed} of ${count} are no queries`);
  const { rows } = await engine.query(
    "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'rvb%'",
  );
  assert.equal(rows, []);
  reportCases(count, `queries, ${failed} of them refused either way`);
});

test('what is wrong is told at its place, whatever is around it', async () => {
  const count = cases(60, 300);
  const random = mulberry(seed);
  for (let at = 0; at < count; at += 1) {
    // The place is that of `wrong` in the text.
    const [wrong, text] = pick(random, [
      ['paralel', "RVBBIT MAP 'twice.yaml' USING (FROM t) WITH (paralel = 3)"],
      ['MPA', "RVBBIT MPA 'twice.yaml' USING (FROM t)"],
      ['nope', "RVBBIT MAP 'twice.yaml' USING (SELECT nope, v FROM t)"],
      ['missing', "RVBBIT MAP 'twice.yaml' USING (SELECT v\nFROM missing)"],
      ['NOTYPE', "RVBBIT MAP 'twice.yaml' USING (FROM t) RETURNING (a NOTYPE)"],
      ["'a.b'", "RVBBIT MAP 'twice.yaml' USING (FROM t) RETURNING (a FROM 'a.b')"],
      ['AWAIT', "RVBBIT AWAIT 'x'"],
    ] as const);
    const around = pick(random, [
      (inner: string) => `SELECT 'é', * FROM (${inner}) m`,
      (inner: string) => `-- a comment\nWITH x AS (\n  ${inner}\n)\nSELECT * FROM x`,
      (inner: string) =>
        `SELECT * FROM (RVBBIT MAP 'twice.yaml' USING (SELECT 1 AS v FROM (${inner})))`,
      (inner: string) => `COPY (${inner}) TO '/tmp/none.csv'`,
      (inner: string) =>
        `SELECT (SELECT max(v) FROM (RVBBIT MAP 'twice.yaml' USING (FROM t))), (SELECT count(*) FROM (${inner}))`,
    ]);
    const sql = around(text);
    const offset = wrong === 'AWAIT' ? sql.indexOf('RVBBIT AWAIT') : sql.indexOf(wrong);
    const before = sql.slice(0, offset).split('\n');
    const thrown = await engine.query(sql).then(
      () => undefined,
      (error: RvbbitError) => error,
    );
    assert.equal(
      thrown?.place,
      { line: before.length, column: before.at(-1)!.length + 1 },
      `${sql}\n${thrown?.message}`,
    );
  }
  // And around a call that is right.
  for (const [sql, line, column] of [
    ["SELECT *,\n nope FROM (RVBBIT MAP 'twice.yaml'\n USING (FROM t)) m", 2, 2],
    ["SELECT m.v FROM (RVBBIT MAP\n 'twice.yaml' USING (FROM t)) m\n WHERE nope", 3, 8],
  ] as const) {
    const thrown = await engine.query(sql).catch((error: RvbbitError) => error);
    assert.equal((thrown as RvbbitError).place, { line, column }, sql);
  }
  reportCases(count, 'broken queries');
});

test.run();
