/** A statement that is to end early: rows of a chunk that have not begun do not begin. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { cascades } from '../model/engine-support.ts';

const LANES = 2;
/** Calls that are answered at once, so that chunks grow to several rows. */
const QUICK = 21;

test('a drained statement starts no further row, not even of the chunks that are out', async () => {
  let calls = 0;
  const held: (() => void)[] = [];
  const drain = new AbortController();
  await using engine = await Engine.open({
    cascades,
    threads: 2,
    model: async () => {
      calls += 1;
      if (calls > QUICK) {
        await new Promise<void>((resolve) => held.push(resolve));
      }
      return { text: '1', finishReason: 'stop' };
    },
  });
  const statement = engine.query(
    `RVBBIT MAP PARALLEL ${LANES} 'patient.yaml' AS v USING (SELECT 'row' AS word, range AS number, '{}' AS sim FROM range(200)) WITH (limit = 200)`,
    undefined,
    { drain: drain.signal },
  );
  while (held.length < LANES) await new Promise((resolve) => setTimeout(resolve, 5));
  drain.abort();
  for (const answer of held) answer();
  const { rows, summary } = await statement;
  assert.is(summary.reason, 'interrupted');
  assert.is(calls, QUICK + LANES);
  assert.is(rows.length, calls);
  assert.is(summary.rows.ok, calls);
});

test.run();
