/** Rows whose text is NULL, beside rows whose answers fail: they are NULL, never the default. */
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acquireDatabase } from '../../src/duck/registry.ts';
import { Session } from '../../src/duck/session.ts';
import { Engine } from '../../src/index.ts';
import { loadOperators } from '../../src/operators/load-operators.ts';
import { AnswerBook } from '../../src/semantic/ask/answer-book.ts';
import { type LookUpState, registerLookUps } from '../../src/semantic/look-up/look-up.ts';
import { takeSymbol } from '../../src/semantic/read/symbols.ts';
import { type OperatorUse, typesOf } from '../../src/semantic/read/use.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import {
  answerFor,
  expectedOf,
  FORMS,
  type Form,
  JOINED_FORMS,
  model,
  randomTexts,
  type Said,
  type Texts,
  valuesSql,
  WHOLE_FORMS,
} from './null-tables.ts';
import { random } from './support.ts';

const root = fileURLToPath(new URL('../../../test/fixtures/semantic-model', import.meta.url));

const TABLES = 16;
const ARMS = 32;
/** Of so many statements, one has rows enough for its answers to be joined. */
const JOINED_EVERY = 50;

const FALLBACKS = [
  ['default:true', true],
  ['default:true', true],
  ['default:false', false],
  ['null', null],
] as const;

/** Tables n0, n1 and so on. `renew` makes one of them anew, with other texts. */
class Tables {
  readonly #engine: Engine;
  readonly #texts: Texts[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async renew(): Promise<void> {
    const table = this.#texts.length < TABLES ? this.#texts.length : random(TABLES);
    const texts = randomTexts();
    const kind = random(2) === 0 ? 'TEMP TABLE' : 'TABLE';
    await this.#engine.query(`DROP TABLE IF EXISTS n${table}`);
    await this.#engine.query(`CREATE ${kind} n${table} AS FROM ${valuesSql(texts)}`);
    this.#texts[table] = texts;
  }

  /** A relation and its texts: a table, or a list of VALUES. */
  pick(): readonly [relation: string, texts: Texts] {
    const table = random(TABLES * 2);
    const texts = this.#texts[table];
    if (texts !== undefined) return [`n${table}`, texts];
    const others = randomTexts();
    return [valuesSql(others), others];
  }
}

test('are NULL in every form of query, and what fails beside them is the default', async () => {
  await using engine = await Engine.open({ cascades: root, threads: 1, parallel: 8, model });
  const tables = new Tables(engine);
  for (let table = 0; table < TABLES; table++) await tables.renew();
  const wanted = cases(30, 25_000);
  let tried = 0;
  let statements = 0;
  for (; tried < wanted; statements += 1) {
    await tables.renew();
    const forms = formsOf(statements);
    const picked = forms.map(() => tables.pick());
    const [onError, fallback] = FALLBACKS[random(FALLBACKS.length)]!;
    const query = forms.map((form, index) => form.sql(index, picked[index]![0]));
    const cache = random(16) === 0 ? '-- @ cache: false\n' : '';
    const sql = `-- @ on_error: ${onError}\n${cache}${query.join('\nUNION ALL ')}`;
    const { rows } = await engine.query(sql);
    const expected = forms.flatMap((form, index) =>
      expectedOf(form, index, picked[index]![1], fallback),
    );
    assertSaid(rows, expected, sql);
    tried += forms.length;
  }
  reportCases(tried, `tables in ${statements} statements`);
});

/** One form, or many in a UNION ALL: mostly the one that takes least time, so that there are very many. */
function formsOf(statement: number): readonly Form[] {
  if (statement % JOINED_EVERY === 0) return [pickOf(JOINED_FORMS)];
  if (statement % 4 === 1) return [pickOf(WHOLE_FORMS)];
  const forms = statement % 8 === 2 ? FORMS : FORMS.slice(0, 1);
  return Array.from({ length: ARMS }, () => pickOf(forms));
}

test('are NULL where the answers are at hand and looked up by functions', async () => {
  const lease = await acquireDatabase(':memory:');
  const session = await Session.open(lease);
  const operator = (await loadOperators(root)).operators.get('MEANS')!;
  const book = new AnswerBook(operator);
  const names = takeSymbol(typesOf(operator, 'value'));
  const use: OperatorUse = { book, reading: 'value', names, threshold: 0 };
  const state: LookUpState = { strict: false, stopped: false, rows: 0, mostMissing: Infinity };
  await registerLookUps(session, [use], state);
  const count = cases(100, 100_000);
  for (let done = 0; done < count; done++) {
    const texts = randomTexts();
    for (const text of texts) if (text !== null) book.answer([text, 'c'], answerFor(text, true)!);
    const sql = `SELECT 0 AS t, id, x ${names.infix} 'c' AS a FROM ${valuesSql(texts)}`;
    const rows = await (await session.run(sql)).rows('json');
    assertSaid(rows, expectedOf(FORMS[0]!, 0, texts, true), sql);
    assert.is(book.missing, 0, `asks about a NULL: ${sql}`);
  }
  reportCases(count, 'tables with their answers at hand');
  names.release();
  await session.close();
  await lease.release();
});

function pickOf<T>(list: readonly T[]): T {
  return list[random(list.length)]!;
}

function assertSaid(
  rows: readonly Record<string, unknown>[],
  expected: readonly Said[],
  sql: string,
): void {
  const said = rows.map(({ t, id, a }) => `${t} ${id} ${a}`);
  const right = expected.map((row) => row.map(String).join(' '));
  assert.equal(said.sort(), right.sort(), `seed ${seed}: ${sql}`);
}

test.run();
