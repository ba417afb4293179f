/** A LIMIT: its rows are those that one call a row would leave, though what comes after them is not asked. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine } from '../../src/index.ts';
import { openSemantic } from './support.ts';

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

test.run();
