/** A million rows over few answers, looked up by codes, beside the same join in plain DuckDB: the ratio of their times is printed. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cases } from '../support/cases.ts';
import { bigTable, compareLookUp, compareLookUps, compareNested } from './look-ups.ts';
import { openSemantic } from './support.ts';

const SIZE = { rows: 1_000_000, texts: 10_000 };

test('gives what the join gives', async () => {
  await compareLookUp({ ...SIZE, rounds: cases(2, 15) });
});

test('gives the same for several look-ups, in conditions, in the select list, and under a CASE', async () => {
  await compareLookUps({ ...SIZE, rounds: cases(1, 15) });
});

test('rows keep their order', async () => {
  await using engine = await openSemantic();
  await engine.query(bigTable(SIZE.rows, 20));
  const { rows } = await engine.query("SELECT id FROM big WHERE d MEANS '7' AND d NOT MEANS '1'");
  const ids = rows.map(({ id }) => Number(id));
  assert.ok(ids.length > 10_000);
  assert.ok(ids.every((id, at) => at === 0 || id > ids[at - 1]!));
});

test('looks operators up that stand fourteen deep within one another', async () => {
  await using engine = await openSemantic();
  await compareNested(engine, { rows: 21_000, depth: 14 });
});

test.run();
