/** A worker that ends in the code after a model call: what the call brought is not bought again. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawnSimulator } from '../../src/sim/spawn.ts';
import { cases, reportCases } from '../support/cases.ts';
import { openEngine, pick, withFolder } from './support.ts';

/** Asks about each of `rows` numbers, runs code that strikes at some of them, and asks once more. */
async function strikeAfterCalls(
  strike: 'exit' | 'loop',
  { rows, strikes, parallel }: { rows: number; strikes: number; parallel: number },
): Promise<void> {
  await withFolder(async (folder) => {
    await using server = await spawnSimulator({
      latency: { kind: 'uniform', minMs: 5, maxMs: 15 },
    });
    await using engine = await openEngine({
      providers: { sim: { baseUrl: server.url } },
      model: 'sim/m',
      stateDir: `${folder}/state`,
    });
    let cutOff = 0;
    engine.events.on('attempt.end', ({ error }) => {
      if (error?.code === 'RVB_WORKER_LOST') cutOff += 1;
    });
    const hits = pick(strikes, rows).join(', ');
    const run = () =>
      engine.query(
        `RVBBIT MAP PARALLEL ${parallel} 'ask-then-strike-once.yaml' AS v USING (
           SELECT i AS n, '${folder}' AS folder,
             CASE WHEN list_contains([${hits}]::BIGINT[], i) THEN '${strike}' ELSE 'nothing' END AS strike
           FROM range(${rows}) t(i)) WITH (limit = ${rows}, error_column = 'error')`,
        undefined,
        { valueForm: 'json' },
      );
    const { summary } = await run();
    // A row that never gives way fails at once; one that ends its worker is tried again.
    assert.is(summary.rows.failed, strike === 'loop' ? strikes : 0);
    const again = await run();
    assert.equal(
      again.rows.filter(({ v, n }) => v !== `Row ${n}`),
      [],
    );
    assert.is(again.summary.calls.sent, 0, 'every answer is at hand');
    const { entries } = await server.ledger();
    assert.ok(entries.length >= rows && entries.length <= rows + cutOff, `${entries.length} calls`);
    // Where nothing else is out, nothing is cut off.
    if (parallel === 1) assert.is(cutOff, 0);
    reportCases(strikes, `strikes (${strike}) at n = ${parallel}, ${cutOff} calls cut off`);
  });
}

for (const strike of ['exit', 'loop'] as const) {
  test(`a call is paid for once where the code after it strikes: ${strike}`, () =>
    strikeAfterCalls(strike, { rows: 30, strikes: cases(3, 10), parallel: 1 }));

  test(`a row that has its value keeps its answer where code beside it strikes: ${strike}`, () =>
    strikeAfterCalls(strike, { rows: 200, strikes: cases(3, 20), parallel: 20 }));
}

test.run();
