/** Every built-in operator given what it does not take: told before anything is asked, with place and signature. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type RvbbitError } from '../../src/index.ts';
import { signatureOf } from '../../src/operators/check-call.ts';
import { requiredArgs } from '../../src/operators/function-file.ts';
import { loadOperators } from '../../src/operators/load-operators.ts';
import type { Operator } from '../../src/operators/operator.ts';
import { refusedCall } from '../../src/semantic/read/argument-types.ts';
import { deep } from '../support/cases.ts';
import { makeRoot, operatorFile } from './support.ts';

const TABLE = `CREATE TABLE t AS SELECT 'a' AS text, 1 AS n, DATE '2020-01-01' AS d, ['a'] AS l,
  {'b, c': 'x'} AS s, 'e'::ENUM('e', 'f, g)') AS e, '{}'::JSON AS j, true AS b, 1.5 AS x`;
/** What is no text, and how DuckDB calls it. */
const NO_TEXTS = {
  n: 'INTEGER',
  d: 'DATE',
  l: 'VARCHAR[]',
  s: 'STRUCT("b, c" VARCHAR)',
  b: 'BOOLEAN',
  x: 'DECIMAL(2,1)',
  '5': 'INTEGER_LITERAL',
} as const;

let asked = 0;
let engine: Engine;

test.before(async () => {
  engine = await openWith({
    'date.yaml': operatorFile({
      name: 'SEASON',
      returns: 'DECIMAL(6,2)',
      args: '[{ name: day, type: DATE }, { name: n, type: INTEGER, optional: true }]',
      operators: undefined,
    }),
    'later.yaml': operatorFile({
      name: 'LATER',
      args: '[{ name: day, type: TIMESTAMP }, { name: other, type: DATE }]',
      operators: '["{day} LATER {other}"]',
    }),
    'list.yaml': operatorFile({
      name: 'ANYOF',
      args: '[{ name: text, type: VARCHAR }, { name: list, type: "VARCHAR[]" }]',
      operators: '["{text} ANYOF {list}"]',
    }),
  });
});
test.after(() => engine.close());

async function openWith(files: Readonly<Record<string, string>>): Promise<Engine> {
  const opened = await Engine.open({
    cascades: makeRoot(files),
    threads: 1,
    model: async () => {
      asked += 1;
      return { text: 'true', finishReason: 'stop' };
    },
  });
  await opened.query(TABLE);
  return opened;
}

/** The operator in every spelling that it has, over these arguments. */
function* written({ patterns, functionName }: Operator, args: readonly string[]) {
  yield `${functionName}(${args.join(', ')})`;
  if (args.length !== 2) return;
  for (const { words } of patterns)
    yield `(${args[0]}) ${words.join(' ').toLowerCase()} (${args[1]})`;
}

async function refused(sql: string): Promise<RvbbitError> {
  const before = asked;
  try {
    await engine.query(sql);
  } catch (thrown) {
    assert.is(asked, before, sql);
    const error = thrown as RvbbitError;
    assert.is(error.code, 'RVB_TYPE_MISMATCH', `${sql}: ${error.message}`);
    assert.match(error.message, /\n *\^$/, sql);
    return error;
  }
  throw new Error(`it was taken: ${sql}`);
}

test('a wrong number of arguments is told with the signature and the place', async () => {
  const operators = [...(await loadOperators('/')).operators.values()];
  let count = 0;
  for (const operator of operators.filter(({ shape }) => shape === 'SCALAR')) {
    const { args, functionName } = operator;
    for (const given of [0, requiredArgs(operator) - 1, args.length + 1]) {
      const list = Array.from({ length: given }, () => 'text').join(', ');
      const { message, place } = await refused(`SELECT 1,\n  ${functionName}(${list}) FROM t`);
      assert.ok(message.includes(`and got ${given}: ${signatureOf(operator)}`), message);
      assert.equal(place, { line: 2, column: 3 });
      count += 1;
    }
    const named = await refused(`SELECT ${functionName}(text, how := 'x') FROM t`);
    assert.match(named.message, /by their places, and got how := …/);
  }
  assert.is(count, 18 * 3);
});

test('what is no text is not taken for one, in any spelling, place or statement', async () => {
  const operators = [...(await loadOperators('/')).operators.values()];
  const types = Object.entries(NO_TEXTS);
  let next = 0;
  for (const operator of operators.filter(({ shape }) => shape === 'SCALAR')) {
    const required = requiredArgs(operator);
    for (const [i, { name }] of operator.args.slice(0, required).entries()) {
      // One type for each argument in turn: that a type is no text does not depend on the operator.
      const given = deep || operator.name === 'MEANS' ? types : [types[next++ % types.length]!];
      for (const [value, type] of given) {
        const args = Array.from({ length: required }, (_, at) => (at === i ? value : 'text'));
        for (const call of written(operator, args)) {
          const { message, place } = await refused(`SELECT text FROM t WHERE (${call}) IS NULL`);
          const what = `the argument ${name} of ${operator.name} is VARCHAR, and got ${type}; cast it`;
          assert.ok(message.includes(what), `${call}: ${message}`);
          assert.ok(message.includes(signatureOf(operator)), message);
          assert.is(place?.line, 1);
        }
      }
    }
  }
  for (const sql of [
    "CREATE TABLE made AS SELECT n MEANS 'x' FROM t WHERE text MEANS 'y'",
    "INSERT INTO t BY NAME SELECT text FROM t WHERE n MEANS 'x'",
    "UPDATE t SET n = 1 WHERE d MEANS 'x'",
    "DELETE FROM t WHERE text MEANS 'y' AND n MEANS 'x'",
    "COPY (SELECT text MEANS n FROM t) TO 'never.csv'",
    "EXPLAIN SELECT text FROM t WHERE text MEANS n AND text MEANS 'y'",
    "SELECT text FROM t WHERE text MEANS 'y' AND (SELECT count(*) FROM t u WHERE u.n MEANS t.text) > 0",
  ]) {
    assert.match((await refused(sql)).message, /of MEANS is VARCHAR, and got (INTEGER|DATE)/);
  }
});

test('texts are taken from VARCHAR, JSON, ENUM, NULL, literals and parameters', async () => {
  for (const value of ['text', 'j', 'e', 'NULL', "'x'", "upper('x')", '$1', 'n::VARCHAR']) {
    const parameters = value === '$1' ? ['x'] : undefined;
    const sql = `SELECT count(${value} SOUNDS_LIKE 'x') AS n FROM t`;
    assert.is((await engine.query(sql, parameters)).rowCount, 1, value);
  }
});

test('other types are taken as strictly where DuckDB would cast', async () => {
  for (const sql of [
    'SELECT season(d), season(d, 5), season(d, n) FROM t',
    "SELECT season('2020-01-01')",
    "SELECT d LATER '2020-01-01', d::TIMESTAMP LATER d FROM t",
  ]) {
    const { rowCount } = await engine.query(sql);
    assert.is(rowCount, 1);
  }
  for (const [sql, message] of [
    ['SELECT season(text) FROM t', 'day of SEASON is DATE, and got VARCHAR'],
    ["SELECT season(d, '5') FROM t", 'n of SEASON is INTEGER, and got STRING_LITERAL'],
    ['SELECT season(d, x) FROM t', 'n of SEASON is INTEGER, and got DECIMAL(2,1)'],
    [
      'SELECT 1 FROM t WHERE season(d) > 1 OR season(n) > 1',
      'day of SEASON is DATE, and got INTEGER',
    ],
    ['SELECT n LATER d FROM t', 'day of LATER is TIMESTAMP, and got INTEGER'],
    ['SELECT d LATER d::TIMESTAMP FROM t', 'other of LATER is DATE, and got TIMESTAMP'],
  ] as const) {
    const error = await refused(sql);
    assert.ok(error.message.includes(message), error.message);
  }
});

test('an argument that is a list is refused by name for now', async () => {
  const failed = await engine.query('SELECT text ANYOF l FROM t').then(
    () => undefined,
    (thrown: RvbbitError) => thrown,
  );
  assert.is(failed?.code, 'RVB_UNSUPPORTED');
  assert.match(failed!.message, /an argument VARCHAR\[\]/);
});

test('what does not bind is told before anything is asked, whatever the statement', async () => {
  const before = asked;
  for (const [sql, place] of [
    ["CREATE TABLE made AS SELECT nope FROM t WHERE text MEANS 'x'", 29],
    ["DELETE FROM t WHERE text MEANS 'x' AND nope = 1", 40],
    ["INSERT INTO t (n) SELECT nope FROM t WHERE text MEANS 'x'", 26],
  ] as const) {
    const error = await engine.query(sql).then(
      () => undefined,
      (thrown: RvbbitError) => thrown,
    );
    assert.is(error?.sqlState, '42703', sql);
    assert.equal(error?.place, { line: 1, column: place }, sql);
  }
  assert.is(asked, before);
});

test("the types in a binder's error are told apart", () => {
  const message = (list: string) =>
    `Binder Error: No function matches the given name and argument types 'f(${list})'. You might need`;
  assert.equal(refusedCall(message(''))!.types, []);
  const types = [
    'INTEGER',
    'STRUCT("a, (b" VARCHAR, c DECIMAL(2,1))',
    "ENUM('x', 'y)')",
    'MAP(VARCHAR, DATE)[]',
  ];
  assert.equal(refusedCall(message(types.join(', '))), { name: 'f', types });
  assert.is(refusedCall('Binder Error: something else'), undefined);
});

test.run();
