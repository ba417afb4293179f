/** An operator whose answers may differ from time to time: what is asked anew, and what is one question. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { startSimulator } from '../../src/testing.ts';

const MOOD = `
cascade_id: mood
inputs_schema: { type: object, required: [text], properties: { text: { type: string }, id: { type: integer } } }
cells:
  - name: ask
    instructions: "Mood of {{ input.text }}, for {{ input.id | default('all') }}?"
sql_function:
  name: MOOD
  returns: VARCHAR
  deterministic: false
  args: [{ name: text, type: VARCHAR }, { name: id, type: INTEGER, optional: true }]
`;

test('asks anew in each statement, once for equal arguments; each row in a MAP, or where an argument tells rows apart', async () => {
  const cascades = mkdtempSync(join(tmpdir(), 'rvb-anew-'));
  mkdirSync(join(cascades, 'operators'));
  writeFileSync(join(cascades, 'operators', 'mood.yaml'), MOOD);
  await using server = await startSimulator({ rules: [{ answer: 'fine' }] });
  const engine = await Engine.open({
    cascades,
    threads: 1,
    providers: { sim: { baseUrl: server.url } },
    model: 'sim/any',
  });
  try {
    await engine.query(
      "CREATE TABLE t AS SELECT i AS id, 'text ' || i % 2 AS d FROM range(6) r(i)",
    );
    let before = 0;
    const asked = async (sql: string) => {
      const { rowCount } = await engine.query(sql);
      assert.is(rowCount, 6, sql);
      const { calls } = server.ledger().totals;
      const made = calls - before;
      before = calls;
      return made;
    };
    for (const [sql, calls] of [
      ['SELECT mood(d) FROM t', 2],
      ['SELECT mood(d) FROM t', 2],
      ["SELECT mood(d) FROM t WHERE mood(d) = 'fine' ORDER BY mood(d)", 2],
      ['SELECT mood(d, id::INTEGER) FROM t', 6],
      ["RVBBIT MAP 'operators/mood.yaml' USING (SELECT d AS text FROM t)", 6],
      ["RVBBIT MAP 'operators/mood.yaml' USING (SELECT d AS text FROM t)", 6],
    ] as const) {
      assert.is(await asked(sql), calls, sql);
    }
  } finally {
    await engine.close();
    rmSync(cascades, { recursive: true });
  }
});

test.run();
