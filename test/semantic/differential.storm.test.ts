/** Semantic queries beside the same queries with a plain DuckDB macro in each operator's place. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine, QueryResult, Row } from '../../src/index.ts';
import { cases, deep, mulberry, QUICK_BUDGET_MS, reportCases, seed } from '../support/cases.ts';
import { QueryMaker, tablesSql } from './queries.ts';
import type { GeneratedQuery } from './query-parts.ts';
import { openSemantic, valuesOf } from './support.ts';

test('gives what calling the operator once a row gives, over every clause', async () => {
  await using engine = await openSemantic();
  const random = mulberry(seed);
  const maker = new QueryMaker(random);
  const count = cases(600, 10_000);
  const started = performance.now();
  let done = 0;
  let both = 0;
  for (; done < count; done++) {
    if (!deep && performance.now() - started > QUICK_BUDGET_MS) break;
    if (done % 20 === 0) for (const sql of tablesSql(random).split('; ')) await engine.query(sql);
    const query = maker.next();
    if (await compare(engine, query)) both += 1;
  }
  reportCases(done, `semantic queries of which ${both} are valid`);
  assert.ok(both > done * 0.8, `only ${both} of ${done} generated queries are valid`);
});

/** Whether both succeed; fails where one does and the other does not, or they differ. */
async function compare(engine: Engine, query: GeneratedQuery): Promise<boolean> {
  const [semantic, plain] = [
    await outcome(engine, query, 'semantic'),
    await outcome(engine, query, 'plain'),
  ];
  const what = `seed ${seed}: ${query.semantic}`;
  // A statement that writes refuses where every run has failed.
  if (semantic.error?.includes('nothing was written') === true) return false;
  if (plain.error !== undefined || semantic.error !== undefined) {
    const both = plain.error !== undefined && semantic.error !== undefined;
    assert.ok(
      both,
      `${what}\n  semantic: ${semantic.error}\n  plain: ${plain.error} (${query.plain})`,
    );
    return false;
  }
  const sort = (rows: readonly string[]) => (query.kind === 'ordered' ? rows : [...rows].sort());
  assert.equal(sort(semantic.rows), sort(plain.rows), what);
  return true;
}

/**
 * A stream gives the same rows, though some of them before others are certain; and in the same order, where DuckDB
 * keeps one: rows of one table without a join, groups or windows, whose partitions DuckDB gives in any order.
 */
async function compareStream(engine: Engine, sql: string, { columns, rows }: QueryResult) {
  const hasOrder =
    !/\bFROM\b.*\b(?:FROM|JOIN|GROUP|DISTINCT)\b|\b(?:DISTINCT|OVER)\b|FROM \w+ ?\w*,/s.test(sql);
  const inOrder = (of: readonly string[]) => (hasOrder ? of : [...of].sort());
  await using session = await engine.session();
  const stream = session.stream(sql);
  const streamed: Row[] = [];
  for await (const row of stream) streamed.push(row);
  const named = (of: QueryResult['columns']) => of.map(({ name, type }) => `${name} ${type}`);
  assert.equal(named(await stream.columns), named(columns), sql);
  assert.equal(inOrder(valuesOf({ rows: streamed })), inOrder(valuesOf({ rows })), sql);
}

async function outcome(engine: Engine, query: GeneratedQuery, side: 'semantic' | 'plain') {
  try {
    if (query.kind !== 'changes') {
      const result = await engine.query(query[side]);
      if (side === 'semantic') await compareStream(engine, query.semantic, result);
      return { rows: valuesOf(result) };
    }
    await engine.query('CREATE OR REPLACE TABLE target AS FROM t');
    // A failed answer is NULL to the macro as well.
    const options = side === 'semantic' ? '-- @ on_error: null\n' : '';
    await engine.query(`${options}${query[side]}`);
    return { rows: valuesOf(await engine.query('FROM target')) };
  } catch (thrown) {
    return { rows: [], error: String(thrown).slice(0, 400) };
  }
}

test.run();
