/**
 * Random MAP BATCH runs against a server that drops, repeats, swaps, invents and cuts off items: no row ever has the
 * answer of another one, and calls stay near the ideal.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createRandom } from '../../src/sim/random.ts';
import { assertAddsUp, withModel } from '../model/engine-support.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

const RUNS = cases(80, 10_000);
const RUNS_EACH = 25;

function map(first: number, rows: number, modifiers: string, options = ''): string {
  return `RVBBIT MAP ${modifiers} 'row.yaml' AS v USING (
    SELECT range::INTEGER AS n, range::INTEGER AS other FROM range(${first}, ${first + rows}) ORDER BY range
  ) WITH (limit = ${rows}${options})`;
}

test('no answer ever is on another row, whatever happens to the items', async () => {
  const random = createRandom(seed);
  const whole = (most: number) => 1 + Math.floor(random() * most);
  let [first, runs, calls, rowsRun] = [0, 0, 0, 0];
  while (runs < RUNS) {
    const share = () => (random() < 0.5 ? 0 : random() * 0.3);
    const items = {
      ...{ drop: share(), repeat: share(), swap: share(), invent: share(), truncate: share() },
    };
    await withModel({ server: { seed: whole(1e6), items } }, async (engine, server) => {
      for (let run = 0; run < RUNS_EACH; run++, runs++) {
        const rows = whole(60);
        const batch = random() < 0.2 ? "'auto'" : String(whole(40));
        const parallel = whole(6);
        const spoils = random() < 0.3 ? first + whole(rows) - 1 : -1;
        await server.script({
          rules: [{ when: { matches: `Row ${spoils}(?!\\d)` }, status: 422 }],
        });
        await server.reset();
        const what = `seed ${seed}, run ${runs}: ${JSON.stringify({ items, rows, batch, parallel, spoils })}`;
        const { rows: got, summary } = await engine.query(
          map(first, rows, `PARALLEL ${parallel}`, `, batch = ${batch}`),
        );
        assert.is(got.length, rows, what);
        for (const { n, v } of got) assert.is(v, n === spoils ? null : `Row ${n}`, what);
        assertAddsUp(summary);
        const { totals } = await server.summary();
        assert.is(summary.calls.sent, totals.calls, what);
        assert.is(summary.tokens.in, totals.tokensIn, what);
        assert.is(summary.tokens.out, totals.tokensOut, what);
        assert.ok(totals.maxInFlight <= parallel, what);
        // A later run finds every answer as that of its own row.
        if (random() < 0.2) {
          const again = await engine.query(map(first, rows, `PARALLEL ${parallel}`));
          assert.equal(again.rows, got, what);
          assert.ok(again.summary.calls.sent <= (spoils < 0 ? 0 : 1), what);
        }
        calls += totals.calls;
        rowsRun += rows;
        first += rows;
      }
    });
  }
  reportCases(runs, `runs of ${rowsRun} rows in ${calls} calls`);
});

test('at 5 % missing items, calls are at most 1.3 times the ideal', async () => {
  const latency = { kind: 'uniform', minMs: 5, maxMs: 40 } as const;
  await withModel({ server: { items: { drop: 0.05 }, latency } }, async (engine, server) => {
    let first = 0;
    for (const [parallel, batch] of [
      [1, 16],
      [4, 16],
      [8, 8],
      [2, 32],
    ] as const) {
      await server.reset();
      const rows = 60 * batch;
      const { rows: got } = await engine.query(
        map(first, rows, `PARALLEL ${parallel} BATCH ${batch}`),
      );
      for (const { n, v } of got) assert.is(v, `Row ${n}`);
      const { totals } = await server.summary();
      assert.ok(totals.calls <= 60 * 1.3, `${totals.calls} calls at ${parallel} x ${batch}`);
      first += rows;
    }
  });
});

test('a row that spoils its whole call costs at most 1 + 2 log2 n calls more', async () => {
  const random = createRandom(seed);
  let first = 0;
  await withModel({}, async (engine, server) => {
    for (let run = 0; run < cases(40, 400); run++) {
      const batch = 2 + Math.floor(random() * 40);
      const calls = 1 + Math.floor(random() * 4);
      const rows = batch * calls;
      const spoils = first + Math.floor(random() * rows);
      const rule = random() < 0.5 ? { status: 400 } : { refusal: 'No.' };
      await server.script({ rules: [{ when: { matches: `Row ${spoils}(?!\\d)` }, ...rule }] });
      await server.reset();
      const { rows: got } = await engine.query(
        map(first, rows, `PARALLEL ${1 + Math.floor(random() * 3)} BATCH ${batch}`),
      );
      for (const { n, v } of got) assert.is(v, n === spoils ? null : `Row ${n}`);
      const most = calls + 1 + 2 * Math.ceil(Math.log2(batch));
      const { totals } = await server.summary();
      assert.ok(totals.calls <= most, `${totals.calls} calls of at most ${most}, batch ${batch}`);
      first += rows;
    }
  });
});

test.run();
