/** A LIMIT: its rows are those that one call a row would leave, though what comes after them is not asked. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine } from '../../src/index.ts';
import { openItems } from './items.ts';
import { openSemantic } from './support.ts';

const items = await openItems();
test.after(() => items.close());

async function withEngine(use: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = await openSemantic();
  try {
    await use(engine);
  } finally {
    await engine.close();
  }
}

test('asks what stands in the argument of another operator', () =>
  withEngine(async (engine) => {
    await engine.query(
      "CREATE TABLE t AS SELECT * FROM (VALUES (1, 'holz', 'x'), (2, 'stein', 'gift'), (3, NULL, 'y')) v(id, d, name)",
    );
    const translated = "((d TRANSLATED TO '!') MEANS 'HOLZ')";
    for (const [where, ids] of [
      [`${translated} OR name MEANS 'gift'`, [1]],
      [`name MEANS 'gift' OR NOT ${translated}`, [2]],
      [`COALESCE(NOT ${translated}, TRUE)`, [2]],
      [`CASE WHEN ${translated} THEN name MEANS 'gift' ELSE TRUE END`, [2]],
    ] as const) {
      const { rows } = await engine.query(`SELECT id FROM t WHERE ${where} ORDER BY id LIMIT 1`);
      assert.equal(
        rows,
        ids.map((id) => ({ id })),
        where,
      );
    }
  }));

test('takes no row that is not decided for one that holds', () =>
  items.with(async ({ engine }) => {
    await engine.query('CREATE TABLE few AS SELECT i AS k FROM range(7) r(i)');
    for (const sql of [
      "SELECT d FROM items WHERE COALESCE(d MEANS 'rare', TRUE) ORDER BY c LIMIT 3",
      "SELECT d FROM items WHERE CASE WHEN d MEANS 'rare' THEN TRUE ELSE d IMPLIES 'new' IS NULL END ORDER BY c LIMIT 3",
      "SELECT d FROM items WHERE NOT COALESCE(NOT (d MEANS 'rare'), FALSE) ORDER BY c LIMIT 3",
      "SELECT d FROM items WHERE CASE WHEN d MEANS 'common' THEN FALSE ELSE TRUE END ORDER BY c LIMIT 3",
      "SELECT d FROM items JOIN few ON c = k WHERE COALESCE(d MEANS 'rare', TRUE) LIMIT 3",
    ]) {
      const { rows } = await engine.query(`-- @ cache: false\n${sql}`);
      assert.is(rows.length, 3, sql);
      for (const { d } of rows) assert.ok(d === null || /\d*0 /.test(String(d)), `${d}: ${sql}`);
    }
  }));

test('stops asking where what is not asked lets no row in', () =>
  items.with(async ({ engine, sent }) => {
    for (const [where, order] of [
      ["d MEANS 'rare' OR NOT (d MEANS 'common')", 'ORDER BY c'],
      ["CASE WHEN c < 9 THEN d MEANS 'rare' ELSE TRUE END", 'ORDER BY c'],
      ["CASE WHEN d MEANS 'common' THEN FALSE ELSE d MEANS 'rare' END", ''],
      ["CASE WHEN d MEANS 'rare' THEN TRUE ELSE d MEANS 'other' END", 'ORDER BY c'],
      ["COALESCE(d MEANS 'rare', FALSE)", 'ORDER BY c'],
      ["COALESCE(d MEANS 'rare', TRUE)", ''],
    ] as const) {
      const { rows } = await engine.query(
        `-- @ cache: false\nSELECT d FROM items WHERE ${where} ${order} LIMIT 2`,
      );
      for (const { d } of rows) assert.match(String(d), /\d*0 /, where);
      const calls = sent();
      assert.ok(rows.length === 2 && calls < 60, `${calls}: ${where}`);
    }
  }));

test('stops asking where a comparison stands around an operator, and where a text looks like a number', () =>
  items.with(async ({ engine, sent }) => {
    for (const [where, order] of [
      ["(d MEANS 'rare') = TRUE", ''],
      ["(d MEANS 'rare') IS TRUE", 'ORDER BY c'],
      ["NOT ((d MEANS 'rare') IS NOT TRUE)", 'ORDER BY c'],
      ["(d MEANS 'rare')::INTEGER >= 1", ''],
      ["(d MEANS 'rare')::VARCHAR LIKE 't%' AND d IS DISTINCT FROM '2021-01-06'", 'ORDER BY c'],
      ["(d MEANS 'rare') IN (TRUE) AND d <> '-0' AND d <> '12345678901234567890'", ''],
      ["CASE WHEN (d MEANS 'rare') = (c >= 0) THEN TRUE END", ''],
    ] as const) {
      const { rows } = await engine.query(
        `-- @ cache: false\nSELECT d FROM items WHERE ${where} ${order} LIMIT 2`,
      );
      for (const { d } of rows) assert.match(String(d), /\d*0 /, where);
      const calls = sent();
      assert.ok(rows.length === 2 && calls < 60, `${calls}: ${where}`);
    }
    // What is not known yet may turn out to be FALSE: nothing may stop here, and the rows are right.
    const { rows } = await engine.query(
      "-- @ cache: false\nSELECT d FROM items WHERE (d MEANS 'rare') IS NOT TRUE ORDER BY c LIMIT 2",
    );
    assert.is(rows.length, 2);
    for (const { d } of rows) assert.not.match(String(d), /\d*0 /);
  }));

test('stops asking under an order where a function stands around an operator', () =>
  items.with(async ({ engine, sent }) => {
    for (const [where, order] of [
      ["lower((d MEANS 'rare')::VARCHAR) = 'true'", 'ORDER BY c'],
      ["nullif(d MEANS 'rare', FALSE) IS NOT NULL", 'ORDER BY c DESC'],
      ["coalesce((d MEANS 'rare')::INTEGER, 0) > 0", 'ORDER BY c, d'],
      ["CASE WHEN d MEANS 'rare' THEN c ELSE -1 END >= 0", 'ORDER BY c'],
      ["list_contains(['true'], (d MEANS 'rare')::VARCHAR) AND c < 9", 'ORDER BY ALL'],
      ["d MEANS 'rare'", 'ORDER BY ALL DESC'],
    ] as const) {
      const { rows } = await engine.query(
        `-- @ cache: false\nSELECT d FROM items WHERE ${where} ${order} LIMIT 2`,
      );
      for (const { d } of rows) assert.match(String(d), /\d*0 /, where);
      const calls = sent();
      assert.ok(rows.length === 2 && calls < 60, `${calls}: ${where} ${order}`);
    }
    // These are TRUE without an answer: every row is asked.
    for (const where of [
      "coalesce((d MEANS 'rare')::INTEGER, 1) > 0 AND d IS NOT NULL",
      "concat((d MEANS 'rare')::VARCHAR, 'true') NOT LIKE 'false%' AND d IS NOT NULL",
      "coalesce(d MEANS 'rare', c >= 0) = TRUE AND d IS NOT NULL",
    ]) {
      const { rows } = await engine.query(
        `-- @ cache: false\nSELECT d FROM items WHERE ${where} ORDER BY c LIMIT 3`,
      );
      for (const { d } of rows) assert.match(String(d), /\d*0 /, where);
      assert.equal([rows.length, sent()], [3, 100], where);
    }
  }));

test.run();
