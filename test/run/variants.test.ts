/** Which variant each doing of a cell has: no two that could have the same prompt share one. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadCascadeText } from '../../src/cascade/load-cascade.ts';
import { runCascadeCell } from '../../src/run/cells/cascade.ts';
import { type GuardHost, runGuardedCell } from '../../src/run/cells/guarded.ts';
import { compileCascade } from '../../src/run/compile-cascade.ts';
import type { CascadeCellProgram, GuardedCellProgram } from '../../src/run/program.ts';
import type { Run, RunContext, Variant } from '../../src/run/run-state.ts';

const context: RunContext = {
  settings: { kind: 'map', timeoutMs: 5_000, keepOutputs: false },
  signal: new AbortController().signal,
  runSql: async () => ({ ok: false, error: { code: 'RVB_SQL', message: 'no database' } }),
  modelTarget: () => undefined,
  chat: async () => ({ ok: false, error: { code: 'RVB_NO_MODEL', message: '' }, retryable: false }),
  requestCall: async ({ n }) => ({ kind: 'go', attempt: String(n) }),
  endCall: () => {},
  nowMs: () => performance.now(),
};

function runOf(variant?: Variant): Run {
  const deadlineMs = performance.now() + 5_000;
  const bounds = { steps: 0, attempts: 1, waitedMs: 0, deadlineMs, timeoutMs: 5_000 };
  return { context, input: {}, outputs: {}, state: {}, bounds, ...(variant && { variant }) };
}

async function cellOf(more: string): Promise<GuardedCellProgram> {
  const text = `cells: [{ name: a, instructions: x, ${more} }]`;
  return compileCascade(await loadCascadeText(text)).cells[0] as GuardedCellProgram;
}

/** The variants of the doings of a cell whose wards refuse all, as `take.redo`. */
async function variants(more: string, variant?: Variant): Promise<readonly string[]> {
  const seen: string[] = [];
  const host: GuardHost = {
    call: (_, run) => {
      const { take, redo } = run.variant ?? { take: '-', redo: '-' };
      return `${seen.push(`${take}.${redo}`)}`;
    },
    checkOutput: (_, output) => output,
    runNested: () => ({ kind: 'skipped' }),
  };
  await runGuardedCell(await cellOf(more), runOf(variant), host).catch(() => {});
  return seen;
}

const RETRY = 'wards: { post: [{ mode: retry, js: return false }] }';

test('a take has its index, a redo its number, and a cell done once has no variant', async () => {
  assert.equal(await variants('wards: { post: [{ js: return true }] }'), ['-.-']);
  assert.equal(await variants('takes: { factor: 3 }'), ['0.0', '1.0', '2.0']);
  assert.equal(await variants(RETRY), ['-.-', '0.1', '0.2']);
  assert.equal(await variants(`takes: { factor: 2 }, ${RETRY}`), [
    '0.0',
    '1.0',
    '0.1',
    '1.1',
    '0.2',
    '1.2',
  ]);
});

test('within the take or the redo of an outer cell all variants are different', async () => {
  for (const more of ['takes: { factor: 3 }', RETRY, `takes: { factor: 2 }, ${RETRY}`]) {
    const all = [...(await variants(more))];
    for (const [take, redo] of [
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 1],
      [2, 5],
    ] as const) {
      all.push(...(await variants(more, { take, redo })));
    }
    assert.is(new Set(all).size, all.length, `${more}: ${all.join(' ')}`);
  }
});

test('a nested cascade is run under the variant of its caller', async () => {
  const inner = compileCascade(await loadCascadeText('cells: [{ name: b, instructions: y }]'));
  const cell: CascadeCellProgram = {
    kind: 'cascade',
    name: 'a',
    label: 'a',
    nullOnError: false,
    program: inner,
  };
  const seen: unknown[] = [];
  for (const variant of [undefined, { take: 4, redo: 2 }]) {
    await runCascadeCell(cell, runOf(variant), {}, (...[, , , , given]) => {
      seen.push(given);
      return { kind: 'skipped' };
    });
  }
  assert.equal(seen, [undefined, { take: 4, redo: 2 }]);
});

test.run();
