import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type JournalRecord, RvbbitError } from '../../src/index.ts';
import { checkCascade } from '../../src/testing.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const BAND = 'examples/cascades/price_band.yaml';
const JSON_FORM = { valueForm: 'json' } as const;

let engine: Engine;
test.before(async () => {
  engine = await Engine.open({ cascades: root, threads: 1 });
});
test.after(() => engine.close());

/** The error that a promise rejects with. */
async function errorOf(work: Promise<unknown>): Promise<RvbbitError> {
  try {
    await work;
  } catch (thrown) {
    return thrown as RvbbitError;
  }
  throw new Error('did not fail');
}

const map = (rest: string) => `RVBBIT MAP '${BAND}' ${rest}`;
const PRICES = 'SELECT unnest([5.0, 500.0, NULL, 5.0]) AS price';

test('MAP adds a column to the rows of its query, equal inputs run once, the account adds up', async () => {
  const { kind, columns, rows, rowCount, summary } = await engine.query(
    map(`AS band USING (${PRICES})`),
    undefined,
    JSON_FORM,
  );
  assert.is(kind, 'map');
  assert.equal(columns, [
    { name: 'price', type: 'DECIMAL(4,1)' },
    { name: 'band', type: 'VARCHAR' },
  ]);
  assert.is(rowCount, 4);
  assert.equal(rows[0]!['band'], rows[3]!['band']);
  assert.is(rows[2]!['band'], null);
  assert.is(summary.runs, 3);
  assert.equal(summary.rows, {
    in: 4,
    ok: 3,
    null: 0,
    failed: 0,
    skipped: 1,
    notRun: 0,
    deduped: 0,
  });
  assert.match(summary.sessionId, /^udf-[a-z-]+-[0-9a-f]{6}$/);
  assert.match(summary.callerId, /^sql-/);
});

test('DISTINCT keeps the first row of each value and says how many it dropped', async () => {
  const { rows, summary } = await engine.query(
    `RVBBIT MAP DISTINCT '${BAND}' AS band USING (${PRICES}) WITH (limit = 2)`,
    undefined,
    JSON_FORM,
  );
  assert.equal(
    rows.map(({ price }) => price),
    ['5.0', '500.0'],
  );
  assert.is(summary.rows.in, 2);
});

test('the default limit cuts rows off with a notice; a LIMIT of the query or `limit` does without', async () => {
  const rows = 'SELECT range::DOUBLE AS price FROM range(1500)';
  const cut = await engine.query(map(`USING (${rows})`));
  assert.is(cut.rowCount, 1000);
  assert.is(cut.notices[0]?.code, 'default_limit');
  const own = await engine.query(map(`USING (${rows} LIMIT 1200)`));
  assert.equal([own.rowCount, own.notices], [1200, []]);
  const option = await engine.query(map(`USING (${rows} LIMIT 1200) WITH (limit = 1100)`));
  assert.equal([option.rowCount, option.notices], [1100, []]);
  const inner = await engine.query(map(`USING (SELECT * FROM (${rows} LIMIT 1400))`));
  assert.is(inner.rowCount, 1000);
});

test('a result column that collides is refused, naming both', async () => {
  const error = await errorOf(engine.query(map('AS Price USING (SELECT 1.0 AS price)')));
  assert.is(error.code, 'RVB_COLUMN_COLLISION');
  assert.match(error.message, '"Price"');
  assert.match(error.message, '"price"');
  const other = await errorOf(
    engine.query(map("AS band USING (SELECT 1.0 AS price) WITH (error_column = 'BAND')")),
  );
  assert.is(other.code, 'RVB_COLUMN_COLLISION');
});

test('parameters reach the query of USING, by name and by place', async () => {
  const named = await engine.query(map('AS band USING (SELECT $p::DOUBLE AS price)'), { p: 3 });
  assert.is(named.rows[0]!['price'], 3);
  const placed = await engine.query(map('AS band USING (SELECT $1::DOUBLE AS price)'), [4]);
  assert.is(placed.rows[0]!['price'], 4);
});

test('CREATE TABLE AS and INSERT write what MAP gives, in order, and check the table before a row runs', async () => {
  const created = await engine.query(`CREATE TABLE bands AS ${map(`AS band USING (${PRICES})`)}`);
  assert.equal([created.kind, created.rowCount, created.rows], ['create_table', 4, []]);
  const inserted = await engine.query(`INSERT INTO bands ${map(`AS band USING (${PRICES})`)}`);
  assert.equal([inserted.kind, inserted.rowCount], ['insert', 4]);
  const { rows } = await engine.query('SELECT * FROM bands', undefined, JSON_FORM);
  assert.equal(rows.slice(0, 4), rows.slice(4));
  const exists = await errorOf(engine.query(`CREATE TABLE bands AS ${map(`USING (${PRICES})`)}`));
  assert.equal([exists.code, exists.summary?.runs], ['RVB_SQL', 0]);
  const skipped = await engine.query(
    `CREATE TABLE IF NOT EXISTS bands AS ${map(`USING (${PRICES})`)}`,
  );
  assert.equal([skipped.rowCount, skipped.summary.runs], [0, 0]);
  const missing = await errorOf(engine.query(`INSERT INTO nowhere ${map(`USING (${PRICES})`)}`));
  assert.equal([missing.code, missing.summary?.runs], ['RVB_SQL', 0]);
});

test('no row runs for a table that could not be written, and its name is where the error is', async () => {
  await engine.query("CREATE VIEW glance AS SELECT 'a' AS a");
  await engine.query('CREATE TEMP VIEW peek AS SELECT 1 AS a');
  const refused = [
    `CREATE OR REPLACE TABLE glance AS ${map(`USING (${PRICES})`)}`,
    `CREATE TABLE nope.t AS ${map(`USING (${PRICES})`)}`,
    `INSERT INTO glance ${map(`USING (${PRICES})`)}`,
    `INSERT INTO bands ${map(`USING (${PRICES}) WITH (error_column = 'e')`)}`,
    map(`USING (${PRICES}) WITH (as_table = 'PEEK')`),
  ];
  for (const sql of refused) {
    const { code, stage, summary } = await errorOf(engine.query(sql));
    assert.equal([code, stage, summary?.runs], ['RVB_SQL', 'bind', 0], sql);
  }
  const kept = await errorOf(
    engine.query(map("USING (SELECT 1 AS price)\nWITH (as_table = 'peek')")),
  );
  assert.equal(kept.place, { line: 2, column: 18 });
});

test('an error in the query of USING has its place in the source, whatever ends its lines', async () => {
  const cases = [
    [map('\r USING (SELECT nope FROM bands)'), { line: 2, column: 16 }],
    [map('USING (SELECT 1,\r\n  nope FROM bands)'), { line: 2, column: 3 }],
    [map('USING (SELECT 1,\r  nope FROM bands)'), { line: 2, column: 3 }],
    [map('USING (SELECT 1\n FROM)'), { line: 2, column: 6 }],
  ] as const;
  for (const [sql, place] of cases) {
    assert.equal((await errorOf(engine.query(sql))).place, place, JSON.stringify(sql));
  }
});

test('the place of an error counts from the start of the text, whatever stands before the statement', async () => {
  const inMap = `SELECT * FROM (${map("USING (SELECT 'x'::INTEGER AS price)")})`;
  for (const [sql, at, code = 'RVB_SQL'] of [
    ['SELECT nope', 'nope'],
    ["SELECT\n'x'::INTEGER", '::'],
    ["SELECT CASE WHEN i = 5000 THEN 'x' ELSE '1' END::INTEGER FROM range(9000) r(i)", '::'],
    ["SELECT nope FROM (SELECT 'a' AS d) WHERE d MEANS 'x'", 'nope'],
    ["EXPLAIN SELECT nope FROM (SELECT 'a' AS d) WHERE d MEANS 'x'", 'nope'],
    ["SELECT d FROM (SELECT 'a' AS d) WHERE d MAENS 'x'", 'MAENS'],
    ["SELECT 'a' MEANS 5", 'MEANS', 'RVB_TYPE_MISMATCH'],
    [`SELECT nope FROM (${map(`USING (${PRICES})`)})`, 'nope'],
    [`EXPLAIN SELECT nope FROM (${map(`USING (${PRICES})`)})`, 'nope'],
    [inMap, '::'],
    [inMap.replace("'x'::INTEGER", 'nope'), 'nope'],
  ] as const) {
    const lines = sql.slice(0, sql.indexOf(at)).split('\n');
    const placeAfter = (line: number, column: number) => ({
      line: line + lines.length - 1,
      column: lines.at(-1)!.length + (lines.length === 1 ? column : 1),
    });
    const read = async (rows: AsyncIterable<unknown>) => {
      for await (const _ of rows);
    };
    const told = [
      [await errorOf(engine.query(sql)), placeAfter(1, 1)],
      [await errorOf(engine.query(`\n\n  ${sql}`)), placeAfter(3, 3)],
      [await errorOf(read(engine.stream(`\n ${sql}`))), placeAfter(2, 2)],
      [await errorOf(read(engine.script(`SELECT 1;\n SELECT 2; ${sql}`))), placeAfter(2, 12)],
    ] as const;
    for (const [error, place] of told) {
      assert.equal([error.code, error.place], [code, place], `${sql}: ${error.message}`);
      const [, line = place.line, column = place.column] =
        /line (\d+), column (\d+): /.exec(error.message) ?? [];
      assert.equal({ line: Number(line), column: Number(column) }, place, error.message);
    }
  }
});

test('as_table on MAP gives the rows and keeps them', async () => {
  const { rowCount } = await engine.query(
    map(`AS band USING (${PRICES}) WITH (as_table = 'kept')`),
  );
  assert.is(rowCount, 4);
  assert.is((await engine.query('SELECT * FROM kept')).rowCount, 4);
});

test('a statement tells what of its cascade is probably misspelt', async () => {
  const query = "'test/fixtures/cascades/misspelt-schema.yaml' USING (SELECT 1 AS n)";
  for (const statement of [`RVBBIT MAP ${query}`, `RVBBIT RUN ${query}`]) {
    const { notices } = await engine.query(statement);
    assert.equal(
      notices.map(({ code }) => code),
      ['cascade_warning'],
    );
    assert.match(notices[0]!.message, /misspelt-schema\.yaml:11:7 .*requried.*required/);
  }
});

test('a RUN whose table hides one of the database says so, however its name is written', async () => {
  await engine.query('CREATE TABLE Hidden AS SELECT 1.0 AS price');
  const run = `RVBBIT RUN 'examples/cascades/price_band.yaml' USING (${PRICES})`;
  const { notices } = await engine.query(`${run} WITH (as_table = 'HIDDEN')`);
  assert.equal(
    notices.map(({ code }) => code),
    ['shadowed_table'],
  );
});

test('RUN gives one row of JSON; its tables outlive it, also when it is run again', async () => {
  const sql = `RVBBIT RUN 'examples/cascades/fraud_batch_analysis.yaml' USING (SELECT * FROM '${root}examples/data/transactions.csv') WITH (as_table = 'txns')`;
  for (const _ of ['first', 'again']) {
    const { kind, columns, rows } = await engine.query(sql);
    assert.is(kind, 'run');
    assert.equal(columns, [{ name: 'result', type: 'VARCHAR' }]);
    const report = JSON.parse(rows[0]!['result'] as string);
    assert.is(report.status, 'success');
    assert.is(report.table_created, 'txns');
    assert.is(report.row_count, 1000);
    assert.match(report.session_id, /^batch-/);
    assert.equal([...report.tables].sort(), [
      '_customer_profiles',
      '_high_risk_txns',
      '_summary_stats',
    ]);
  }
  assert.is((await engine.query('SELECT * FROM txns')).rowCount, 1000);
  assert.ok((await engine.query('SELECT * FROM _high_risk_txns')).rowCount > 0);
});

test('a failed RUN returns its row, unless on_error says fail', async () => {
  const sql = `RVBBIT RUN 'examples/cascades/fraud_batch_analysis.yaml' USING (SELECT 1 AS x)`;
  const { rows, summary } = await engine.query(sql);
  const report = JSON.parse(rows[0]!['result'] as string);
  assert.equal([report.status, report.error.code], ['failed', 'RVB_SQL']);
  assert.is(summary.rows.failed, 1);
  assert.is((await errorOf(engine.query(`${sql} WITH (on_error = 'fail')`))).code, 'RVB_SQL');
});

/** A figure that is determined. */
function exactly(figure: number) {
  return { least: figure, expected: figure, most: figure };
}

test('EXPLAIN counts and runs nothing, as text, tree and JSON', async () => {
  const report = await engine.explain(`EXPLAIN ${map(`USING (${PRICES})`)}`);
  assert.equal(
    [report.rows, report.distinctInputs, report.runs, report.calls, report.parallel, report.limit],
    [4, exactly(3), exactly(3), exactly(0), 1, { rows: 1000, source: 'default' }],
  );
  assert.match(report.sql[0]!, 'SELECT unnest');
  for (const format of ['TEXT', 'TREE']) {
    const { rows, summary } = await engine.query(
      `EXPLAIN (FORMAT ${format}) ${map(`USING (${PRICES})`)}`,
    );
    assert.ok(rows.some((row) => /runs +3$|3 runs, one at a time/.test(String(row['explain']))));
    assert.is(summary.runs, 0);
  }
  const json = await engine.query(`EXPLAIN (FORMAT JSON) ${map(`USING (${PRICES})`)}`);
  assert.equal(JSON.parse(json.rows[0]!['explain'] as string).runs, exactly(3));
});

test('plain SQL passes through as it stands', async () => {
  const { kind, rows } = await engine.query("SELECT 'RVBBIT MAP' AS x -- RVBBIT RUN");
  assert.equal([kind, rows], ['sql', [{ x: 'RVBBIT MAP' }]]);
  const error = await errorOf(engine.query('SELEC 1'));
  assert.equal([error.code, error.sqlState], ['RVB_SQL', '42601']);
});

test('query takes one statement, script any number', async () => {
  assert.is((await errorOf(engine.query('SELECT 1; SELECT 2'))).code, 'RVB_MULTIPLE_STATEMENTS');
  assert.is((await errorOf(engine.query('-- nothing'))).code, 'RVB_SYNTAX');
  const results = [];
  for await (const result of engine.script(`SELECT 1 AS a; ${map(`USING (${PRICES})`)};`))
    results.push(result.kind);
  assert.equal(results, ['sql', 'map']);
});

test('what is parsed but not executed yet says so and names itself', async () => {
  for (const [sql, name] of [
    [map(`USING (${PRICES}) WITH (max_pairs = 1)`), 'max_pairs'],
    [map(`USING (${PRICES}) WITH (order = 'completion')`), 'order = completion'],
  ] as const) {
    const error = await errorOf(engine.query(sql));
    assert.is(error.code, 'RVB_UNSUPPORTED', sql);
    assert.match(error.message, name);
  }
});

test('annotations hold for the statement after them; WITH and modifiers win over them', async () => {
  const explained = (text: string) => engine.explain(text);
  const rest = map(`USING (${PRICES})`);
  assert.is((await explained(`-- @ parallel: 7\n${rest}`)).parallel, 7);
  assert.is((await explained(`-- @ parallel\n${rest}`)).parallel, 10);
  assert.is(
    (await explained(`-- @ parallel: 7\n${map(`USING (${PRICES}) WITH (parallel = 2)`)}`)).parallel,
    2,
  );
  const created = await engine.query(`-- @ on_error: fail\nCREATE TEMP TABLE annotated AS ${rest}`);
  assert.is(created.rowCount, 4);
});

test('every record of a statement is an event, in order, and the last holds the summary', async () => {
  const seen: JournalRecord[] = [];
  const listen = (record: JournalRecord) => seen.push(record);
  engine.events.on('record', listen);
  const { summary } = await engine.query(map(`USING (${PRICES}) WITH (label = 'nightly')`));
  engine.events.off('record', listen);
  const mine = seen.filter(({ caller }) => caller === summary.callerId);
  assert.equal(
    [mine[0]!.t, mine[1]!.t, mine.at(-1)!.t],
    ['statement.open', 'statement.read', 'statement.close'],
  );
  assert.ok(mine.every((record, index) => index === 0 || record.seq > mine[index - 1]!.seq));
  const open = mine[0]!;
  assert.equal(open.t === 'statement.open' && [open.label, open.kind], ['nightly', 'map']);
  const close = mine.at(-1)!;
  assert.equal(close.t === 'statement.close' && close.summary, summary);
});

test('a stream gives its columns first, its rows in order and its summary at the end', async () => {
  const stream = engine.stream(map(`AS band USING (SELECT range::DOUBLE AS price FROM range(50))`));
  assert.equal(
    (await stream.columns).map(({ name }) => name),
    ['price', 'band'],
  );
  const prices: unknown[] = [];
  for await (const row of stream) prices.push(row['price']);
  assert.equal(
    prices,
    Array.from({ length: 50 }, (_, index) => index),
  );
  assert.is((await stream.summary).rows.in, 50);
});

test('a listener that throws changes nothing of what it hears of', async () => {
  const warnings: string[] = [];
  const quiet = () => {};
  const warn = (message: string) => void warnings.push(message);
  const logger = { debug: quiet, info: quiet, error: quiet, warn };
  await using heard = await Engine.open({ cascades: root, threads: 1, logger });
  heard.events.on('record', () => {
    throw new Error('out of order');
  });
  const { summary } = await heard.query(map(`AS band USING (${PRICES})`));
  assert.is(summary.rows.ok + summary.rows.skipped, 4);
  assert.is(warnings.length, 1);
  assert.match(
    warnings[0]!,
    'a listener of the event record threw, perhaps not once: out of order',
  );
});

test('a stream that is left early, or ended by its signal, has a summary all the same', async () => {
  const cheap = map(
    `AS band USING (SELECT range::DOUBLE AS price FROM range(5000)) WITH (limit = 5000)`,
  );
  const left = engine.stream(cheap);
  for await (const _row of left) break;
  const { status, reason, rows } = await left.summary;
  assert.equal([status, reason, rows.in], ['incomplete', 'cancelled', 5000]);

  const controller = new AbortController();
  const ended = engine.stream(cheap, undefined, { signal: controller.signal });
  await ended.columns;
  controller.abort();
  assert.is((await ended.summary).status, 'incomplete');

  const wrong = engine.stream('RVBBIT MAPP');
  assert.is((await wrong.summary.catch((thrown: RvbbitError) => thrown)).constructor, RvbbitError);
});

test('two engines side by side share a file and nothing else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-'));
  const database = join(folder, 'shared.duckdb');
  const [one, two] = await Promise.all([
    Engine.open({ database, cascades: root, threads: 1 }),
    Engine.open({ database, cascades: root, threads: 1 }),
  ]);
  const write = (name: string) =>
    `CREATE TABLE ${name} AS ${map('AS band USING (SELECT range::DOUBLE AS price FROM range(200))')}`;
  await Promise.all([one.query(write('from_one')), two.query(write('from_two'))]);
  assert.is((await one.query('FROM from_two')).rowCount, 200);
  assert.is((await two.query('FROM from_one')).rowCount, 200);
  await one.close();
  assert.is((await two.query('FROM from_one')).rowCount, 200);
  await two.close();
  const again = await Engine.open({ database });
  assert.is(
    (await again.query('SELECT * FROM from_one UNION ALL SELECT * FROM from_two')).rowCount,
    400,
  );
  await again.close();
  rmSync(folder, { recursive: true });
});

test('an instance that is handed in is used and left open', async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run('CREATE TABLE mine AS SELECT 7.0::DOUBLE AS price');
  const guest = await Engine.open({ database: instance, cascades: root, threads: 1 });
  assert.is((await guest.query(map('USING (FROM mine)'))).rowCount, 1);
  await guest.close();
  assert.is((await connection.runAndReadAll('FROM mine')).currentRowCount, 1);
  connection.closeSync();
  instance.closeSync();
});

test('a closed engine says so', async () => {
  const closed = await Engine.open({ cascades: root });
  await closed.close();
  await closed.close();
  assert.is((await errorOf(closed.query('SELECT 1'))).code, 'RVB_CLOSED');
});

test('engine options are checked', async () => {
  const wrong = await errorOf(Engine.open({ parallel: 0 }));
  assert.equal([wrong.code, wrong.message.includes('parallel')], ['RVB_OPTION_TYPE', true]);
  const unknown = await errorOf(Engine.open({ paralel: 2 } as object));
  assert.is(unknown.code, 'RVB_UNKNOWN_OPTION');
});

test('a cascade runs alone and its test cases can be checked', async () => {
  const { outcome } = await engine.runCascade(BAND, { price: 5 });
  assert.is(outcome.kind, 'ok');
  const results = [];
  for await (const { passed } of checkCascade(engine, BAND)) results.push(passed);
  assert.ok(results.length > 0 && results.every(Boolean));
});

test('concurrent statements of one engine do not disturb each other', async () => {
  const results = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      engine.query(
        map(`AS band USING (SELECT (range + ${index})::DOUBLE AS price FROM range(40))`),
      ),
    ),
  );
  for (const [index, { rows }] of results.entries()) {
    assert.equal(
      rows.map(({ price }) => price),
      Array.from({ length: 40 }, (_, at) => at + index),
    );
  }
});

test.run();
