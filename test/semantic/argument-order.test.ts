/** The order of arguments in calls of infix operators: a swapped call is refused and never answered. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { errorOf } from '../model/engine-support.ts';
import { makeRoot, operatorFile } from '../operators/support.ts';

const open = async (cascades = makeRoot({})): Promise<Engine> => {
  const engine = await Engine.open({ cascades, threads: 1, model: 'lexical' });
  await engine.query("CREATE TABLE p AS FROM (VALUES (1, 'eco cup'), (2, 'cup')) t(id, d)");
  return engine;
};
const engine = await open();
test.after(() => engine.close());

const values = async (sql: string, of = engine): Promise<readonly unknown[]> =>
  (await of.query(`SELECT ${sql} AS v FROM p ORDER BY id`)).rows.map(({ v }) => v);

test('matches has the criterion first, semantic_matches the text, and both ask what MATCHES asks', async () => {
  const asked = await engine.query(
    `SELECT d MATCHES 'eco' AS a, matches('eco', d) AS b, Matches_Parallel('eco', d) AS c,
      semantic_matches(d, 'eco') AS e FROM p ORDER BY id`,
  );
  assert.equal(
    asked.rows.map((row) => Object.values(row)),
    [
      [true, true, true, true],
      [false, false, false, false],
    ],
  );
  assert.equal(await values("matches('eco', 'an eco cup')"), [true, true]);
  assert.equal(await values("semantic_means('an eco cup', 'eco')"), [true, true]);
});

const SWAPPED: Readonly<Record<string, string>> = {
  "semantic_matches('eco', d)":
    "semantic_matches takes (text, criterion), and here text is the same for all rows while criterion is not; write d MATCHES 'eco', or 'eco' MATCHES d if that is meant",
  'semantic_matches(d, d)': 'nothing here tells one from the other',
  "semantic_matches('eco', 'an eco cup')": 'nothing here tells one from the other',
  "matches(d, 'eco')": 'matches takes (criterion, text)',
  "semantic_means('eco', (SELECT max(d) FROM p))": "write ((SELECT max(d) FROM p)) MEANS 'eco'",
  "semantic_aligns_with(upper('a'), p.d || 'x')": "write (p.d || 'x') ALIGNS WITH (upper('a'))",
  "semantic_extracts('brand', d)": 'semantic_extracts takes (text, what)',
  "semantic_implies('it rains', d)": "or 'it rains' IMPLIES d if that is meant",
};

test('a call with a constant text and a criterion that is not constant is refused, with both readings', async () => {
  for (const [sql, message] of Object.entries(SWAPPED)) {
    const error = await errorOf(engine.query(`SELECT id,\n  ${sql} FROM p`));
    assert.is(error.code, 'RVB_AMBIGUOUS_OPERAND', sql);
    assert.ok(error.message.includes(message), error.message);
    assert.equal(error.place, { line: 2, column: 3 });
  }
  const parameter = errorOf(engine.query('FROM p WHERE semantic_matches($1, d)', ['eco']));
  assert.is((await parameter).code, 'RVB_AMBIGUOUS_OPERAND');
  assert.is((await engine.query("FROM p WHERE 'eco' MATCHES d")).rows.length, 1, 'infix says it');
});

test('symmetric operators take their arguments in any order', async () => {
  assert.equal(await values("semantic_same_as('CUP', d)"), [false, true]);
});

test("the order of a user's operator counts, and a function of the user's own name is the user's", async () => {
  const args = '[{ name: text, type: VARCHAR }, { name: other, type: VARCHAR }]';
  const file = operatorFile({ name: 'PRECEDES', args, operators: '["{other} PRECEDES {text}"]' });
  await using own = await open(makeRoot({ 'precedes.yaml': file }));
  const error = await errorOf(own.query("SELECT semantic_precedes(d, 'x') FROM p"));
  assert.match(error.message, /takes \(text, other\), and here other is the same for all rows/);
  await own.query("CREATE MACRO matches(a, b) AS a || '!' || b");
  assert.equal(await values("matches(d, 'x')", own), ['eco cup!x', 'cup!x']);
});

test.run();
