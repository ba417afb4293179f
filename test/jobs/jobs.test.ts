/** Jobs: statements with ASYNC, which go on without their caller. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Purse } from '../../src/index.ts';
import { mapOf, openServer, type Place, withPlace } from '../cli/resume-support.ts';
import { readRecords } from '../kill/journal-files.ts';
import { errorOf } from '../model/engine-support.ts';
import { awaited, type JobRow, jobOf, shown, until } from './support.ts';

await openServer(test);

const BATCH = `cascade_id: analyze_batch
cells:
  - name: load
    tool: sql_data
    inputs: { query: "SELECT count(*)::INTEGER AS n, sum(price)::DOUBLE AS total FROM {{ input.data_table }}" }
  - name: dear
    tool: sql_data
    materialize: dear
    inputs: { query: "SELECT product_name FROM {{ input.data_table }} WHERE price > 1000 ORDER BY price" }
  - name: analyze
    instructions: "Row of {{ input.row_count }} products"
`;
const FILES = { 'traits/analyze_batch.yaml': BATCH };
const slow = (ms: number) => ({ latency: { kind: 'constant', ms } }) as const;
const open = (place: Place, file = 'shop.duckdb') =>
  place.open({ database: join(place.folder, file) });
const async = (rows: number, parallel = 4) =>
  mapOf(rows, parallel).replace('PARALLEL', 'ASYNC PARALLEL');

test('RUN ASYNC, as the first note on this dialect wishes for it', () =>
  withPlace(FILES, slow(200), async (place) => {
    await using engine = await open(place);
    const sql = `RVBBIT RUN ASYNC 'traits/analyze_batch.yaml'
USING (
  SELECT * FROM (VALUES
    ('Apple iPhone 15', 1199.99),
    ('Samsung Galaxy S24', 1299.99),
    ('Sony WH-1000XM5', 399.99)
  ) AS t(product_name, price)
)
WITH (as_table = 'products_batch');`;
    const job = await jobOf(engine, sql);
    assert.match(job.session_id, /^batch-[a-z]+-[a-z]+-[0-9a-f]{6}$/);
    const { status, table_created, row_count } = job;
    assert.equal([status, table_created, row_count], ['running', 'products_batch', 3]);
    assert.is(place.calls(), 0, 'it returns before the first call');
    const ended = await awaited(engine, job);
    assert.equal(
      [ended.status, ended.session_id, ended.table_created, ended.row_count],
      ['success', job.session_id, 'products_batch', 3],
    );
    assert.is(ended.outputs?.['analyze'], 'Row of 3 products');
    const { rows } = ended.outputs!['load'] as { rows: unknown[] };
    assert.equal(rows, [{ n: 3, total: 2899.97 }]);
    // What the cascade made ends with the job's connection, and is kept in a file.
    assert.equal(ended.tables, ['dear']);
    const kept = await engine.query(`FROM '${ended.files![0]}'`);
    assert.equal(kept.rows, [
      { product_name: 'Apple iPhone 15' },
      { product_name: 'Samsung Galaxy S24' },
    ]);
    const into = sql.replace("'products_batch'", "'products_batch', schema = 'main'");
    assert.is((await awaited(engine, await jobOf(engine, into))).files, undefined);
    assert.is((await engine.query('FROM shop.main.dear')).rowCount, 2);
    assert.is(place.calls(), 1, 'the second job finds the answer of the first');
  }));

test("the first note's list of what comes next: RETURNING, RETURNING TABLES, RUN ASYNC, MAP BATCH", () =>
  withPlace(FILES, {}, async (place) => {
    await using engine = await open(place);
    const products = `SELECT * FROM (VALUES
    ('Apple iPhone 15', 1199.99),
    ('Samsung Galaxy S24', 1299.99),
    ('Sony WH-1000XM5', 399.99)
  ) AS t(product_name, price)`;
    const run = (more: string) =>
      engine.query(`RVBBIT RUN 'traits/analyze_batch.yaml' USING (${products}) ${more}`);
    const { rows: fields } = await run(
      "RETURNING (analyze VARCHAR, total DOUBLE FROM '$.load.rows[0].total')",
    );
    assert.equal(fields, [{ analyze: 'Row of 3 products', total: 2899.97 }]);
    const { rows: tables } = await run('RETURNING TABLES');
    assert.equal(tables, [{ table_name: 'dear', row_count: 2n, columns: ['product_name'] }]);
    const job = await jobOf(
      engine,
      `RVBBIT RUN ASYNC 'traits/analyze_batch.yaml' USING (${products})`,
    );
    assert.is((await awaited(engine, job)).outputs?.['analyze'], 'Row of 3 products');
    assert.is(place.calls(), 1, 'the answer of the first run serves them all');
    const map = `RVBBIT MAP BATCH 10 'ask.yaml' AS answer USING (SELECT product_name AS n FROM (${products}))`;
    const { rows, summary } = await engine.query(map);
    assert.equal(
      rows.map(({ answer }) => answer),
      ['Row Apple iPhone 15', 'Row Samsung Galaxy S24', 'Row Sony WH-1000XM5'],
    );
    assert.is(summary.calls.sent, 1);
  }));

test('MAP ASYNC with BATCH makes its calls about several rows, also those that are left after its engine closed', () =>
  withPlace({}, slow(300), async (place) => {
    const sql = async(100, 2).replace('ASYNC', 'BATCH 10 ASYNC');
    let job: JobRow;
    {
      await using engine = await open(place);
      job = await jobOf(engine, `${sql} WITH (as_table = 'branded')`);
      await until(async () => Number((await shown(engine, job))['rows_done']) >= 20);
    }
    assert.ok(place.calls() < 10, `${place.calls()} calls`);
    await using engine = await open(place);
    assert.is((await awaited(engine, job)).status, 'success');
    // At most the calls in flight when the engine closed were made again.
    assert.ok(place.calls() <= 12, `${place.calls()} calls`);
    const { rows } = await engine.query('FROM branded');
    assert.equal(
      rows.map(({ v }) => v),
      Array.from({ length: 100 }, (_, n) => `Row ${n}`),
    );
    const auto = sql.replace('BATCH 10', 'BATCH AUTO').replace('range(100)', 'range(200, 300)');
    const other = await jobOf(engine, `CREATE TABLE other AS ${auto}`);
    const before = place.calls();
    assert.is((await awaited(engine, other)).status, 'success');
    const made = place.calls() - before;
    assert.ok(made < 20, `${made} calls`);
    assert.is((await engine.query('FROM other')).rowCount, 100);
  }));

test('MAP ASYNC makes the table that MAP makes, of every type, and it is there at the end alone', () =>
  withPlace({}, slow(20), async (place) => {
    await using engine = await open(place);
    const hostile = `'"; DROP TABLE t; -- ../../x'' {{ 7 * 7 }}'`;
    const rows = `SELECT range::INTEGER AS n, ${hostile} AS "a ""b", 170141183460469231731687303715884105727::HUGEINT AS huge,
  INTERVAL '3 microseconds' AS tiny, 'x'::ENUM('x', 'y') AS e, union_value(k := 1) AS u, '12:00:00+02'::TIMETZ AS tz,
  MAP {'k': [1, NULL]} AS m, '101'::BIT AS bits, 'x'::BLOB AS b, NULL AS nothing, row(1, 'z') AS pair, 1 AS rvb_ordinal
  FROM range(12) ORDER BY n DESC`;
    const call = `RVBBIT MAP WORD 'ask.yaml' AS answer USING (${rows})`;
    const sql = (word: string) => call.replace('WORD', word);
    await engine.query(`CREATE TABLE now AS ${sql('PARALLEL 4')}`);
    const later = await jobOf(engine, `CREATE TABLE later AS ${sql('ASYNC PARALLEL 4')}`);
    const named = await jobOf(engine, `${sql('PARALLEL 4 ASYNC')} WITH (as_table = 'od"d')`);
    assert.is(named.table_created, 'od"d');
    assert.is((await errorOf(engine.query('FROM later'))).sqlState, '42P01');
    for (const job of [later, named]) assert.is((await awaited(engine, job)).status, 'success');
    const told = async (table: string) => {
      const result = await engine.query(`FROM ${table}`, undefined, { valueForm: 'json' });
      return [result.columns, result.rows];
    };
    assert.equal(await told('later'), await told('now'));
    assert.equal(await told('"od""d"'), await told('now'));
    assert.is((await engine.query('FROM later')).rows[0]!['answer'], 'Row 11');
  }));

test('what cannot be a job is refused before anything is staged', () =>
  withPlace(FILES, {}, async (place) => {
    await using engine = await open(place);
    await engine.query('CREATE TABLE taken AS SELECT 1 AS a');
    const run = "RVBBIT RUN ASYNC 'traits/analyze_batch.yaml' USING (SELECT 1 AS price)";
    const into = (table: string) => `${async(2)} WITH (as_table = '${table}')`;
    for (const [sql, code, sqlState, message] of [
      [into('taken'), 'RVB_SQL', '42P07', /taken" exists already/],
      [`CREATE TABLE taken AS ${async(2)}`, 'RVB_SQL', '42P07', /exists already/],
      [`CREATE TEMP TABLE t AS ${async(2)}`, 'RVB_UNSUPPORTED', '0A000', /temporary/],
      [`${run} RETURNING (a)`, 'RVB_UNSUPPORTED', '0A000', /needs a table/],
      [`${run} RETURNING TABLES`, 'RVB_UNSUPPORTED', '0A000', /needs a table/],
      [`SELECT * FROM (${run})`, 'RVB_UNSUPPORTED', '0A000', /whole statement/],
      [async(2), 'RVB_SYNTAX', '42601', /needs a table/],
      [`INSERT INTO taken ${async(2)}`, 'RVB_SYNTAX', '42601', /needs a table/],
      [into('t').replace('ask.yaml', 'no.yaml'), 'RVB_CASCADE_NOT_FOUND', '42883', /no.yaml/],
      [into('t').replace('range::', 'nope::'), 'RVB_SQL', '42703', /nope/],
      ["RVBBIT AWAIT 'batch-no-such-000000'", 'RVB_SQL', '42704', /no job batch-no-such/],
      ["RVBBIT CANCEL '../../journal'", 'RVB_SQL', '42704', /no job/],
    ] as const) {
      const error = await errorOf(engine.query(sql));
      assert.equal([error.code, error.sqlState], [code, sqlState], `${sql}: ${error.message}`);
      assert.match(error.message, message);
    }
    await engine.query('BEGIN');
    const inside = await errorOf(engine.query(into('t')));
    assert.equal([inside.code, inside.sqlState], ['RVB_UNSUPPORTED', '25001']);
    await engine.query('ROLLBACK');
    await using bounded = await engine.session({ purse: new Purse({ calls: 5 }) });
    assert.match((await errorOf(bounded.query(into('t')))).message, /is bounded/);
    assert.not(existsSync(join(place.stateDir, 'jobs')), 'nothing was staged');
    await using stateless = await place.open({ stateDir: false });
    for (const sql of [into('t'), "RVBBIT AWAIT 'x'", "RVBBIT CANCEL 'x'"]) {
      assert.match((await errorOf(stateless.query(sql))).message, /state folder/);
    }
    assert.equal((await stateless.query('SHOW RVBBIT JOBS')).rows, []);
    // There is nothing to do.
    const exists = `CREATE TABLE IF NOT EXISTS taken AS ${async(2)}`;
    assert.equal((await engine.query(exists)).rows, []);
  }));

test('a job goes on without the session that submitted it, and without those that wait for it', () =>
  withPlace({}, slow(100), async (place) => {
    await using engine = await open(place);
    const session = await engine.session();
    const job = await jobOf(session, `${async(24)} WITH (as_table = 't')`);
    await session.close();
    const leave = new AbortController();
    const waiting = errorOf(jobOf(engine, `RVBBIT AWAIT '${job.session_id}'`, leave.signal));
    await until(() => place.calls() > 4);
    leave.abort();
    assert.is((await waiting).code, 'RVB_CANCELLED');
    const late = errorOf(engine.query(`-- @ timeout: 1ms\nRVBBIT AWAIT '${job.session_id}'`));
    assert.is((await late).code, 'RVB_DEADLINE');
    assert.is((await shown(engine, job))['state'], 'running');
    await using other = await engine.session();
    assert.is((await awaited(other, job)).status, 'success');
    assert.is((await other.query('FROM t')).rowCount, 24);
    assert.is(place.calls(), 24);
  }));

test('an engine that closes leaves its jobs to the next one on the database, and to no other', () =>
  withPlace({}, slow(100), async (place) => {
    const first = await open(place);
    const job = await jobOf(first, `${async(40)} WITH (as_table = 't')`);
    await until(() => place.calls() >= 12);
    await first.close();
    const before = place.calls();
    assert.equal(readdirSync(join(place.stateDir, 'locks')), [], 'its lease is given back');
    await using other = await open(place, 'other.duckdb');
    assert.is((await shown(other, job))['state'], 'queued');
    const wait = `RVBBIT AWAIT '${job.session_id}' WITH (timeout = '600ms')`;
    const late = await errorOf(other.query(wait));
    assert.is(late.code, 'RVB_DEADLINE');
    assert.match(late.message, 'has not ended within 600 ms; it goes on');
    assert.is(place.calls(), before, 'its database is not open');
    // Two engines of the database: one of them runs it.
    await using second = await open(place);
    await using third = await open(place);
    await Promise.all([second, third, other].map((engine) => awaited(engine, job)));
    assert.is((await third.query('FROM t')).rowCount, 40);
    assert.ok(place.calls() <= 40 + 4, `${place.calls()} calls for 40 rows and one stop`);
    const opened = readRecords(place.stateDir).filter(({ t }) => t === 'statement.open');
    const sessions = opened as unknown as { session: string; resumes?: string }[];
    assert.equal(
      sessions.map(({ resumes }) => resumes),
      [undefined, job.session_id],
    );
    assert.is(sessions[0]!.session, job.session_id);
    const row = await shown(other, job);
    assert.equal([row['rows_done'], row['rows']], [40, 40]);
    assert.equal(row['calls'], place.calls(), 'of both executions');
  }));

test('a lease of another machine holds as long as it is renewed', () =>
  withPlace({}, slow(50), async (place) => {
    const first = await open(place);
    const job = await jobOf(first, `${async(4)} WITH (as_table = 't')`);
    await first.close();
    const lease = join(place.stateDir, 'locks', `${job.session_id}.0.lock`);
    mkdirSync(join(place.stateDir, 'locks'));
    writeFileSync(lease, JSON.stringify({ pid: 1, host: 'another' }));
    await using second = await open(place);
    const late = `-- @ timeout: 500ms\nRVBBIT AWAIT '${job.session_id}'`;
    assert.is((await errorOf(second.query(late))).code, 'RVB_DEADLINE');
    assert.is((await shown(second, job))['state'], 'running');
    const longAgo = Date.now() / 1_000 - 120;
    utimesSync(lease, longAgo, longAgo);
    assert.is((await shown(second, job))['state'], 'queued');
    assert.is((await awaited(second, job)).status, 'success');

    // Whoever lost its lease stops, and leaves the job to the other one.
    const other = await jobOf(second, `${async(40, 1)} WITH (as_table = 'u', cache = false)`);
    const own = join(place.stateDir, 'locks', `${other.session_id}.0.lock`);
    await until(() => existsSync(own));
    rmSync(own);
    writeFileSync(
      join(place.stateDir, 'locks', `${other.session_id}.1.lock`),
      JSON.stringify({ pid: 1, host: 'another' }),
    );
    await errorOf(second.query(`-- @ timeout: 800ms\nRVBBIT AWAIT '${other.session_id}'`));
    const calls = place.calls();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.is(place.calls(), calls, 'it asks nothing more');
    assert.is((await shown(second, other))['state'], 'running');
  }));

test('a cancelled job ends, wherever it runs, and what it has bought stays', () =>
  withPlace({}, slow(100), async (place) => {
    await using engine = await open(place);
    await using other = await open(place, 'other.duckdb');
    const sql = `${async(40)} WITH (as_table = 't')`;
    // Cancelled by the engine that runs it, and by another one.
    for (const by of [engine, other]) {
      const job = await jobOf(engine, sql);
      const at = place.calls() + 6;
      await until(() => place.calls() >= at);
      const cancelled = await jobOf(by, `RVBBIT CANCEL '${job.session_id}'`);
      assert.equal([cancelled.status, cancelled.error?.code], ['cancelled', 'RVB_CANCELLED']);
      assert.is((await awaited(by, job)).status, 'cancelled');
    }
    const bought = place.calls();
    const waiting = await jobOf(engine, sql);
    const { status } = await jobOf(other, `RVBBIT CANCEL '${waiting.session_id}'`);
    assert.is(status, 'cancelled', 'before it began');
    assert.is(place.calls(), bought);
    assert.is((await shown(engine, waiting))['started'], null);
    assert.is((await errorOf(engine.query('FROM t'))).sqlState, '42P01');
    const whole = await awaited(engine, await jobOf(engine, sql));
    assert.is(whole.status, 'success');
    assert.ok(place.calls() <= 40 + 8, `${place.calls()} calls for 40 rows and two cancels`);
    const again = await jobOf(other, `RVBBIT CANCEL '${whole.session_id}'`);
    assert.is(again.status, 'success', 'it has ended');
  }));

test('a failure is recorded: of the table, of the cascade, of a cell, and of the budget', () =>
  withPlace(FILES, slow(0), async (place) => {
    await using engine = await open(place);
    const taken = await jobOf(engine, `${async(4)} WITH (as_table = 't')`);
    await engine.query('CREATE TABLE t AS SELECT 1 AS a');
    const { status, error } = await awaited(engine, taken);
    assert.equal([status, error?.code], ['failed', 'RVB_SQL']);
    assert.match(error!.message, 'exists already');
    assert.equal((await engine.query('FROM t')).rows, [{ a: 1 }], 'what stood there stands');
    const row = await shown(engine, taken);
    assert.equal(
      [row['state'], row['error_code'], row['error']],
      ['failed', 'RVB_SQL', error!.message],
    );

    const gone = await jobOf(engine, `${async(4)} WITH (as_table = 'u')`);
    renameSync(join(place.folder, 'ask.yaml'), join(place.folder, 'moved.yaml'));
    assert.is((await awaited(engine, gone)).error?.code, 'RVB_CASCADE_NOT_FOUND');
    renameSync(join(place.folder, 'moved.yaml'), join(place.folder, 'ask.yaml'));

    const run = "RVBBIT RUN ASYNC 'traits/analyze_batch.yaml' USING (SELECT 1 AS a)";
    const failed = await awaited(engine, await jobOf(engine, run));
    assert.equal([failed.status, failed.error?.code], ['failed', 'RVB_SQL']);

    const short = `CREATE TABLE v AS ${async(9)} WITH (max_calls = 2, cache = false)`;
    const cut = await awaited(engine, await jobOf(engine, short));
    assert.equal([cut.status, cut.error?.code], ['incomplete', 'RVB_BUDGET']);
    assert.is((await errorOf(engine.query('FROM v'))).sqlState, '42P01');
  }));

test('a job whose table was written before its end was recorded is done', () =>
  withPlace({}, slow(0), async (place) => {
    const first = await open(place);
    const job = await jobOf(first, `${async(5)} WITH (as_table = 't')`);
    await awaited(first, job);
    await first.query('UPDATE t SET v = 0 WHERE n = 0');
    await first.close();
    // As a kill between the two leaves it.
    rmSync(join(place.stateDir, 'jobs', job.session_id, 'end.json'));
    await using second = await open(place);
    assert.is((await awaited(second, job)).status, 'success');
    assert.equal((await second.query('FROM t LIMIT 1')).rows, [{ n: 0, v: '0' }]);
    assert.is(place.calls(), 5);
  }));

test('so many jobs run at once, and so many wait', () =>
  withPlace({}, slow(150), async (place) => {
    const database = join(place.folder, 'shop.duckdb');
    await using engine = await place.open({ database, jobs: { running: 1, queued: 2 } });
    const into = (table: string) => `CREATE TABLE ${table} AS ${async(8, 2)}`;
    const [a, b] = [await jobOf(engine, into('a')), await jobOf(engine, into('b'))];
    const many = await errorOf(engine.query(into('c')));
    assert.is(many.code, 'RVB_LIMIT');
    assert.match(many.message, /^2 jobs have not ended/);
    await until(() => place.calls() > 0);
    assert.is((await shown(engine, a))['state'], 'running');
    assert.is((await shown(engine, b))['state'], 'queued');
    assert.is((await awaited(engine, b)).status, 'success');
    assert.is((await shown(engine, a))['state'], 'success', 'the older one ran first');
    assert.is((await awaited(engine, await jobOf(engine, into('c')))).status, 'success');
    for (const jobs of [{ running: 0 }, { queued: 1.5 }, { many: 1 }, 3]) {
      const wrong = await errorOf(place.open({ jobs: jobs as object }));
      assert.match(wrong.code, /^RVB_(OPTION_TYPE|UNKNOWN_OPTION)$/);
    }
  }));

test('a job of a database in memory ends with it', () =>
  withPlace({}, slow(50), async (place) => {
    const first = await place.open();
    const done = await jobOf(first, `${async(4)} WITH (as_table = 't')`);
    assert.is((await awaited(first, done)).status, 'success');
    const left = await jobOf(first, `${async(400)} WITH (as_table = 'u')`);
    await until(() => place.calls() > 8);
    await first.close();
    await using second = await place.open();
    const row = await shown(second, left);
    assert.equal([row['state'], row['error_code']], ['failed', 'RVB_CLOSED']);
    assert.match(String(row['error']), 'in memory');
  }));

test('the files of a job are for their user alone; its rows go when it ends, others by and by', () =>
  withPlace({}, slow(100), async (place) => {
    await using engine = await open(place);
    const job = await jobOf(engine, `${async(8)} WITH (as_table = 't')`);
    const folder = join(place.stateDir, 'jobs', job.session_id);
    const modeOf = (path: string) => statSync(path).mode & 0o777;
    assert.is(modeOf(folder), 0o700);
    assert.equal(readdirSync(folder).sort(), ['job.json', 'rows.duckdb']);
    for (const name of readdirSync(folder)) assert.is(modeOf(join(folder, name)), 0o600, name);
    await awaited(engine, job);
    assert.equal(readdirSync(folder).sort(), ['end.json', 'job.json', 'progress.json']);
    assert.equal((await engine.query('SHOW DATABASES')).rows, [{ database_name: 'shop' }]);
    const torn = join(place.stateDir, 'jobs', 'udf-quick-fox-000000.new');
    mkdirSync(torn);
    utimesSync(torn, 1, 1);
    await awaited(engine, await jobOf(engine, `${async(8)} WITH (as_table = 'u')`));
    assert.not(existsSync(torn));
    // What somebody else has put there ends nothing.
    for (const [n, text] of [
      '',
      'null',
      '[]',
      '{"id":"udf-bad-file-000003"}',
      '{"id":"udf-bad-file-000004","createdMs":"x","rows":{},"sql":7,"database":null}',
      `{"id":"udf-bad-file-000005","createdMs":1e300,"database":${JSON.stringify(join(place.folder, 'shop.duckdb'))}}`,
    ].entries()) {
      const bad = join(place.stateDir, 'jobs', `udf-bad-file-00000${n}`);
      mkdirSync(bad);
      writeFileSync(join(bad, 'job.json'), text);
    }
    await until(async () => {
      const { rows } = await engine.query('SHOW RVBBIT JOBS', undefined, { valueForm: 'json' });
      assert.is(rows.length, 5);
      assert.is((await engine.query('FROM rvbbit.jobs')).rowCount, 5);
      await errorOf(engine.query("-- @ timeout: 1ms\nRVBBIT AWAIT 'udf-bad-file-000003'"));
      return rows.some(({ id, state }) => id === 'udf-bad-file-000005' && state === 'failed');
    });
    assert.is(
      (await awaited(engine, await jobOf(engine, `${async(8)} WITH (as_table = 'v')`))).status,
      'success',
    );
  }));

test('SHOW RVBBIT JOBS is rvbbit.jobs; a read-only session sees what its own user submitted', () =>
  withPlace(FILES, slow(0), async (place) => {
    await using engine = await open(place);
    const told = async (sql: string) => {
      const { columns, rows } = await engine.query(sql, undefined, { valueForm: 'json' });
      return [columns, rows];
    };
    assert.equal(await told('SHOW RVBBIT JOBS'), await told('FROM rvbbit.jobs'), 'none');
    const job = await jobOf(engine, `${async(3)} WITH (as_table = 'it''s')`);
    await awaited(engine, job);
    assert.equal(await told('SHOW RVBBIT JOBS'), await told('FROM rvbbit.jobs'));
    const { columns } = await engine.query('SHOW RVBBIT JOBS');
    assert.equal(
      columns.map(({ name, type }) => `${name} ${type}`),
      [
        ...['id VARCHAR', 'state VARCHAR', 'rows_done BIGINT', 'rows BIGINT', 'calls BIGINT'],
        ...['cost DOUBLE', 'seconds_left DOUBLE', 'submitted TIMESTAMP', 'started TIMESTAMP'],
        ...['ended TIMESTAMP', 'error_code VARCHAR', 'error VARCHAR', 'table_created VARCHAR'],
        ...['database VARCHAR', 'origin VARCHAR', 'sql VARCHAR'],
      ],
    );
    const described = async (sql: string) => {
      await using session = await engine.session();
      return (await session.describe(sql)).columns;
    };
    assert.equal(await described('SHOW RVBBIT JOBS'), columns);
    const one = [{ name: 'result', type: 'VARCHAR' }];
    for (const sql of ["RVBBIT AWAIT 'x'", "RVBBIT CANCEL 'x'", `CREATE TABLE t AS ${async(1)}`])
      assert.equal(await described(sql), one, sql);

    await using reader = await engine.session({ readOnly: true });
    const as = (origin: string, sql: string) => reader.query(sql, undefined, { origin });
    assert.is((await as('eve', 'SHOW RVBBIT JOBS')).rowCount, 0);
    const denied = await errorOf(as('eve', `RVBBIT CANCEL '${job.session_id}'`));
    assert.is(denied.sqlState, '42704');
    assert.is((await as('api', 'SHOW RVBBIT JOBS')).rowCount, 1);
    const run =
      "RVBBIT RUN ASYNC 'traits/analyze_batch.yaml' USING (SELECT 'x' AS product_name, 1 AS price)";
    const [row] = (await as('eve', run)).rows;
    const { session_id } = JSON.parse(String(row!['result'])) as { session_id: string };
    const ended = await awaited(engine, { ...job, session_id });
    assert.equal([ended.status, ended.row_count], ['success', 1]);
    assert.is((await as('eve', 'SHOW RVBBIT JOBS')).rowCount, 1);
    const writing = `RVBBIT MAP ASYNC 'ask.yaml' USING (SELECT 1 AS n) WITH (as_table = 'w')`;
    assert.is((await errorOf(as('eve', writing))).sqlState, '42501');
  }));

test('names of a job are looked up where its session looked them up', () =>
  withPlace({}, slow(0), async (place) => {
    await using engine = await open(place);
    await engine.query('CREATE SCHEMA "s p"');
    await using session = await engine.session();
    await session.query('USE shop."s p"');
    await session.query("SET TimeZone = 'Asia/Tokyo'");
    const sql = `RVBBIT MAP ASYNC 'ask.yaml' AS v USING (SELECT '2026-01-01 00:00:00+00'::TIMESTAMPTZ AS n) WITH (as_table = 't')`;
    assert.is((await awaited(session, await jobOf(session, sql))).status, 'success');
    const now = await session.query(sql.replace(' ASYNC', '').replace(/ WITH .*/, ''));
    assert.equal((await engine.query('SELECT v FROM shop."s p".t')).rows, [
      { v: now.rows[0]!['v'] },
    ]);
  }));

test('rvbbit jobs lists, goes on with and cancels jobs; resume leaves them alone', () =>
  withPlace({}, slow(20), async (place) => {
    const { rvbbit } = place;
    const line = async (args: readonly string[], code = 0) => {
      const ended = await rvbbit(args);
      assert.is(ended.code, code, ended.stderr);
      return ended;
    };
    const rowsOf = (stdout: string) =>
      stdout
        .split('\n')
        .filter((text) => text !== '')
        .map((text) => JSON.parse(text) as Record<string, unknown>);
    assert.equal(rowsOf((await line(['jobs', 'list'])).stdout), []);
    const submit = async (table: string) => {
      const sql = `CREATE TABLE ${table} AS ${async(12)}`;
      const { stdout, stderr } = await line(['shop.duckdb', '-c', sql]);
      assert.match(stderr, /waits for the next engine on its database: rvbbit jobs await udf-/);
      return JSON.parse(String(rowsOf(stdout)[0]!['result'])).session_id as string;
    };
    const [first, second] = [await submit('a'), await submit('b')];
    assert.is(place.calls(), 0, 'the process has ended before its job began');
    const listed = rowsOf((await line(['jobs', 'list'])).stdout);
    assert.equal(
      listed.map(({ id, state }) => [id, state]),
      [
        [second, 'queued'],
        [first, 'queued'],
      ],
    );
    assert.equal(rowsOf((await line(['jobs', 'cancel', second])).stdout)[0]!['state'], 'cancelled');
    const ended = rowsOf((await line(['jobs', 'await', first])).stdout);
    assert.equal([ended[0]!['state'], Number(ended[0]!['rows_done'])], ['success', 12]);
    assert.is(place.calls(), 12);
    await line(['jobs', 'await', second], 1);
    await line(['jobs', 'await', 'udf-no-such-000000'], 2);
    assert.match((await line(['jobs'], 2)).stderr, /jobs needs a word/);
    await line(['jobs', 'list', '--timeout', '3s'], 2);
    assert.equal(
      rowsOf((await line(['shop.duckdb', '-c', 'SELECT count(*) AS n FROM a'])).stdout),
      [{ n: 12 }],
    );
    assert.match((await line(['resume', first], 2)).stderr, `rvbbit jobs await ${first}`);
    assert.equal(rowsOf((await line(['resume', '--list'])).stdout), []);
  }));

test.run();
