/** Equal calls: who waits for whom and for how long, and which of them are made at all. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine } from '../../src/index.ts';
import { reportCases } from '../support/cases.ts';
import { errorOf, queryOf, withModel } from './engine-support.ts';

/** Statements of one engine that ask the same, which takes the server this long. */
function askingTheSame(delayMs: number, parallel: number, more: string): string {
  const rows = [{ word: 'same', number: 1, sim: { delayMs } }];
  return `RVBBIT MAP PARALLEL ${parallel} 'patient.yaml' AS v USING (${queryOf(rows)}) WITH (${more})`;
}

test("a row that waits for the answer of an equal call gives up at its own time, and the call goes on for the others'", async () => {
  await withModel({}, async (engine, server) => {
    const startedMs = performance.now();
    const leading = engine.query(askingTheSame(1_200, 1, "timeout = '60s'"));
    while ((await server.summary()).totals.calls === 0) await pause(10);
    const patient = engine.query(askingTheSame(1_200, 1, "timeout = '60s', retries = 0"));
    const hastyMs = performance.now();
    const hasty = await engine.query(
      askingTheSame(1_200, 1, "timeout = '300ms', error_column = 'e'"),
    );
    const tookMs = performance.now() - hastyMs;
    const [{ v, e }] = hasty.rows as unknown as [{ v: null; e: { code: string; message: string } }];
    assert.is(v, null);
    assert.is(e.code, 'RVB_TIMEOUT');
    assert.match(e.message, /equal call/);
    assert.ok(tookMs >= 300, `it gave up after ${tookMs} ms`);
    assert.is((await server.summary()).totals.inFlight, 1, 'the call is still out');
    assert.is(hasty.summary.calls.sent, 0);
    for (const { rows, summary } of [await leading, await patient]) {
      assert.is(rows[0]?.['v'], 'Say same 1');
      assert.is(summary.rows.ok, 1);
    }
    assert.ok(performance.now() - startedMs >= 1_200);
    assert.is((await server.summary()).totals.calls, 1, 'one call for all three');
  });
});

test('an answer that was found ahead of its row is a hit only once the row has used it', async () => {
  await withModel({}, async (engine, server) => {
    const sql = (where: string) => `RVBBIT MAP PARALLEL 1 'patient.yaml' AS v USING (
      SELECT 'row' AS word, i AS number, '{}' AS sim FROM range(300) t(i) WHERE ${where})`;
    const asked = 150;
    assert.is((await engine.query(sql(`i <> ${asked}`))).summary.calls.sent, 299);
    await server.script({ latency: { kind: 'constant', ms: 20_000 } });
    const cancel = new AbortController();
    const cancelled = errorOf(engine.query(sql('true'), undefined, { signal: cancel.signal }));
    while ((await server.summary()).totals.calls < 300) await pause(10);
    cancel.abort();
    const { summary } = await cancelled;
    assert.is(summary?.rows.ok, asked, 'the rows before the one that had to ask');
    assert.is(summary?.calls.cacheHits, asked);
    assert.is(summary?.calls.sent, 1);
  });
});

/** Rows whose prompts are equal; with `row-beside.yaml` their inputs differ, so that they are not one run. */
const EQUAL_ROWS = 6;

interface Asking {
  readonly n: number;
  readonly cascade: string;
  readonly parallel: number;
  readonly cache: string;
  readonly dedupe: boolean;
}

function equalRows({ n, cascade, parallel, cache, dedupe }: Asking): string {
  return `RVBBIT MAP PARALLEL ${parallel} '${cascade}' AS v USING (
    SELECT ${n}::INTEGER AS n, range::INTEGER AS other FROM range(${EQUAL_ROWS}) ORDER BY range
  ) WITH (cache = ${cache}, dedupe = ${dedupe})`;
}

/** Runs the statement; every row has its answer, and the calls are those that the server saw. */
async function callsOf(engine: Engine, asking: Asking): Promise<number> {
  const { rows, summary } = await engine.query(equalRows(asking));
  assert.equal(
    rows.map(({ v }) => v),
    Array.from({ length: EQUAL_ROWS }, () => `Row ${asking.n}`),
  );
  return summary.calls.sent;
}

const CACHES = ['true', 'false', "'refresh'", "'1h'"];

for (const answers of [true, false]) {
  test(`what is asked under every cache and dedupe, answers kept: ${answers}`, async () => {
    const options = {
      engine: { journal: { answers } },
      server: { latency: { kind: 'constant', ms: 5 } },
    } as const;
    let sent = 0;
    let n = 0;
    await withModel(options, async (engine, server) => {
      for (const cache of CACHES) {
        for (const dedupe of [true, false]) {
          for (const parallel of [1, EQUAL_ROWS]) {
            // Equal inputs are one run, whatever PARALLEL is.
            for (const cascade of parallel === 1
              ? ['row-beside.yaml']
              : ['row-beside.yaml', 'row.yaml']) {
              n += 1;
              const asking = { n, cascade, parallel, cache, dedupe };
              const what = JSON.stringify(asking);
              const first = await callsOf(engine, asking);
              assert.is(first, dedupe ? 1 : EQUAL_ROWS, `equal calls of one statement: ${what}`);
              const again = await callsOf(engine, asking);
              const finds = dedupe && answers && (cache === 'true' || cache === "'1h'");
              assert.is(again, finds ? 0 : first, `the same statement again: ${what}`);
              const later = await callsOf(engine, { ...asking, cache: 'true', dedupe: true });
              const isLeft = answers && cache !== 'false';
              assert.is(later, isLeft ? 0 : 1, `a statement that uses what is left: ${what}`);
              sent += first + again + later;
            }
          }
        }
      }
      assert.is((await server.summary()).totals.calls, sent);
    });
    reportCases(n, 'combinations');
  });

  test(`an answer that two statements share is kept if either keeps its own, answers kept: ${answers}`, async () => {
    const options = {
      engine: { journal: { answers } },
      server: { latency: { kind: 'constant', ms: 1_500 } },
    } as const;
    await withModel(options, async (engine, server) => {
      const kinds = ['true', 'false'];
      const pairs = kinds.flatMap((leading) => kinds.map((following) => ({ leading, following })));
      const asking = (n: number, cache: string) => {
        return { n, cascade: 'row-beside.yaml', parallel: 1, cache, dedupe: true };
      };
      const leaders = pairs.map(({ leading }, n) => callsOf(engine, asking(n, leading)));
      while ((await server.summary()).totals.calls < pairs.length) await pause(10);
      const followers = pairs.map(({ following }, n) => callsOf(engine, asking(n, following)));
      assert.equal(
        await Promise.all(leaders),
        pairs.map(() => 1),
      );
      assert.equal(
        await Promise.all(followers),
        pairs.map(() => 0),
      );
      await server.script({ latency: { kind: 'constant', ms: 5 } });
      for (const [n, { leading, following }] of pairs.entries()) {
        const isKept = answers && (leading !== 'false' || following !== 'false');
        const later = await callsOf(engine, asking(n, 'true'));
        assert.is(later, isKept ? 0 : 1, `${following} followed ${leading}`);
      }
    });
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test.run();
