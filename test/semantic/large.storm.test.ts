/** A million rows over few answers: looked up inside DuckDB, beside the same join in plain DuckDB. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cases } from '../support/cases.ts';
import { compareLookUp, compareLookUps, compareNested } from './look-ups.ts';
import { openSemantic } from './support.ts';

/** The join's time may be taken this many times. */
const MOST = 6;
const SIZE = { rows: 1_000_000, texts: 10_000 };

test('takes no more than six times the join that finds the same answers', async () => {
  const ratio = await compareLookUp({ ...SIZE, rounds: cases(7, 15) });
  assert.ok(ratio <= MOST, `the look-up takes ${ratio.toFixed(1)} times the join`);
});

test('takes no more for several look-ups, in conditions, in the select list, and under a CASE', async () => {
  const ratio = await compareLookUps({ ...SIZE, rounds: cases(3, 15) });
  assert.ok(ratio <= MOST, `several look-ups take ${ratio.toFixed(1)} times the join`);
});

test('looks operators up that stand fourteen deep within one another', async () => {
  await using engine = await openSemantic();
  await compareNested(engine, { rows: 21_000, depth: 14 });
});

test.run();
