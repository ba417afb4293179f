/** A native crash ends the process, DuckDB being part of it: the rerun goes on from the journal. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawnSimulator } from '../../src/sim/spawn.ts';
import { reportCases } from '../support/cases.ts';
import { bookOf, readRecords } from './journal-files.ts';
import { cascades, runChild } from './run-child.ts';

const ROWS = 200;
const CRASHES = [
  { afterCalls: 1, signal: 'SIGSEGV' },
  { afterCalls: 40, signal: 'SIGABRT' },
  { afterCalls: 37, signal: 'SIGSEGV' },
] as const;

test('after SIGSEGV and SIGABRT in the middle of SQL and model cells the rerun goes on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-crash-'));
  try {
    await using server = await spawnSimulator({
      latency: { kind: 'uniform', minMs: 5, maxMs: 40 },
      previewChars: 40,
    });
    const task = {
      url: server.url,
      stateDir: folder,
      cascades,
      streams: true,
      sql: `RVBBIT MAP PARALLEL 10 'mixed.yaml' AS v USING (SELECT range::INTEGER AS n FROM range(${ROWS}) ORDER BY n)`,
    };
    let settled = new Set<string>();
    let seen = 0;
    const checkCalls = async () => {
      const { entries } = await server.ledger(seen);
      seen += entries.length;
      for (const { preview } of entries) {
        assert.not.ok(settled.has(preview!.trim()), `${preview} had settled and is asked again`);
      }
      settled = new Set(bookOf(readRecords(folder)).settled);
    };
    for (const crash of CRASHES) {
      const before = settled.size;
      const { signal, code, errors } = await runChild({ ...task, crash });
      assert.is(signal, crash.signal, `exit code ${code}: ${errors}`);
      await checkCalls();
      assert.ok(settled.size >= before + crash.afterCalls - 10, `${settled.size} of ${before}`);
    }
    const { code, rows, summary, errors } = await runChild(task);
    assert.is(code, 0, errors);
    await checkCalls();
    assert.equal(
      rows,
      Array.from({ length: ROWS }, (_, n) => ({ n, v: `Row ${n}/${2 * n}` })),
    );
    assert.is(summary?.rows.ok, ROWS);
    assert.ok(summary!.calls.possiblyPaidTwice > 0);
    const { cutOff } = bookOf(readRecords(folder));
    assert.ok(seen <= ROWS + cutOff.size, `${seen} calls, ${cutOff.size} were cut off`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  reportCases(CRASHES.length, 'native crashes');
});

test.run();
