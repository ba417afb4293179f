/**
 * Generated semantic queries ask no more questions than DuckDB evaluates for the same query, and a sample of the
 * operators, with which the cheaper condition is found.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NotingDuckDb } from '../../bench/suites/duckdb-evaluates.ts';
import { cases, deep, mulberry, QUICK_BUDGET_MS, reportCases, seed } from '../support/cases.ts';
import { QueryMaker, tablesSql } from './queries.ts';
import { MACROS, openSemantic } from './support.ts';

/** The most questions that a condition is tried with. */
const MOST_SAMPLE = 20;
/** The largest share of queries that may ask more than DuckDB evaluates, sample or not. It was 7 % when it was measured. */
const MOST_ABOVE = 0.15;

test('asks no more than DuckDB evaluates, and a sample', async () => {
  await using engine = await openSemantic();
  const duckDb = await NotingDuckDb.open(MACROS, '');
  const random = mulberry(seed);
  const maker = new QueryMaker(random);
  const count = cases(400, 10_000);
  const started = performance.now();
  let compared = 0;
  let above = 0;
  let [asked, evaluated] = [0, 0];
  for (let made = 0; made < count; made += 1) {
    if (!deep && performance.now() - started > QUICK_BUDGET_MS) break;
    if (made % 20 === 0) {
      for (const sql of tablesSql(random).split('; ')) {
        await engine.query(sql);
        await duckDb.run(sql);
      }
    }
    const { kind, plain, semantic } = maker.next();
    if (kind === 'changes') continue;
    const questions = await duckDb.questionsOf(plain).catch(() => undefined);
    if (questions === undefined) continue;
    const { summary } = await engine.query(`-- @ parallel: 1\n-- @ cache: false\n${semantic}`);
    const operators = plain.split('m_').length - 1;
    const most = questions + MOST_SAMPLE * operators;
    assert.ok(
      summary.runs <= most,
      `seed ${seed}: ${summary.runs} questions, and at most ${most}: ${semantic}`,
    );
    compared += 1;
    if (summary.runs > questions) above += 1;
    asked += summary.runs;
    evaluated += questions;
  }
  const found = `queries with ${asked} questions, of ${evaluated} that DuckDB evaluates; ${above} ask more`;
  reportCases(compared, found);
  assert.ok(compared > 0 && above <= MOST_ABOVE * compared, `${compared} ${found}`);
});

test.run();
