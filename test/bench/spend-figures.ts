/** What the suite `spend` is to count. */
import * as assert from 'uvu/assert';
import type { Sample } from '../../bench/suite.ts';
import { spend } from '../../bench/suites/spend.ts';

/** Calls and the least, where both are determined: 1,000 rows of 500 texts, of which the condition leaves some. */
export const DETERMINED: Readonly<Record<string, readonly [calls: number, least: number]>> = {
  'a plain condition first': [143, 143],
  'plain conditions that a scan does not decide': [149, 149],
  'ORDER BY RELEVANCE TO, LIMIT': [286, 286],
  'OR with a plain condition': [285, 285],
  CASE: [143, 143],
  'a join': [143, 143],
  'a CTE': [143, 143],
  'the select list under a LIMIT': [9, 9],
  'the same query again': [0, 0],
  'MAP over duplicates': [500, 500],
  'rvbbit_run over duplicates': [500, 500],
};
/** Calls that depend on the answers: EXPLAIN expects some, by what was asked of other texts. */
export const OPEN = [
  '10 % before 90 %',
  '90 % before 10 %',
  'LIMIT',
  'LIMIT under an order',
  'record, ask, rerun',
];

/** Measures variants one after another; each has the figures that it is to have. */
export async function measured(names: readonly string[]): Promise<Map<string, Sample>> {
  const samples = new Map<string, Sample>();
  for (const { name, measure } of spend.variants) {
    if (names.includes(name)) samples.set(name, await measure());
  }
  assert.equal([...samples.keys()].sort(), [...names].sort());
  for (const [name, { calls, least, explainLeast, expected, explainMost }] of samples) {
    const told = `${name}: ${explainLeast} to ${explainMost}, expected ${expected}, and ${calls} were made`;
    if (OPEN.includes(name)) {
      assert.ok(explainLeast! <= calls! && calls! <= explainMost!, told);
      assert.ok(Math.abs(expected! - calls!) <= 0.2 * calls!, told);
    } else {
      assert.equal([calls, least], DETERMINED[name], name);
      assert.equal([explainLeast, expected, explainMost], [calls, calls, calls], told);
    }
  }
  return samples;
}
