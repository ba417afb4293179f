/** Where operators of inner queries and under OR and CASE are asked, by the ledger of a simulated model server. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine, QueryResult } from '../../src/index.ts';
import { type Asked, openItems } from './items.ts';

const items = await openItems();
test.after(() => items.close());

/** Distinct texts that a plain condition leaves. */
async function distinct(engine: Engine, where: string): Promise<number> {
  const { rows } = await engine.query(`SELECT count(DISTINCT d) AS n FROM items WHERE ${where}`);
  return Number(rows[0]!['n']);
}

/** Runs the statement without stored answers: its result and the calls that it made. */
async function ask({ engine, sent }: Asked, sql: string): Promise<[QueryResult, number]> {
  sent();
  const result = await engine.query(`-- @ cache: false\n${sql}`);
  return [result, sent()];
}

/** 100 texts, of which 10 are rare and 90 common: rare first takes 110 calls. */
const BOTH = "d IMPLIES 'common' AND d MEANS 'rare'";

test('asks the condition that leaves less first in inner queries too', () =>
  items.with(async (asked) => {
    await asked.engine.query('CREATE TABLE kept (id BIGINT)');
    for (const sql of [
      `SELECT count(*) FROM (SELECT * FROM items WHERE ${BOTH})`,
      `WITH w AS (SELECT * FROM items WHERE ${BOTH}) SELECT count(*) FROM w, range(2)`,
      `SELECT id FROM items WHERE ${BOTH} UNION ALL SELECT 1`,
      `SELECT id FROM items WHERE id IN (SELECT id FROM items WHERE ${BOTH})`,
      `CREATE OR REPLACE TABLE made AS SELECT id FROM items WHERE ${BOTH}`,
      `INSERT INTO kept SELECT id FROM (SELECT * FROM items WHERE ${BOTH})`,
      `UPDATE items SET c = c WHERE ${BOTH}`,
      `DELETE FROM items WHERE ${BOTH}`,
    ]) {
      const [, calls] = await ask(asked, sql);
      assert.ok(calls >= 110 && calls <= 110 * 1.05, `${calls} calls for ${sql}`);
    }
  }));

test('asks an inner query what the plain conditions in and around it leave', () =>
  items.with(async (asked) => {
    const { engine } = asked;
    await engine.query('CREATE TABLE few AS SELECT i AS k FROM range(3) r(i)');
    const oracle = await distinct(engine, 'c = 2');
    for (const sql of [
      "SELECT id FROM (SELECT * FROM items WHERE d MEANS 'rare') WHERE c = 2",
      "SELECT id FROM (SELECT * FROM items WHERE d MEANS 'rare' AND c = 2)",
      "WITH w AS (SELECT d AS e, c FROM items WHERE d MEANS 'rare') SELECT e FROM w AS v JOIN few ON v.c = k WHERE v.c = 2",
      "WITH v AS (SELECT * FROM items WHERE c = 2), w AS (SELECT * FROM v WHERE d MEANS 'rare') SELECT count(*) FROM w",
      "SELECT id FROM items WHERE c = 2 AND d MEANS 'rare' UNION SELECT id FROM items WHERE d MEANS 'rare' AND c = 2",
      "SELECT id, (SELECT count(*) FROM items WHERE c = 2 AND d MEANS 'rare') FROM few, items LIMIT 5",
      "UPDATE items SET id = id WHERE d MEANS 'rare' AND c = 2",
      "DELETE FROM items WHERE d MEANS 'rare' AND c = 2",
    ]) {
      const [, calls] = await ask(asked, sql);
      assert.is(calls, oracle, sql);
    }
  }));

test('stops at the LIMIT of an inner query, and of what a table or file is made of', () =>
  items.with(async (asked) => {
    const { engine } = asked;
    const folder = await mkdtemp(join(tmpdir(), 'rvbbit-limit-'));
    try {
      await engine.query('CREATE TABLE kept (id BIGINT)');
      const first = "SELECT id FROM items WHERE d MEANS 'rare' ORDER BY id LIMIT 3";
      const file = join(folder, 'kept.csv');
      for (const [sql, read] of [
        [`SELECT * FROM (${first})`, undefined],
        [`WITH w AS (${first}) SELECT * FROM w WHERE id >= 0`, undefined],
        [`CREATE TABLE made AS ${first}`, 'FROM made'],
        [`INSERT INTO kept ${first}`, 'FROM kept'],
        [`COPY (${first}) TO '${file}'`, `FROM '${file}'`],
      ] as const) {
        const [result, calls] = await ask(asked, sql);
        const { rows } = read === undefined ? result : await engine.query(read);
        assert.equal(
          rows.map(({ id }) => Number(id)),
          [0, 10, 20],
          sql,
        );
        // The third rare text is the 21st; 10 calls may be in flight then.
        assert.ok(calls >= 21 && calls <= 31, `${calls} calls for ${sql}`);
      }
      const last =
        "SELECT id, d MEANS 'rare' AS v FROM items WHERE d IS NOT NULL ORDER BY id DESC LIMIT 3";
      const joined =
        "SELECT x.id, x.d MEANS 'rare' FROM items x JOIN items y USING (id) WHERE x.d IS NOT NULL LIMIT 3";
      for (const sql of [
        joined,
        `SELECT count(v) FROM (${last})`,
        `CREATE TABLE lasts AS ${last}`,
      ]) {
        assert.is((await ask(asked, sql))[1], 3, sql);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  }));

test('stops at a LIMIT in a transaction where nothing that is computed ahead can fail', () =>
  items.with(async (asked) => {
    const { engine } = asked;
    await engine.query('BEGIN');
    await engine.query("INSERT INTO items VALUES (-1, 'item 0 of list 0', 9)");
    const first = (where: string) =>
      `-- @ parallel: 1\nSELECT id FROM items WHERE ${where} AND d MEANS 'rare' ORDER BY id LIMIT 3`;
    for (const where of ['id >= 0', "d <> 'x' AND NOT id < 0", 'd IS NOT NULL AND c <> 9']) {
      const [{ rows }, calls] = await ask(asked, first(where));
      assert.equal(
        rows.map(({ id }) => Number(id)),
        [0, 10, 20],
        where,
      );
      assert.is(calls, 21, where);
    }
    // What would fail in a row behind the last one that is wanted would end the transaction.
    for (const where of ["error('never') IS NULL", 'd::INTEGER > 3', 'length(d) > 2']) {
      const { reason } = await engine.explain(first(where)).catch(() => ({ reason: undefined }));
      assert.ok(reason === undefined || reason === 'it stands in a transaction', where);
    }
    await engine.query('ROLLBACK');
  }));

test('asks under OR, AND and CASE only what the plain parts leave open', () =>
  items.with(async (asked) => {
    const oracle = await distinct(asked.engine, 'NOT c < 6');
    for (const sql of [
      "SELECT id FROM items WHERE d MEANS 'rare' OR c < 6",
      "SELECT id FROM (SELECT * FROM items WHERE d MEANS 'rare' OR c < 6) WHERE id >= 0",
      "SELECT id FROM items WHERE CASE WHEN c < 6 THEN true ELSE d MEANS 'rare' END",
      "SELECT id, CASE WHEN c < 6 THEN true ELSE d MEANS 'rare' END AS v FROM items",
      "SELECT id, d MEANS 'rare' OR c < 6 FROM items",
      "SELECT id, d MEANS 'rare' AND c >= 6 AS v FROM items",
      "SELECT count(*) FILTER (WHERE c >= 6 AND d MEANS 'rare') FROM items",
      "SELECT id FROM items WHERE NOT (c < 6 OR d MEANS 'rare')",
      "DELETE FROM items WHERE d MEANS 'rare' AND c >= 6 AND id < 0 OR id < -1 OR (c >= 6 AND d MEANS 'rare' AND id < 2000)",
    ]) {
      const [, calls] = await ask(asked, sql);
      assert.is(calls, oracle, sql);
    }
    const [named] = await ask(asked, "SELECT d MEANS 'rare' OR c < 6 FROM items WHERE id < 3");
    assert.match(named.columns[0]!.name, /MEANS/);
  }));

test('asks first the operator that decides most rows, and the second only where that does not', () =>
  items.with(async (asked) => {
    const { engine } = asked;
    const plain = 'd IS NOT NULL';
    const all = await distinct(engine, plain);
    const rare = await distinct(engine, `${plain} AND d LIKE '%0 of%'`);
    // A sample of four rows shows which is which.
    for (const condition of [
      "(d MEANS 'rare' OR d IMPLIES 'common')",
      "(d IMPLIES 'common' OR d MEANS 'rare')",
      "(d MEANS 'rare' AND d IMPLIES 'common' OR id < 0)",
      "(d IMPLIES 'common' AND d MEANS 'rare' OR id < 0)",
      "CASE WHEN d MEANS 'rare' THEN true ELSE d IMPLIES 'common' END",
    ]) {
      const [, calls] = await ask(asked, `SELECT id FROM items WHERE ${condition} AND ${plain}`);
      const [least, most] = [all + rare, all + rare + 4];
      assert.ok(calls >= least && calls <= most, `${calls}, not ${least}: ${condition}`);
    }
    const [first, calls] = await ask(
      asked,
      "SELECT id FROM items WHERE c = 3 OR d MEANS 'rare' ORDER BY id LIMIT 5",
    );
    assert.equal(
      first.rows.map(({ id }) => Number(id)),
      [0, 3, 10, 17, 20],
    );
    // Of the 21 rows up to 20 three need no call.
    assert.ok(calls <= 18 + 10, `${calls} calls`);
  }));

test.run();
