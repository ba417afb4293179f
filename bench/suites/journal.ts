/** What the journal on disk costs: bought calls and cheap rows, with a state folder and without. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../../src/index.ts';
import { spawnSimulator } from '../../src/simulator/spawn.ts';
import { cascadeRoot } from '../fixture-root.ts';
import type { Sample, Suite, Variant } from '../suite.ts';

const CALLS = { rows: 1_000, parallel: 50, latencyMs: 500 };
/** Calls before those that count: fewer would leave most of the engine's code uncompiled, with the journal more of it. */
const WARM_UP = 2_000;
const CHEAP_ROWS = 1_000_000;
/** Of runs of cheap rows, in each process. */
const PAIRS = 4;
const WARM_UP_ROWS = 100_000;

interface Opened {
  readonly stateDir: string | false;
}

/** Runs with a state folder of its own, or without one. */
async function withState(
  hasJournal: boolean,
  work: (opened: Opened) => Promise<Sample>,
): Promise<Sample> {
  if (!hasJournal) return work({ stateDir: false });
  const stateDir = mkdtempSync(join(tmpdir(), 'rvbbit-bench-'));
  try {
    return await work({ stateDir });
  } finally {
    rmSync(stateDir, { recursive: true });
  }
}

function ask(rows: number, parallel: number): string {
  return `RVBBIT MAP PARALLEL ${parallel} 'ask.yaml' AS answer USING (SELECT 'row ' || range AS question FROM range(${rows})) WITH (limit = ${rows})`;
}

interface Took {
  readonly ms: number;
  readonly cpuMs: number;
}

async function timed(work: () => Promise<void>): Promise<Took> {
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  await work();
  const ms = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpuMs: (user + system) / 1000 };
}

function calls(name: string, hasJournal: boolean): Variant {
  return {
    name,
    measure: () =>
      withState(hasJournal, async ({ stateDir }) => {
        await using sim = await spawnSimulator({ latency: { kind: 'constant', ms: 5 } });
        await using engine = await Engine.open({
          cascades: cascadeRoot,
          threads: 2,
          stateDir,
          providers: { sim: { baseUrl: sim.url } },
          model: 'sim/m',
        });
        await engine.query(ask(WARM_UP, CALLS.parallel).replace("'row '", "'warm '"));
        await sim.script({ latency: { kind: 'constant', ms: CALLS.latencyMs } });
        const { ms, cpuMs } = await timed(async () => {
          const { summary } = await engine.query(ask(CALLS.rows, CALLS.parallel));
          if (summary.calls.sent !== CALLS.rows) throw new Error(`${summary.calls.sent} calls`);
        });
        return { ms, cpuUsPerCall: (cpuMs * 1000) / CALLS.rows };
      }),
  };
}

function copy(rows: number): string {
  return `CREATE TABLE copy AS RVBBIT MAP PARALLEL 4 'upper.yaml' AS up USING (SELECT 'product ' || range AS name FROM range(${rows})) WITH (limit = ${rows})`;
}

/**
 * Both kinds of run take turns in one process, each first as often as second: what a process is lucky with (where
 * its memory lies, which code is compiled) and a slow spell of the machine then meet both.
 */
const cheapRows: Variant = {
  name: 'rows',
  measure: () =>
    withState(true, async ({ stateDir }) => {
      await using without = await Engine.open({ cascades: cascadeRoot, stateDir: false });
      await using kept = await Engine.open({ cascades: cascadeRoot, stateDir });
      const run = async (engine: Engine, rows = CHEAP_ROWS): Promise<Took> => {
        const took = await timed(async () => void (await engine.query(copy(rows))));
        await engine.query('DROP TABLE copy');
        return took;
      };
      await run(without, WARM_UP_ROWS);
      await run(kept, WARM_UP_ROWS);
      const pairs: { without: Took; kept: Took }[] = [];
      for (let pair = 0; pair < PAIRS; pair++) {
        if (pair % 2 === 0) pairs.push({ without: await run(without), kept: await run(kept) });
        else pairs.push({ kept: await run(kept), without: await run(without) });
      }
      return {
        'ms without': middle(pairs.map((pair) => pair.without.ms)),
        'ms with': middle(pairs.map((pair) => pair.kept.ms)),
        'wall ratio': middle(pairs.map((pair) => pair.kept.ms / pair.without.ms)),
        // What a busy machine adds to some runs is in neither of the fastest.
        'least wall ratio':
          Math.min(...pairs.map((pair) => pair.kept.ms)) /
          Math.min(...pairs.map((pair) => pair.without.ms)),
        'CPU ratio': middle(pairs.map((pair) => pair.kept.cpuMs / pair.without.cpuMs)),
      };
    }),
};

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[at]! : (sorted[at - 1]! + sorted[at]!) / 2;
}

export const journal: Suite = {
  name: 'journal',
  about: `${CALLS.rows} calls of ${CALLS.latencyMs} ms at n = ${CALLS.parallel}, and ${CHEAP_ROWS / 1e6}M cheap rows, with the journal on disk and without`,
  samples: 3,
  variants: [calls('calls without', false), calls('calls with', true), cheapRows],
  figures: (median) => [
    {
      name: 'calls: wall time with the journal against without',
      value: median('calls with', 'ms') / median('calls without', 'ms'),
      unit: '×',
      atMost: 1.1,
    },
    {
      name: 'calls: CPU that the journal adds to a bought call',
      value: median('calls with', 'cpuUsPerCall') - median('calls without', 'cpuUsPerCall'),
      unit: ' µs',
      atMost: 50,
    },
    {
      name: 'cheap rows: wall time with the journal against without, by pairs',
      value: median('rows', 'wall ratio'),
      unit: '×',
      atMost: 1.05,
    },
    {
      name: 'cheap rows: CPU time with the journal against without, by pairs',
      value: median('rows', 'CPU ratio'),
      unit: '×',
    },
  ],
};
