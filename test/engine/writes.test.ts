/** Statements that write a table or file: what stands there is never replaced by nothing. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import type { SimulatorScript } from '../../src/sim/script.ts';
import { startSimulator } from '../../src/testing.ts';
import { errorOf } from '../model/engine-support.ts';
import { reportCases } from '../support/cases.ts';

/** Rows of every table and file that is written. */
const ROWS = 6;
const WRONG_KEY = [{ status: 401 }];
/** Good answers to MAP, MEANS and EXTRACTS. */
const GOOD = [
  { when: { contains: 'Say' }, answer: 'said' },
  { when: { contains: '<criterion>' }, answer: { answer: true } },
  { when: { contains: '<wanted>' }, answer: { answer: '5' } },
];
const folder = mkdtempSync(join(tmpdir(), 'rvbbit-writes-'));
const FILES = ['csv', 'json', 'parquet'].map((format) => join(folder, `a.${format}`));

for (const [name, prompt] of [
  ['say', 'Say {{ input.word }}'],
  ['all', 'Say {{ input.row_count }}'],
]) {
  const cell = `{ name: ask, instructions: "${prompt}" }`;
  writeFileSync(join(folder, `${name}.yaml`), `cells: [${cell}]\n`);
}
const server = await startSimulator();
const engine = await Engine.open({
  cascades: folder,
  threads: 1,
  providers: { sim: { baseUrl: server.url, responseFormat: 'json_schema' } },
  model: 'sim/test-model',
});

test.before.each(refill);

async function refill(): Promise<void> {
  const items = `SELECT i AS id, 'wood ' || i AS word, 'old' AS m FROM range(${ROWS}) r(i)`;
  for (const table of ['TABLE items', 'TABLE good', 'TEMP TABLE brief']) {
    await engine.query(`CREATE OR REPLACE ${table} AS ${items}`);
  }
  for (const file of FILES) await engine.query(`COPY good TO '${file}'`);
}

test.after(async () => {
  await engine.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

/** How the server answers from now on. */
async function script(rules: SimulatorScript['rules']): Promise<void> {
  await server.script({ rules });
}

/** Every table and file, as it stands. */
async function content(): Promise<string> {
  const sql = 'FROM items UNION ALL FROM good UNION ALL FROM brief';
  const { rows } = await engine.query(sql, [], { valueForm: 'json' });
  return JSON.stringify([rows, FILES.map((file) => readFileSync(file, 'base64'))]);
}

const MAP = "RVBBIT MAP PARALLEL 2 'say.yaml' AS m USING (SELECT id, word FROM items)";
const RUN = "RVBBIT RUN 'all.yaml' USING (SELECT id, word FROM items)";
const CREATES = ['CREATE OR REPLACE TABLE good AS', 'CREATE OR REPLACE TEMP TABLE brief AS'];
const MEANS = "SELECT id, word, 'new' AS m FROM items WHERE word MEANS 'wood'";
const EXTRACTS = "SELECT id, word, word EXTRACTS 'the number' AS m FROM items";

interface Written {
  readonly sql: string;
  /** The caller writes the rows to a file of this name. */
  readonly file?: string;
}

/** MAP and RUN over every target that they have; `onError` is '' where they do not say it. */
function cascadesOf(onError: string): readonly Written[] {
  const options = onError === '' ? [] : [`on_error = '${onError}'`];
  const clause = (...more: string[]) => {
    const all = [...options, ...more];
    return all.length === 0 ? '' : ` WITH (${all.join(', ')})`;
  };
  const kept = `${MAP}${clause("as_table = 'brief'")}`;
  const maps: Written[] = [
    ...[...CREATES, 'INSERT INTO good'].map((head) => ({ sql: `${head} ${MAP}${clause()}` })),
    { sql: kept },
    { sql: kept, file: 'out.csv' },
    { sql: `${MAP}${clause()}`, file: 'out.csv' },
  ];
  if (/^(?:skip|default)/.test(onError)) return maps;
  const runs = CREATES.map((head) => ({ sql: `${head} ${RUN}${clause()}` }));
  return [...maps, ...runs, { sql: `${RUN}${clause()}`, file: 'out.json' }];
}

/** Semantic SQL that writes, in every form and over every target. */
function semanticOf(onError: string): readonly Written[] {
  const says = onError === '' ? '' : `-- @ on_error: ${onError}\n`;
  const sqls = [
    ...CREATES.flatMap((head) => [`${head} ${MEANS}`, `${head} ${EXTRACTS}`]),
    ...FILES.map((file) => `COPY (${MEANS}) TO '${file}'`),
    `COPY (${EXTRACTS}) TO '${FILES[0]}'`,
    `INSERT INTO good ${MEANS}`,
    "UPDATE good SET m = 'new' WHERE word MEANS 'wood'",
    "UPDATE good SET m = word EXTRACTS 'the number'",
    "DELETE FROM good WHERE word MEANS 'wood'",
    "MERGE INTO good USING items ON good.id = items.id WHEN MATCHED AND items.word MEANS 'wood' THEN UPDATE SET m = 'new'",
    `EXPLAIN ANALYZE CREATE OR REPLACE TABLE good AS ${MEANS}`,
  ];
  return [
    ...sqls.map((sql) => ({ sql: says + sql })),
    ...[MEANS, EXTRACTS].map((sql) => ({ sql: says + sql, file: 'out.jsonl' })),
  ];
}

/** Runs the statement, as the command line does where its rows go to a file. */
async function write({ sql, file }: Written) {
  if (file === undefined) return engine.query(sql);
  const stream = engine.stream(sql, undefined, { writes: file });
  for await (const _ of stream);
  return { notices: stream.notices, summary: await stream.summary };
}

test('a wrong key leaves every table and file as it stands, whatever on_error says', async () => {
  await script(WRONG_KEY);
  const before = await content();
  const statements = ['', 'null', 'skip', 'default:x'].flatMap(cascadesOf);
  // Where semantic SQL does not say it, every form is refused below; here each statement of another kind.
  const kinds = ['CREATE OR REPLACE TABLE', 'COPY', 'INSERT', 'UPDATE', 'DELETE', 'MERGE'];
  const unsaid = semanticOf('');
  statements.push(...kinds.map((kind) => unsaid.find(({ sql }) => sql.startsWith(kind))!));
  statements.push(...semanticOf('null'));
  for (const written of statements) {
    const { code, message } = await errorOf(write(written));
    assert.is(code, 'RVB_MODEL_HTTP', written.sql);
    assert.match(message, '401', written.sql);
    assert.match(message, /nothing was written to \S/, written.sql);
    assert.is(await content(), before, written.sql);
  }
  reportCases(statements.length, 'statements that write, with a wrong key');
});

test('a key that is refused on the way ends a statement that writes, though most of its rows went well', async () => {
  const before = await content();
  const maps = cascadesOf('null').filter(({ sql }) => sql.includes('MAP'));
  for (const { sql, file } of [...maps, ...semanticOf('null')]) {
    await script([...GOOD.map((rule) => ({ ...rule, times: 2 })), ...WRONG_KEY]);
    const anew = { sql: `-- @ cache: false\n${sql}`, ...(file === undefined ? {} : { file }) };
    const { message, summary } = await errorOf(write(anew));
    assert.match(message, /^nothing was written to .*401.*not asked again/s, sql);
    assert.ok(summary!.rows.ok > 0, sql);
    assert.is(await content(), before, sql);
  }
});

test('where no run succeeds nothing is written', async () => {
  await script([{ status: 400 }]);
  const before = await content();
  const create = `CREATE OR REPLACE TABLE good AS ${MAP}`;
  const refused = await errorOf(engine.query(create));
  assert.match(refused.message, /nothing was written to good: none of 6 runs succeeded; row 1: /);
  const run = await errorOf(engine.query(`CREATE OR REPLACE TABLE good AS ${RUN}`));
  assert.match(run.message, /nothing was written to good: its run failed; row 1: /);
  assert.is(await content(), before);
  assert.is(
    (await engine.query(MAP)).rows.length,
    ROWS,
    'a MAP that writes nothing gives its rows',
  );
  assert.is((await engine.query(`EXPLAIN ANALYZE ${MAP}`, [], { writes: 'plan' })).kind, 'explain');
  const report = `-- @ on_error: null\nEXPLAIN ANALYZE ${MEANS}`;
  assert.ok((await engine.query(report, [], { writes: 'plan' })).rows.length > 0);
  const empty = create.replace('FROM items', 'FROM items LIMIT 0');
  assert.is((await engine.query(empty)).rowCount, 0);
});

test('after a partial failure of a MAP a notice says what stands there now', async () => {
  const said = (onError: string, more = '') =>
    `WITH (cache = false, on_error = '${onError}'${more})`;
  const create = `CREATE OR REPLACE TABLE "good" AS ${MAP}`;
  const failed = 'their runs failed';
  for (const [sql, file, notice] of [
    [`${create} ${said('null')}`, '', `2 of 6 rows of "good" have NULL in m: ${failed}`],
    [
      `${create} ${said('default:none')}`,
      '',
      `2 of 6 rows of "good" have the default of on_error in m: ${failed}`,
    ],
    [`${create} ${said('skip')}`, '', `2 of 6 rows are not in "good": ${failed}`],
    [
      `INSERT INTO main.good ${MAP} ${said('null')}`,
      '',
      `2 of 6 rows inserted into main.good have NULL in m: ${failed}`,
    ],
    [`${MAP} ${said('null')}`, 'out.csv', `2 of 6 rows of out.csv have NULL in m: ${failed}`],
    [
      `${MAP} ${said('null', ", as_table = 'brief'")}`,
      'out.csv',
      `2 of 6 rows of brief and out.csv have NULL in m: ${failed}`,
    ],
    [`${MAP} ${said('null')}`, '', undefined],
  ] as const) {
    const written = { sql, ...(file === '' ? {} : { file }) };
    await script([{ when: { matches: 'wood [34]' }, status: 400 }, ...GOOD]);
    const { notices } = await write(written);
    const expected = notice === undefined ? [] : [{ code: 'rows_failed', message: notice }];
    assert.equal(notices, expected, sql);
  }
  const { rows } = await engine.query('SELECT count(*)::INT AS n, count(m)::INT AS m FROM brief');
  assert.equal(rows, [{ n: 6, m: 4 }]);
});

test('semantic SQL that writes ends at a missing answer unless on_error says otherwise', async () => {
  await script([{ when: { contains: 'wood 3' }, status: 400 }, ...GOOD]);
  const before = await content();
  for (const written of semanticOf('')) {
    const { message } = await errorOf(write(written));
    assert.match(
      message,
      /^row \d+: .*nothing was written to .*-- @ on_error: null$/s,
      written.sql,
    );
    assert.is(await content(), before, written.sql);
  }
  for (const sql of [MEANS, EXTRACTS]) assert.ok((await engine.query(sql)).rows.length > 0);
  for (const written of semanticOf('null')) {
    await refill();
    const { summary } = await write(written);
    assert.is(summary.status, 'complete', written.sql);
    assert.is(summary.rows.failed, 1, written.sql);
  }
  const inserted = await engine.query(
    `-- @ on_error: null\nINSERT INTO main.good ${MEANS} AND id > 1`,
  );
  assert.match(
    inserted.notices[0]!.message,
    /^1 of 4 answers is missing and counts as NULL, so rows can be missing from what main\.good got/,
  );
  const filled = `-- @ on_error: default:none\nCREATE OR REPLACE TABLE good AS ${EXTRACTS}`;
  await engine.query(filled);
  assert.is((await engine.query("FROM good WHERE m = 'none'")).rowCount, 1);
});

test('a MAP that ends early leaves the table of as_table as it stands', async () => {
  await script(GOOD);
  const before = await content();
  const sql = `${MAP} WITH (as_table = 'brief', max_calls = 2, cache = false)`;
  const { rows, notices } = await engine.query(sql);
  assert.is(rows.length, 2);
  assert.match(
    notices[0]!.message,
    /rows that were not run are left out, and brief is not written/,
  );
  assert.is(await content(), before);
});

test.run();
