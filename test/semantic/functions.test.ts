/** rvbbit_run, rvbbit_map_parallel and rvbbit_run_batch: cascades run from any SQL. */
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RunReport } from '../../src/execute/execute-run.ts';
import { Engine, type QueryOptions, type QueryResult, type RvbbitError } from '../../src/index.ts';
import { SEED_MAX_ROWS } from '../../src/operators/seed-call.ts';
import { startSimulator } from '../../src/testing.ts';

const cascades = fileURLToPath(new URL('../../../test/fixtures/functions', import.meta.url));
/** A brand that the server does not tell, one that it takes its time for, and one for all others. */
const server = {
  rules: [
    { when: { contains: '[bad' }, status: 400 },
    { when: { contains: '[slow' }, answer: 'Slow', delayMs: 60_000 },
    { when: { contains: 'Brand' }, answer: 'Sony', delayMs: 15 },
  ],
};

const simulator = await startSimulator(server);
const engine = await Engine.open({
  cascades,
  threads: 1,
  providers: { sim: { baseUrl: simulator.url, responseFormat: 'json_schema' } },
  model: 'sim/test-model',
});
test.after(async () => {
  await engine.close();
  await simulator.close();
});

/** Each test has a schema of its own, with a table `p`. */
let schemas = 0;
test.before.each(async () => {
  schemas += 1;
  await engine.query(`CREATE SCHEMA s${schemas}`);
  await engine.query(`USE s${schemas}`);
  await makeItems(engine);
  simulator.reset();
});

async function makeItems(into: Engine): Promise<void> {
  await into.query(
    "CREATE TABLE p AS SELECT i AS id, 'item ' || (i % 4) AS name, i * 0.5::DOUBLE AS price FROM range(20) r(i)",
  );
}

/** 80 rows of 40 names, which no other test has asked about. */
async function makeBrands(): Promise<void> {
  await engine.query(
    `CREATE OR REPLACE TABLE p AS SELECT i AS id, 'item ' || (i % 40) || ' of ${schemas}' AS name FROM range(80) r(i)`,
  );
}

function rowsOf(output: unknown): unknown {
  return Reflect.get(Object(output), 'rows');
}

function column({ rows }: QueryResult): unknown[] {
  return rows.map((row) => Object.values(row)[0]);
}

async function failure(engine: Engine, sql: string, options?: QueryOptions): Promise<RvbbitError> {
  try {
    await engine.query(sql, undefined, options);
  } catch (thrown) {
    return thrown as RvbbitError;
  }
  throw new Error(`it did not fail: ${sql}`);
}

test('rvbbit_run gives the value of a run: a text is itself, all else JSON text', async () => {
  const values = ['"it\'s"', '5', 'true', '{"a": [1, null]}', 'null', '""'];
  const list = values.map((value) => `('{"value": ${value.replaceAll("'", "''")}}')`).join(', ');
  const result = await engine.query(
    `SELECT rvbbit_run('given.yaml', j) FROM (VALUES ${list}) v(j)`,
  );
  assert.equal(column(result), ["it's", '5', 'true', '{"a":[1,null]}', null, '']);
  assert.equal(result.notices, []);
  assert.equal(result.columns[0], { name: "rvbbit_run('given.yaml', j)", type: 'VARCHAR' });
});

test('it stands wherever an expression does', async () => {
  const brand = "json_extract_string(RVBBIT_RUN('given.yaml', to_json(p)), '$.name')";
  for (const [sql, expected] of [
    [`SELECT ${brand} FROM p ORDER BY id LIMIT 2`, ['item 0', 'item 1']],
    [`SELECT id FROM p WHERE ${brand} = 'item 3' ORDER BY id LIMIT 2`, [3n, 7n]],
    [`SELECT count(*) FROM p WHERE id < 9 AND ${brand} LIKE '%1' OR id = 0`, [3n]],
    [`SELECT ${brand} AS b FROM p GROUP BY b ORDER BY count(*), b LIMIT 1`, ['item 0']],
    [`WITH w AS (SELECT ${brand} AS b FROM p) SELECT max(b) FROM w`, ['item 3']],
    [
      "SELECT list_transform([1, 2], lambda x: rvbbit_run('given.yaml', {'value': x}::JSON))[2]",
      ['2'],
    ],
    [
      "SELECT rvbbit_run('given.yaml', rvbbit_run('given.yaml', to_json(p))) IS NULL FROM p LIMIT 1",
      [false],
    ],
    ["SELECT rvbbit_run($$given.yaml$$, json_object('value', 'x'))", ['x']],
  ] as const) {
    assert.equal(column(await engine.query(sql)), expected, sql);
  }
  const bound = await engine.query("SELECT rvbbit_run('given.yaml', $1)", ['{"value": "bound"}']);
  assert.equal(column(bound), ['bound']);
  await engine.query(`CREATE TABLE made AS SELECT id, ${brand} AS brand FROM p WHERE id < 2`);
  await engine.query(
    `UPDATE made SET brand = rvbbit_run('given.yaml', {'value': brand || '!'}::JSON)`,
  );
  await engine.query(`INSERT INTO made SELECT id, ${brand} FROM p WHERE id = 5`);
  assert.equal(column(await engine.query('SELECT brand FROM made')), [
    'item 0!',
    'item 1!',
    'item 1',
  ]);
});

test("a user's function of the name goes first", async () => {
  await engine.query("CREATE MACRO rvbbit_run(a, b) AS 'mine'");
  const { rows, summary } = await engine.query('SELECT rvbbit_run(id, name) AS v FROM p LIMIT 1');
  assert.equal(rows, [{ v: 'mine' }]);
  assert.is(summary.runs, 0);
});

test('NULL in gives NULL out, without a run', async () => {
  for (const call of [
    "rvbbit_run('given.yaml', NULL)",
    "rvbbit_map_parallel('given.yaml', NULL, 3)",
    "rvbbit_map_parallel('given.yaml', '[{}]', NULL)",
    "rvbbit_run_batch('batch.yaml', '[{\"a\": 1}]', NULL)",
  ]) {
    const result = await engine.query(`SELECT ${call}`);
    assert.equal(column(result), [null], call);
    assert.is(result.summary.runs, 0);
  }
});

test('semantic_batch_matches asks what MEANS asks, and gives each id its result', async () => {
  let calls = 0;
  let inFlight = 0;
  let most = 0;
  await using own = await Engine.open({
    cascades,
    threads: 1,
    model: async ({ messages }) => {
      calls += 1;
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inFlight -= 1;
      const text = String(messages.at(-1)!.content);
      if (text.includes('thing 7<')) throw new Error('no answer');
      return { text: `{"answer":${/thing \d*[02468]</.test(text)}}`, finishReason: 'stop' };
    },
  });
  await own.query("CREATE TABLE t AS SELECT i AS id, 'thing ' || i AS text FROM range(20) r(i)");
  const matches = `semantic_batch_matches('even', (SELECT json_group_array(to_json(t)) FROM t), 5)`;
  const result = await own.query(`SELECT ${matches} AS v`);
  assert.equal(
    JSON.parse(String(result.rows[0]!['v'])),
    Array.from({ length: 20 }, (_, id) => ({ id, result: id === 7 ? null : id % 2 === 0 })),
  );
  assert.equal([calls, most, result.summary.rows.failed], [20, 5, 1]);
  // Its answers and those of MEANS are the same.
  const means = await own.query("SELECT count(*)::INTEGER FROM t WHERE text MEANS 'even'");
  assert.equal([column(means), calls], [[10], 21]);
  // The query of the seeds: collect, ask, filter.
  const filtered = await own.query(
    `SELECT id::INTEGER FROM t WHERE id IN (
      SELECT m.id FROM (SELECT unnest(from_json(${matches}, '[{"id": "BIGINT", "result": "BOOLEAN"}]')) AS m)
      WHERE m.result) ORDER BY id LIMIT 3`,
  );
  assert.equal(column(filtered), [0, 2, 4]);
  const odd = await own.query(
    `SELECT semantic_batch_matches('even', '[{"id": "a", "text": null}, {"text": "thing 8"}]', 2) AS v`,
  );
  assert.equal(column(odd), ['[{"id":"a","result":null},{"id":null,"result":true}]']);
  assert.is(column(await own.query("SELECT semantic_batch_matches(NULL, '[]', 2)"))[0], null);
  for (const rows of ['[{"id": 1}]', '[{"text": 1}]', '[5]']) {
    const refused = await own
      .query("SELECT semantic_batch_matches('even', $1, 2)", [rows])
      .catch((error: RvbbitError) => error);
    assert.match((refused as RvbbitError).message, /semantic_batch_matches got .*: semantic_batch/);
  }
  const { calls: expected } = await own.explain(`SELECT ${matches.replace('even', 'odd')}`);
  assert.equal(expected, { least: 20, expected: 20, most: 20 });
});

test('rvbbit_map_parallel gives the values in the order of the rows, as they are', async () => {
  const rows = [
    { value: 'a' },
    { value: 5 },
    { fail: true },
    { value: null },
    { value: [{}] },
    { x: 1 },
  ];
  const sql = "SELECT rvbbit_map_parallel('given.yaml', $1, 2) AS v";
  const result = await engine.query(sql, [JSON.stringify(rows)]);
  assert.equal(JSON.parse(String(result.rows[0]!['v'])), ['a', 5, null, null, [{}], { x: 1 }]);
  assert.is(result.columns[0]!.type, 'JSON');
  assert.equal(
    result.notices.map(({ code }) => code),
    ['RVB_ANSWERS_MISSING'],
  );
  assert.is(result.summary.rows.failed, 1);
  assert.match(result.summary.failures[0]!.message, /told to fail/);
  assert.equal(column(await engine.query(sql, ['[]'])), ['[]']);
  const unnested = await engine.query(
    "SELECT unnest(json_extract(rvbbit_map_parallel('given.yaml', (SELECT json_group_array({'value': id}) FROM p), 5), '$[*]'))",
  );
  assert.equal(
    column(unnested),
    Array.from({ length: 20 }, (_, id) => String(id)),
  );
});

test('equal inputs are one run, answers of earlier statements are none, and at most n are in flight', async () => {
  await makeBrands();
  const all = '(SELECT json_group_array(to_json(p)) FROM p)';
  simulator.reset();
  const { summary } = await engine.query(`SELECT rvbbit_map_parallel('brand.yaml', ${all}, 3)`);
  const { totals } = simulator.ledger();
  // The cascade reads the name alone, and there are 40.
  assert.is(totals.calls, 40);
  assert.is(totals.maxInFlight, 3);
  assert.is(summary.rows.ok, 40);
  const again = await engine.query("SELECT rvbbit_run('brand.yaml', to_json(p)) FROM p");
  assert.is(again.summary.calls.sent, 0);
  assert.equal(new Set(column(again)), new Set(['Sony']));
  simulator.reset();
  await engine.query(
    "-- @ cache: false\n-- @ parallel: 7\nSELECT rvbbit_run('brand.yaml', to_json(p)) FROM p",
  );
  assert.is(simulator.ledger().totals.calls, 40);
  assert.is(simulator.ledger().totals.maxInFlight, 7);
});

test('max_calls counts the runs of a list, before the first call', async () => {
  await makeBrands();
  const sql =
    "-- @ max_calls: 39\nSELECT rvbbit_map_parallel('brand.yaml', (SELECT json_group_array(to_json(p)) FROM p), 3)";
  const { code, message } = await failure(engine, sql);
  assert.is(code, 'RVB_LIMIT');
  assert.match(message, /40 model calls, and max_calls is 39/);
  assert.is(simulator.ledger().totals.calls, 0);
});

test('a failed run is NULL and says so, or what on_error says', async () => {
  const sql =
    "SELECT rvbbit_run('brand.yaml', {'name': n}::JSON) FROM (VALUES ('bad'), ('good')) v(n)";
  const result = await engine.query(sql);
  assert.equal(column(result), [null, 'Sony']);
  assert.equal(
    result.notices.map(({ code }) => code),
    ['RVB_ANSWERS_MISSING'],
  );
  assert.is(result.summary.failures[0]!.code, 'RVB_MODEL_HTTP');
  assert.is((await failure(engine, `-- @ on_error: fail\n${sql}`)).code, 'RVB_MODEL_HTTP');
  assert.equal(column(await engine.query(`-- @ on_error: default:none\n${sql}`)), ['none', 'Sony']);
  const mapped = `-- @ on_error: default:none\nSELECT rvbbit_map_parallel('brand.yaml', '[{"name": "bad"}]', 1)`;
  assert.equal(column(await engine.query(mapped)), ['["none"]']);
});

test('a budget ends the runs, and of a list what is done is given', async () => {
  await using simulator = await startSimulator({ rules: [{ answer: 'Sony' }] });
  const prices = { any: { inputPerMtok: 1, outputPerMtok: 1 } };
  await using engine = await Engine.open({
    cascades,
    threads: 1,
    providers: { sim: { baseUrl: simulator.url, prices } },
    model: 'sim/any',
  });
  const list = "(SELECT json_group_array({'name': 'item ' || i}) FROM range(200) r(i))";
  const result = await engine.query(
    `-- @ max_cost: 0.0004\nSELECT rvbbit_map_parallel('brand.yaml', ${list}, 1) AS v`,
  );
  const { status, reason, rows } = result.summary;
  assert.equal([status, reason], ['incomplete', 'budget']);
  const values = JSON.parse(String(result.rows[0]!['v'])) as readonly (string | null)[];
  assert.is(values.length, 200);
  assert.ok(rows.ok > 5 && rows.notRun > 5, JSON.stringify(rows));
  assert.is(values.filter((value) => value === 'Sony').length, rows.ok);
  assert.match(
    result.notices[0]!.message,
    new RegExp(`^${rows.notRun} of 200 answers are missing`),
  );
  assert.is(simulator.ledger().totals.calls, rows.ok);
});

test('what runs is cancelled with the statement', async () => {
  const abort = new AbortController();
  const rows = JSON.stringify([{ name: 'slow 1' }, { name: 'slow 2' }, { name: 'slow 3' }]);
  const sql = `SELECT rvbbit_map_parallel('brand.yaml', '${rows}', 2)`;
  const failed = failure(engine, sql, { signal: abort.signal });
  while (simulator.ledger().totals.calls < 2) await new Promise((go) => setTimeout(go, 20));
  abort.abort();
  assert.is((await failed).code, 'RVB_CANCELLED');
  assert.is(simulator.ledger().totals.calls, 2);
});

test('rvbbit_run_batch makes a temporary table, which stays, and runs the cascade over it once', async () => {
  await using engine = await Engine.open({ cascades, threads: 1 });
  await makeItems(engine);
  const call =
    "rvbbit_run_batch('batch.yaml', (SELECT json_group_array(to_json(p)) FROM p), 'my batch')";
  const result = await engine.query(`SELECT ${call} AS r`);
  const report = JSON.parse(String(result.rows[0]!['r'])) as RunReport;
  assert.is(report.status, 'success');
  assert.is(report.table_created, 'my batch');
  assert.is(report.row_count, 20);
  assert.equal(rowsOf(report.outputs['load']), [{ n: 20, total: 95 }]);
  assert.match(report.session_id, /^batch-/);
  assert.is(result.columns[0]!.type, 'JSON');
  const kept = await engine.query('FROM "my batch" ORDER BY id LIMIT 1');
  assert.equal(
    kept.columns.map(({ type }) => type),
    ['BIGINT', 'VARCHAR', 'DOUBLE'],
  );
  const made = String(report.tables[0]);
  assert.equal(column(await engine.query(`SELECT count(*) FROM "${made}"`)), [17n]);
  // One that hides a table of the database says so, and is replaced by the next of the name.
  const shadows = await engine.query(
    "SELECT rvbbit_run_batch('given.yaml', '[{\"a\": [1]}, {\"a\": {}}]', 'p')",
  );
  assert.equal(
    shadows.notices.map(({ code }) => code),
    ['shadowed_table'],
  );
  assert.equal(column(await engine.query('FROM p')), ['[1]', '{}']);
});

test('a batch that fails says so in its account, as RUN does, or ends the statement', async () => {
  const sql = "SELECT rvbbit_run_batch('batch.yaml', '[{\"a\": 1}]', 'b')::JSON->>'$.status'";
  const result = await engine.query(sql);
  assert.equal(column(result), ['failed']);
  assert.is(result.summary.rows.failed, 1);
  assert.match(result.summary.failures[0]!.message, /price/);
  assert.match((await failure(engine, `-- @ on_error: fail\n${sql}`)).message, /price/);
});

test('says what is wrong with a call, before anything is run', async () => {
  const run = 'rvbbit_run(cascade VARCHAR, input JSON) → VARCHAR';
  for (const [sql, code, message, place] of [
    [
      'SELECT id,\n  rvbbit_run(name, to_json(p)) FROM p',
      'RVB_TYPE_MISMATCH',
      'takes the cascade as a text literal',
      { line: 2, column: 14 },
    ],
    [
      "SELECT rvbbit_run('a' || name, '{}') FROM p",
      'RVB_TYPE_MISMATCH',
      'never a path',
      { line: 1, column: 19 },
    ],
    ['SELECT rvbbit_run()', 'RVB_TYPE_MISMATCH', 'as a text literal', { line: 1, column: 8 }],
    [
      "SELECT rvbbit_run('given.yaml')",
      'RVB_TYPE_MISMATCH',
      `takes 2 arguments and got 1: ${run}`,
      { line: 1, column: 8 },
    ],
    [
      "SELECT rvbbit_run('given.yaml', p) FROM p",
      'RVB_TYPE_MISMATCH',
      `make it JSON: to_json(…): ${run}`,
      { line: 1, column: 8 },
    ],
    [
      "SELECT rvbbit_run('given.yaml', input := '{}')",
      'RVB_TYPE_MISMATCH',
      'by their places',
      { line: 1, column: 33 },
    ],
    [
      "SELECT rvbbit_run('given.yaml', '[1]')",
      'RVB_TYPE_MISMATCH',
      `[1] as the input, which is an object: ${run}`,
    ],
    ["SELECT rvbbit_run('given.yaml', '{a')", 'RVB_TYPE_MISMATCH', 'which is not JSON'],
    [
      "SELECT rvbbit_run('needs.yaml', '{\"nam\": 1}')",
      'RVB_TYPE_MISMATCH',
      'needs.yaml needs the input name; rvbbit_run gave it nam',
    ],
    [
      "SELECT rvbbit_map_parallel('given.yaml', '{}', 2)",
      'RVB_TYPE_MISMATCH',
      'the rows, which are a list',
    ],
    [
      "SELECT rvbbit_map_parallel('given.yaml', '[{}, 5]', 2)",
      'RVB_TYPE_MISMATCH',
      '5 as row 2, which is an object',
    ],
    [
      "SELECT rvbbit_map_parallel('given.yaml', '[{}]', 0)",
      'RVB_TYPE_MISMATCH',
      '0 as n, which is 1 to 4096',
    ],
    [
      "SELECT rvbbit_map_parallel('given.yaml', '[{}]', 1.5)",
      'RVB_TYPE_MISMATCH',
      'n of rvbbit_map_parallel is INTEGER, and got DECIMAL(2,1)',
      { line: 1, column: 8 },
    ],
    [
      "SELECT rvbbit_run_batch('batch.yaml', '[]', 'b')",
      'RVB_TYPE_MISMATCH',
      'rows without a column',
    ],
    [
      "SELECT rvbbit_run('gievn', '{}')",
      'RVB_CASCADE_NOT_FOUND',
      "did you mean 'given'?",
      { line: 1, column: 19 },
    ],
    ["SELECT rvbbit_run('../functions/given.yaml', '{}')", 'RVB_PATH_DENIED', ''],
    [
      `SELECT rvbbit_run('given.yaml', repeat('[', 65) || repeat(']', 65))`,
      'RVB_LIMIT',
      'nested deeper',
    ],
    [
      `SELECT rvbbit_map_parallel('given.yaml', (SELECT json_group_array({}) FROM range(${SEED_MAX_ROWS + 1})), 2)`.replace(
        '{}',
        "{'a': 1}",
      ),
      'RVB_LIMIT',
      `${SEED_MAX_ROWS + 1} rows`,
    ],
    [
      "CREATE VIEW v AS SELECT rvbbit_run('given.yaml', to_json(p)) FROM p",
      'RVB_UNSUPPORTED',
      'this view cannot keep',
    ],
  ] as const) {
    const error = await failure(engine, sql);
    assert.is(error.code, code, `${sql}: ${error.message}`);
    assert.ok(error.message.includes(message), `${sql}: ${error.message}`);
    assert.is(error.summary?.runs, 0, sql);
    if (place !== undefined) assert.equal(error.place, place, sql);
  }
});

test('EXPLAIN asks nothing and makes no table', async () => {
  const sql = "SELECT rvbbit_run_batch('batch.yaml', '[{\"price\": 1}]', 'never')";
  const { rows, summary } = await engine.query(`EXPLAIN (FORMAT TREE) ${sql}`);
  assert.match(JSON.stringify(rows), /rvbbit_run_batch.*batch\.yaml/);
  assert.is(summary.runs, 0);
  assert.is((await failure(engine, 'FROM never')).code, 'RVB_SQL');
});

test.run();
