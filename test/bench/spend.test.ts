/** The suite `spend` runs, and what it counts is what it is to be. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Sample } from '../../bench/suite.ts';
import { spend } from '../../bench/suites/spend.ts';

const main = fileURLToPath(new URL('../../bench/main.js', import.meta.url));

/** Calls and the least, where both are determined: 1,000 rows of 500 texts, of which the condition leaves some. */
const DETERMINED: Readonly<Record<string, readonly [calls: number, least: number]>> = {
  'a plain condition first': [143, 143],
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
const OPEN = [
  '10 % before 90 %',
  '90 % before 10 %',
  'LIMIT',
  'LIMIT under an order',
  'record, ask, rerun',
];

test('every figure holds, and those that are determined are exact', async () => {
  const samples = new Map<string, Sample>();
  for (const { name, measure } of spend.variants) samples.set(name, await measure());
  for (const [name, [calls, least]] of Object.entries(DETERMINED)) {
    assert.is(samples.get(name)?.['calls'], calls, name);
    assert.is(samples.get(name)?.['least'], least, name);
  }
  assert.equal([...Object.keys(DETERMINED), ...OPEN].sort(), [...samples.keys()].sort());
  for (const [name, { calls, explainLeast, expected, explainMost }] of samples) {
    const told = `${name}: ${explainLeast} to ${explainMost}, expected ${expected}, and ${calls} were made`;
    if (OPEN.includes(name)) {
      assert.ok(explainLeast! <= calls! && calls! <= explainMost!, told);
      assert.ok(Math.abs(expected! - calls!) <= 0.2 * calls!, told);
    } else assert.equal([explainLeast, expected, explainMost], [calls, calls, calls], told);
  }
  const figures = spend.figures((variant, metric) => samples.get(variant)![metric]!);
  assert.is(figures.length, 2 * samples.size + OPEN.length);
  for (const { name, value, atMost = Number.POSITIVE_INFINITY } of figures) {
    assert.ok(value <= atMost, `${name}: ${value}, and at most ${atMost}`);
  }
  // The order in which conditions are written does not matter; how many answers are in when the better order shows, does.
  const [one, other] = ['10 % before 90 %', '90 % before 10 %'].map(
    (name) => samples.get(name)!['calls']!,
  );
  assert.ok(Math.abs(one! - other!) <= 0.02 * one!, `${one} calls and ${other}`);
});

test('it is a suite of the command', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    main,
    '--sample',
    'spend',
    'CASE',
  ]);
  const sample = JSON.parse(stdout) as Sample;
  assert.is(sample['calls'], 143);
});

test.run();
