/** SHOW RVBBIT, and the statements that take a MAP or RUN without brackets. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';
import { errorOf } from '../model/engine-support.ts';
import { operatorFile } from '../operators/support.ts';

const folder = makeFolder({
  'twice.yaml': `cascade_id: twice
description: Twice n.
inputs_schema: { type: object, required: [n], properties: { n: { type: integer }, unit: {} } }
cells:
  - { name: double, tool: js, inputs: { code: 'return 2 * input.n;' } }
`,
  'more/asks.yaml': 'cells:\n  - { name: ask, instructions: "{{ input.text }}?" }\n',
  'more/nests.yaml':
    'cascade_id: nests\ncells:\n  - { name: any, tool: js, inputs: { code: "return input;" } }\n  - { name: inner, tool: more/asks }\n',
  'broken.yaml': 'cascade_id: broken\ncels: []\n',
  'other.yaml': 'model: lexical\n',
  'operators/rhymes.yaml': operatorFile(),
});
test.after(() => removeFolder(folder));

test('SHOW RVBBIT CASCADES gives each cascade of the root a row, and says what is broken', async () => {
  await using engine = await Engine.open({ cascades: folder });
  const { columns, rows, rowCount, summary } = await engine.query('show rvbbit cascades');
  assert.equal(
    columns.map(({ name, type }) => `${name} ${type}`),
    [
      'path VARCHAR',
      'inputs VARCHAR',
      'cells VARCHAR',
      'asks_model BOOLEAN',
      'description VARCHAR',
    ],
  );
  const known = { description: null, asks_model: true };
  assert.equal(rows, [
    {
      path: 'broken.yaml',
      inputs: null,
      cells: null,
      asks_model: null,
      description: 'broken: broken.yaml:1:1 cells is missing',
    },
    { ...known, path: 'more/asks.yaml', inputs: 'text', cells: 'ask' },
    { ...known, path: 'more/nests.yaml', inputs: 'all columns', cells: 'any, inner' },
    {
      ...known,
      path: 'operators/rhymes.yaml',
      inputs: 'all columns',
      cells: 'a',
      asks_model: false,
    },
    {
      path: 'twice.yaml',
      inputs: 'n, [unit]',
      cells: 'double',
      asks_model: false,
      description: 'Twice n.',
    },
  ]);
  assert.equal([rowCount, summary.calls.sent, summary.status], [5, 0, 'complete']);
});

test('SHOW RVBBIT OPERATORS gives each operator a row, in a script and as a stream too', async () => {
  await using engine = await Engine.open({ cascades: folder });
  const { rows } = await engine.query('SHOW RVBBIT OPERATORS;');
  const rhymes = {
    name: 'RHYMES',
    shape: 'SCALAR',
    spellings: 'text RHYMES other',
    arguments: 'text VARCHAR, other VARCHAR',
    returns: 'BOOLEAN',
    source: 'operators/rhymes.yaml',
    description: null,
  };
  assert.equal(
    rows.find(({ name }) => name === 'RHYMES'),
    rhymes,
  );
  assert.equal(rows.find(({ name }) => name === 'MEANS')?.['source'], 'built-in');
  const streamed = [];
  for await (const row of engine.stream('SHOW RVBBIT OPERATORS')) streamed.push(row);
  assert.equal(streamed, rows);
  const kinds = [];
  for await (const { rowCount } of engine.script('SELECT 1; SHOW RVBBIT OPERATORS')) {
    kinds.push(rowCount);
  }
  assert.equal(kinds, [1, rows.length]);
});

test('SHOW RVBBIT with another word says what there is', async () => {
  await using engine = await Engine.open({ cascades: folder });
  const misspelt = await errorOf(engine.query('SHOW RVBBIT OPERATRS'));
  assert.is(misspelt.code, 'RVB_SYNTAX');
  assert.match(misspelt.message, /Expected JOBS, CASCADES or OPERATORS.*Did you mean OPERATORS\?/);
  assert.match(
    (await errorOf(engine.query('SHOW RVBIT CASCADES'))).message,
    'Did you mean RVBBIT?',
  );
});

test('DESCRIBE of a MAP or RUN gives its columns and asks nothing; SUMMARIZE runs it', async () => {
  let asked = 0;
  await using engine = await Engine.open({
    cascades: folder,
    model: async () => {
      asked += 1;
      return { text: JSON.stringify([asked]), finishReason: 'stop' };
    },
  });
  const shape = async (sql: string) =>
    (await engine.query(sql)).rows.map((row) => `${row['column_name']} ${row['column_type']}`);
  const using = 'USING (SELECT x::VARCHAR AS text FROM range(3) t(x)) WITH (cache = false)';
  for (const sql of [
    `DESCRIBE RVBBIT MAP 'more/asks' AS (a INT[]) ${using} -- the end`,
    `-- first\n/* then */ desc rvbbit map PARALLEL 2 'more/asks' AS (a INT[]) ${using}`,
    `-- first\nDESCRIBE FROM (RVBBIT MAP 'more/asks' AS (a INT[]) ${using})`,
  ]) {
    assert.equal(await shape(sql), ['text VARCHAR', 'a INTEGER[]'], sql);
  }
  assert.equal(await shape("DESCRIBE RVBBIT RUN 'twice' USING (SELECT 1 AS n)"), [
    'result VARCHAR',
  ]);
  assert.is(asked, 0);
  assert.equal(await shape(`SUMMARIZE RVBBIT MAP 'more/asks' AS answer ${using}`), [
    'text VARCHAR',
    'answer VARCHAR',
  ]);
  assert.is(asked, 3);
});

test('a mistake in a described MAP is told with its place', async () => {
  await using engine = await Engine.open({ cascades: folder });
  const slip = await errorOf(
    engine.query("DESCRIBE RVBBIT MAP PARALEL 2 'twice' USING (SELECT 1)"),
  );
  assert.match(slip.message, /^line 1, column 21: .*Did you mean PARALLEL\?/);
  const column = await errorOf(engine.query("DESCRIBE RVBBIT MAP 'twice' USING (SELECT nope)"));
  assert.equal(column.place, { line: 1, column: 43 });
});

test('PREPARE of a MAP says how values are given to it', async () => {
  await using engine = await Engine.open({ cascades: folder });
  for (const sql of [
    "PREPARE q AS RVBBIT MAP 'twice' USING (SELECT $1 AS n)",
    "PREPARE q (INT) AS SELECT * FROM (RVBBIT MAP 'twice' USING (SELECT $1 AS n))",
    "PREPARE q AS SELECT 'a' MEANS $1",
  ]) {
    const { code, message } = await errorOf(engine.query(sql));
    assert.is(code, 'RVB_UNSUPPORTED');
    assert.match(message, /with its values each time: query\(sql, values\)/);
  }
  const { rows } = await engine.query("RVBBIT MAP 'twice' USING (SELECT $1::INT AS n)", [4]);
  assert.equal(rows, [{ n: 4, result: '8' }]);
});

test.run();
