/** Rows with equal prompts cost a call for each distinct one, at any PARALLEL, in one process and shared between two. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine, QueryResult } from '../../src/index.ts';
import { runChild } from '../kill/run-child.ts';
import { cases, reportCases } from '../support/cases.ts';
import { modelServer } from '../support/model-server.ts';
import { assertAddsUp, cascades, openEngine } from './engine-support.ts';

const ROWS = cases(1_000, 10_000);
const DISTINCT = cases(50, 100);
const server = await modelServer({ latency: { kind: 'uniform', minMs: 1, maxMs: 30 } });
test.after(() => server.close());

/**
 * The prompt shows `input.n` alone and the cell's condition reads `input.other` too: every row's input differs,
 * so that no row is deduplicated and only the calls are equal.
 */
function sqlOf(parallel: number, cascade: string): string {
  return `RVBBIT MAP PARALLEL ${parallel} '${cascade}' AS v USING (
    SELECT (range % ${DISTINCT})::INTEGER AS n, range::INTEGER AS other FROM range(${ROWS}) ORDER BY range
  ) WITH (limit = ${ROWS})`;
}

async function withFolder(use: (stateDir: string) => Promise<void>): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), 'rvbbit-sharing-'));
  await server.reset();
  try {
    await use(stateDir);
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

function open(stateDir: string): Promise<Engine> {
  return openEngine({
    stateDir,
    providers: { sim: { baseUrl: server.url } },
    model: 'sim/test-model',
  });
}

async function callsSeen(): Promise<number> {
  return (await server.summary()).totals.calls;
}

function check({ rows, summary }: QueryResult, runs: number): void {
  assert.is(rows.length, ROWS);
  for (const { n, v } of rows) assert.is(v, `Row ${n}`);
  assertAddsUp(summary);
  assert.is(summary.runs, runs);
}

for (const parallel of [1, 10, 100]) {
  test(`equal calls are made once under PARALLEL ${parallel}, and not at all the second time`, () =>
    withFolder(async (stateDir) => {
      {
        await using engine = await open(stateDir);
        const first = await engine.query(sqlOf(parallel, 'row-beside.yaml'));
        check(first, ROWS);
        assert.is(await callsSeen(), DISTINCT);
        assert.equal(
          [first.summary.calls.sent, first.summary.calls.cacheHits],
          [DISTINCT, ROWS - DISTINCT],
        );
        check(await engine.query(sqlOf(parallel, 'row.yaml')), DISTINCT);
      }
      await using engine = await open(stateDir);
      const second = await engine.query(sqlOf(parallel, 'row-beside.yaml'));
      check(second, ROWS);
      assert.equal([second.summary.calls.sent, second.summary.calls.cacheHits], [0, ROWS]);
      check(await engine.query(sqlOf(parallel, 'row.yaml')), DISTINCT);
      assert.is(await callsSeen(), DISTINCT);
    }));
}

test('two processes on one journal share what the other has finished', () =>
  withFolder(async (stateDir) => {
    await server.script({ latency: { kind: 'uniform', minMs: 50, maxMs: 200 } });
    const task = {
      url: server.url,
      stateDir,
      cascades,
      streams: false,
      sql: sqlOf(4, 'row-beside.yaml'),
    };
    const ends = await Promise.all([runChild(task), runChild(task)]);
    const seen = await callsSeen();
    for (const { code, errors, summary } of ends) {
      assert.is(code, 0, errors);
      assert.is(summary?.rows.ok, ROWS);
      assert.is(summary?.calls.possiblyPaidTwice, 0, 'no process has died');
    }
    assert.ok(seen >= DISTINCT && seen <= 2 * DISTINCT, `${seen} calls`);
    assert.is(ends[0]!.summary!.calls.sent + ends[1]!.summary!.calls.sent, seen);
    reportCases(2, `processes at once made ${seen} calls for ${DISTINCT} distinct prompts`);
  }));

test.run();
