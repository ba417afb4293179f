/** `describe`: parameters and columns of every kind of statement, without a call, a row or a record. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, RvbbitError } from '../../src/index.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';

const cascades = makeFolder({
  'twice.yaml':
    'cascade_id: twice\ninputs_schema: { n: a number }\ncells:\n  - { name: a, tool: js, inputs: { code: return 2 * Number(input.n) } }\n',
});
let asked = 0;
const engine = await Engine.open({
  cascades,
  threads: 1,
  model: async () => {
    asked += 1;
    return { text: 'true', finishReason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
  },
});
const session = await engine.session();
await session.query("CREATE TABLE thing AS SELECT 1 AS id, 'tea' AS name");
let records = 0;
engine.events.on('record', () => {
  records += 1;
});
test.after(async () => {
  await engine.close();
  removeFolder(cascades);
});

test('each kind of statement is described, and none of them runs', async () => {
  const MAP = "RVBBIT MAP 'twice.yaml' AS v USING (SELECT id AS n FROM thing WHERE id < $1)";
  const expected: Readonly<Record<string, readonly [parameters: string, columns: string]>> = {
    'SELECT id, name FROM thing WHERE id = $1 AND name LIKE $2': [
      'INTEGER VARCHAR',
      'id INTEGER, name VARCHAR',
    ],
    'SELECT $1 AS a, $2::DATE AS b, $3::INTEGER[] AS c': [
      'VARCHAR DATE INTEGER[]',
      'a VARCHAR, b DATE, c INTEGER[]',
    ],
    'SELECT id + $1 AS sum FROM thing': ['INTEGER', 'sum INTEGER'],
    'SELECT * FROM range($1::BIGINT)': ['BIGINT', 'range BIGINT'],
    ["RVBBIT MAP 'twice.yaml' AS v USING (SELECT range AS n FROM range($1))"]: [
      'BIGINT',
      'n BIGINT, v VARCHAR',
    ],
    'SELECT $2::DATE AS b': ['? DATE', 'b DATE'],
    'SELECT id FROM thing WHERE id = ?': ['INTEGER', 'id INTEGER'],
    'INSERT INTO thing VALUES ($1, $2)': ['INTEGER VARCHAR', ''],
    'INSERT INTO thing VALUES (1, $1) RETURNING name': ['VARCHAR', 'name VARCHAR'],
    'CREATE TABLE other AS SELECT 1 AS a': ['', ''],
    'DROP TABLE thing': ['', ''],
    'PIVOT thing ON name USING count(*)': ['', 'id INTEGER, tea BIGINT'],
    [MAP]: ['INTEGER', 'n INTEGER, v VARCHAR'],
    [`CREATE TABLE other AS ${MAP}`]: ['INTEGER', ''],
    [`EXPLAIN ${MAP}`]: ['INTEGER', 'explain VARCHAR'],
    [`SELECT count(*) AS c FROM (${MAP}) WHERE v <> $2`]: ['? VARCHAR', 'c BIGINT'],
    "RVBBIT RUN 'twice.yaml' USING (FROM thing)": ['', 'result VARCHAR'],
    'SELECT name FROM thing WHERE name MEANS $1 AND id = $2': ['VARCHAR INTEGER', 'name VARCHAR'],
    "EXPLAIN SELECT name FROM thing WHERE name MEANS 'drink'": ['', 'explain VARCHAR'],
    "DELETE FROM thing WHERE name MEANS 'drink'": ['', ''],
  };
  for (const [sql, [parameters, columns]] of Object.entries(expected)) {
    const description = await session.describe(sql);
    assert.is(description.parameters.map((type) => type ?? '?').join(' '), parameters, sql);
    assert.is(
      description.columns.map(({ name, type }) => `${name} ${type}`).join(', '),
      columns,
      sql,
    );
  }
  assert.is(asked, 0);
  assert.is(records, 0);
  assert.equal((await session.query('SELECT count(*)::INTEGER AS n FROM thing')).rows, [{ n: 1 }]);
  const tables = await session.query(
    "SELECT table_name FROM duckdb_tables() WHERE table_name <> 'thing'",
  );
  assert.equal(tables.rows, []);
});

test('declared types count where the statement does not say', async () => {
  const { columns } = await session.describe('SELECT $1 AS a', { parameterTypes: ['DATE'] });
  assert.equal(columns, [{ name: 'a', type: 'DATE' }]);
});

test('a statement that does not bind is refused at its place', async () => {
  for (const [sql, state, column] of [
    ['SELECT nope FROM thing', '42703', 8],
    ['SELEC 1', '42601', 1],
    ["RVBBIT MAP 'twice.yaml' USING (SELECT nope FROM thing)", '42703', 39],
    ["SELECT nope FROM thing WHERE name MEANS 'x'", '42703', 8],
  ] as const) {
    const thrown = await session.describe(sql).catch((error) => error);
    assert.instance(thrown, RvbbitError, sql);
    assert.is(thrown.sqlState, state, sql);
    assert.is(thrown.place?.column, column, sql);
  }
  const unknown = await session
    .describe('SELECT 1', { parameterType: [] } as object)
    .catch((error) => error);
  assert.is(unknown.code, 'RVB_UNKNOWN_OPTION');
});

test.run();
