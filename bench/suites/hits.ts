/** Compares the cost of a row whose answer is in the journal with that of a row of a js cell. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../../src/index.ts';
import type { ModelFunction } from '../../src/model/chat.ts';
import { cascadeRoot } from '../fixture-root.ts';
import { cpuMs, type Sample, type Suite, type Variant } from '../suite.ts';

const ROWS = 10_000;
const PARALLEL = 20;
const MICROSECONDS = 1_000;

const echo: ModelFunction = async ({ messages }) => ({
  text: messages.at(-1)?.content ?? '',
  finishReason: 'stop',
});

function mapOf(cascade: string, column: string, rows: number): string {
  return `RVBBIT MAP PARALLEL ${PARALLEL} '${cascade}' USING (
    SELECT 'Row ' || range AS ${column} FROM range(${rows}) ORDER BY range
  ) WITH (limit = ${rows})`;
}

/**
 * Measures a second engine that finds the answers of a first engine in the journal: microseconds per row, of wall time
 * and of CPU.
 */
async function measure(cascade: string, column: string): Promise<Sample> {
  const stateDir = mkdtempSync(join(tmpdir(), 'rvbbit-hits-'));
  const open = () => Engine.open({ cascades: cascadeRoot, threads: 2, stateDir, model: echo });
  try {
    {
      await using first = await open();
      await first.query(mapOf(cascade, column, ROWS));
    }
    await using second = await open();
    // This starts the workers.
    await second.query(mapOf('upper.yaml', 'name', 100));
    const startMs = performance.now();
    const startCpu = process.cpuUsage();
    const { summary } = await second.query(mapOf(cascade, column, ROWS));
    const wallMs = performance.now() - startMs;
    const spentMs = cpuMs(startCpu);
    if (summary.calls.sent > 0) throw new Error(`${summary.calls.sent} calls were made again`);
    return { us: (wallMs * MICROSECONDS) / ROWS, cpuUs: (spentMs * MICROSECONDS) / ROWS };
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

const variants: readonly Variant[] = [
  { name: 'js cell', measure: () => measure('upper.yaml', 'name') },
  { name: 'stored answer', measure: () => measure('ask.yaml', 'question') },
];

export const hits: Suite = {
  name: 'hits',
  about: `${ROWS} distinct inputs under PARALLEL ${PARALLEL}: a js cell, and a model cell whose answers are in the journal`,
  variants,
  figures: (median) => [
    {
      name: 'a stored answer more than a js cell, CPU',
      value: median('stored answer', 'cpuUs') - median('js cell', 'cpuUs'),
      unit: 'µs',
      atMost: 60,
    },
    {
      name: 'a stored answer more than a js cell, by the clock',
      value: median('stored answer', 'us') - median('js cell', 'us'),
      unit: 'µs',
      atMost: 60,
    },
  ],
};
