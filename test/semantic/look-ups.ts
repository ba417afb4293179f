/** Look-ups inside DuckDB beside the same join in plain DuckDB: both give the same, and how long each takes. */
import * as assert from 'uvu/assert';
import { acquireDatabase } from '../../src/duck/registry.ts';
import { Session } from '../../src/duck/session.ts';
import type { Engine } from '../../src/index.ts';
import { loadOperators } from '../../src/operators/load-operators.ts';
import { type Answer, AnswerBook } from '../../src/semantic/ask/answer-book.ts';
import { type LookUpState, registerLookUps } from '../../src/semantic/look-up/look-up.ts';
import { TextCodes } from '../../src/semantic/look-up/text-codes.ts';
import { takeSymbol } from '../../src/semantic/read/symbols.ts';
import { type OperatorUse, typesOf } from '../../src/semantic/read/use.ts';
import { root, valuesOf } from './support.ts';

/** Looks the book's answers up by codes from now on. */
export async function useCodes(session: Session, use: OperatorUse, state: LookUpState) {
  const { book, names } = use;
  const codes = new TextCodes<Answer>(session);
  state.codes = codes;
  await codes.install(
    [...book.entries()].map(({ tuple, value }) => ({ book, tuple, value })),
    [use],
    () => [names.infix, names.call].map((macro) => ({ macro, calls: names.miss })),
  );
}

/** A table `big` of descriptions, of which there are `texts` different ones. */
export const bigTable = (rows: number, texts: number): string =>
  `CREATE TABLE big AS SELECT i AS id, 'description of product ' || (hash(i) % ${texts}) AS d, i % 7 AS c FROM range(${rows}) r(i)`;

/** How many rows, how many texts among them, and how often both sides are run. */
export interface Size {
  readonly rows: number;
  readonly texts: number;
  readonly rounds: number;
}

/** One look-up: the time that it takes, as a multiple of the join's. */
export async function compareLookUp({ rows, texts: textCount, rounds }: Size): Promise<number> {
  const lease = await acquireDatabase(':memory:');
  const session = await Session.open(lease);
  const operator = (await loadOperators(root)).operators.get('MEANS')!;
  const book = new AnswerBook(operator);
  await session.run(bigTable(rows, textCount));
  await session.run(
    "CREATE TABLE answers AS SELECT DISTINCT d AS k0, '7' AS k1, contains(d, '7') AS v FROM big",
  );
  const [texts = [], , found = []] = await (await session.run('FROM answers')).allColumns('json');
  for (const [index, text] of texts.entries())
    book.answer([String(text), '7'], found[index] === true);
  assert.is(book.size, textCount);
  const names = takeSymbol(typesOf(operator, 'value'));
  const use: OperatorUse = { book, reading: 'value', names, threshold: 0 };
  const state: LookUpState = { strict: false, stopped: false, rows: 0, mostMissing: Infinity };
  await registerLookUps(session, [use], state);
  const [semantic, plain]: number[][] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const counts: unknown[] = [];
    let started = performance.now();
    await useCodes(session, use, state);
    const looked = await session.run(`SELECT count(*) FROM big WHERE d ${names.infix} '7'`);
    await state.codes!.remove();
    semantic!.push(performance.now() - started);
    started = performance.now();
    const joined = await session.run(
      "SELECT count(*) FROM big JOIN answers ON k0 = d AND k1 = '7' WHERE v",
    );
    plain!.push(performance.now() - started);
    for (const reader of [looked, joined]) counts.push((await reader.allColumns('json'))[0]?.[0]);
    assert.is(counts[0], counts[1]);
  }
  assert.is(book.missing, 0);
  assert.is(state.rows, 0);
  const [lookUpMs, joinMs] = [median(semantic!), median(plain!)];
  const ratio = lookUpMs / joinMs;
  console.log(
    `look-up ${lookUpMs.toFixed(0)} ms, join ${joinMs.toFixed(0)} ms, ratio ${ratio.toFixed(1)}`,
  );
  names.release();
  await session.close();
  await lease.release();
  return ratio;
}

/** An operator in the place of `7`, `1` and `3`: `look` is the look-up of what is at hand, `plain` the column of a join. */
type Shape = readonly [criteria: readonly string[], list: string, where: string];

const SHAPES: readonly Shape[] = [
  [['7', '1'], 'count(*)', '{7} AND {1}'],
  [['7', '1', '3'], 'count(*)', '{7} AND {1} AND {3}'],
  [['7', '1'], 'count(*)', '{7} OR {1}'],
  [['7', '1'], 'count(*)', 'CASE WHEN {7} THEN true ELSE {1} END'],
  [['7', '1'], 'count(*)', 'CASE WHEN c < 3 THEN {7} ELSE {1} END'],
  [['7', '1', '3'], 'count(*)', 'CASE WHEN {7} THEN {1} ELSE {3} END'],
  [['7', '1'], 'sum(CASE WHEN {7} THEN 1 WHEN {1} THEN 2 ELSE 0 END)', 'true'],
  [['7', '1'], 'count({7}), count({1})', 'true'],
  [['7', '1', '3'], 'sum(CASE WHEN {1} THEN 1 WHEN {3} THEN 2 ELSE 0 END)', '{7} OR {1}'],
];

/** Several look-ups in one statement, in each of its shapes: the greatest of the multiples. */
export async function compareLookUps({ rows, texts: textCount, rounds }: Size): Promise<number> {
  let most = 0;
  const lease = await acquireDatabase(':memory:');
  const session = await Session.open(lease);
  const operator = (await loadOperators(root)).operators.get('MEANS')!;
  const book = new AnswerBook(operator);
  await session.run(bigTable(rows, textCount));
  await session.run(
    "CREATE TABLE answers AS SELECT d AS k0, k1, contains(d, k1) AS v FROM (SELECT DISTINCT d FROM big), (SELECT unnest(['7', '1', '3']) AS k1)",
  );
  const [texts = [], criteria = [], answers = []] = await (
    await session.run('FROM answers')
  ).allColumns('json');
  for (const [index, text] of texts.entries())
    book.answer([String(text), String(criteria[index])], answers[index] === true);
  const names = takeSymbol(typesOf(operator, 'value'));
  const use: OperatorUse = { book, reading: 'value', names, threshold: 0 };
  const state: LookUpState = { strict: false, stopped: false, rows: 0, mostMissing: Infinity };
  await registerLookUps(session, [use], state);
  for (const [shared, list, where] of SHAPES) {
    const filled = (text: string, of: (key: string) => string) =>
      text.replaceAll(/\{(\d)\}/g, (_, key: string) => of(key));
    const written = (text: string) => filled(text, (key) => `(d ${names.infix} '${key}')`);
    const semantic = `SELECT ${written(list)} FROM big WHERE ${written(where)}`;
    const joins = shared.map(
      (key) => `JOIN answers a${key} ON a${key}.k0 = d AND a${key}.k1 = '${key}'`,
    );
    const of = (text: string) => filled(text, (key) => `a${key}.v`);
    const plain = `SELECT ${of(list)} FROM big ${joins.join(' ')} WHERE ${of(where)}`;
    const [semanticMs, plainMs]: number[][] = [[], []];
    for (let round = 0; round < rounds; round++) {
      let started = performance.now();
      await useCodes(session, use, state);
      const looked = await session.run(semantic);
      await state.codes!.remove();
      semanticMs!.push(performance.now() - started);
      started = performance.now();
      const same = await session.run(plain);
      plainMs!.push(performance.now() - started);
      const [found, others] = [await looked.allColumns('json'), await same.allColumns('json')];
      assert.equal(found, others);
    }
    assert.is(book.missing, 0);
    assert.is(state.rows, 0);
    // Of what was measured side by side: a busy machine slows both.
    const ratio = median(semanticMs!.map((ms, round) => ms / plainMs![round]!));
    console.log(`SELECT ${list} WHERE ${where}: ratio ${ratio.toFixed(1)}`);
    most = Math.max(most, ratio);
  }
  names.release();
  await session.close();
  await lease.release();
  return most;
}

/** Operators within operators, over many rows: gives what plain macros give. */
export async function compareNested(
  engine: Engine,
  { rows, depth }: { readonly rows: number; readonly depth: number },
): Promise<void> {
  await engine.query(
    `CREATE TABLE deep AS SELECT 'text ' || (i % 3) AS d FROM range(${rows}) r(i)`,
  );
  const nested = (wrap: (inner: string, step: number) => string) =>
    Array.from({ length: depth }).reduce<string>((inner, _, step) => wrap(inner, step), 'd');
  const count = (text: string) => `SELECT ${text} AS v, count(*) FROM deep GROUP BY 1 ORDER BY 1`;
  const semantic = count(nested((inner, step) => `(${inner} ASK '${step}')`));
  const plain = count(nested((inner, step) => `m_ask(${inner}, '${step}')`));
  assert.equal(valuesOf(await engine.query(semantic)), valuesOf(await engine.query(plain)));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
