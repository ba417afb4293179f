/** Measures the cost of the journal on disk: for bought calls and for cheap rows, with and without a state folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../../src/index.ts';
import { medianOf } from '../../src/run/cells/reduce-takes.ts';
import { spawnSimulator } from '../../src/sim/spawn.ts';
import { cascadeRoot } from '../fixture-root.ts';
import { cpuMs, type Sample, type Suite, type Variant } from '../suite.ts';

const CALLS = { rows: 1_000, parallel: 50, latencyMs: 500 };
/** Warm-up calls. V8 compiles code during some ten thousand calls, and more code with the journal. */
const WARM_UP = 10_000;
const CHEAP_ROWS = 1_000_000;
/** The number of pairs of runs with cheap rows, in each process. */
const PAIRS = 4;
/** The number of pairs of runs with calls, one statement at a time. They measure wall time. */
const CALL_PAIRS = 2;
/**
 * The runs that measure the CPU time of a call: many short turns, each with several statements at once. V8's own threads
 * (full garbage collections, recompiled code) make turns differ by some 100 µs per call, so hundreds of pairs are needed
 * to see the journal. Turns that are shorter than `MODEL_IDLE_MS` find their connections still open.
 */
const CPU = { statements: 8, rows: 100, pairs: 50 };
const WARM_UP_ROWS = 100_000;

/** Runs `work` with a state folder that is removed afterwards. */
async function withState(work: (stateDir: string) => Promise<Sample>): Promise<Sample> {
  const stateDir = mkdtempSync(join(tmpdir(), 'rvbbit-bench-'));
  try {
    return await work(stateDir);
  } finally {
    rmSync(stateDir, { recursive: true });
  }
}

function ask(rows: number, word: string): string {
  return `RVBBIT MAP PARALLEL ${CALLS.parallel} 'ask.yaml' AS answer USING (SELECT '${word} ' || range AS question FROM range(${rows})) WITH (limit = ${rows})`;
}

/** Runs several statements at once, each with `rows` new rows. */
async function buy(engine: Engine, statements: number, rows: number, word: string): Promise<void> {
  const asked = Array.from({ length: statements }, (_, at) =>
    engine.query(ask(rows, `${word} ${at}`)),
  );
  for (const { summary } of await Promise.all(asked)) {
    if (summary.calls.sent !== rows) throw new Error(`${summary.calls.sent} calls`);
  }
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
  return { ms, cpuMs: cpuMs(cpu) };
}

interface Pair {
  readonly without: Took;
  readonly kept: Took;
}

/**
 * Alternates both kinds of run in one process. Each kind is first in half of the pairs. So the luck of a process (where
 * its memory lies, which code is compiled) and a slow period of the machine affect both kinds.
 */
async function inTurns(
  count: number,
  run: (kind: 'without' | 'kept', pair: number) => Promise<Took>,
): Promise<readonly Pair[]> {
  const pairs: Pair[] = [];
  for (let pair = 0; pair < count; pair++) {
    if (pair % 2 === 0) {
      pairs.push({ without: await run('without', pair), kept: await run('kept', pair) });
    } else pairs.push({ kept: await run('kept', pair), without: await run('without', pair) });
  }
  return pairs;
}

const boughtCalls: Variant = {
  name: 'calls',
  measure: () =>
    withState(async (stateDir) => {
      await using sim = await spawnSimulator({ latency: { kind: 'constant', ms: 5 } });
      const options = {
        cascades: cascadeRoot,
        threads: 2,
        providers: { sim: { baseUrl: sim.url } },
        model: 'sim/m',
      };
      await using without = await Engine.open({ ...options, stateDir: false });
      await using kept = await Engine.open({ ...options, stateDir });
      const engines = { without, kept };
      for (const engine of Object.values(engines)) await engine.query(ask(WARM_UP, 'warm'));
      await sim.script({ latency: { kind: 'constant', ms: CALLS.latencyMs } });
      const alone = await inTurns(CALL_PAIRS, (kind, pair) =>
        timed(() => buy(engines[kind], 1, CALLS.rows, `pair ${pair}`)),
      );
      const together = await inTurns(CPU.pairs, (kind, pair) =>
        timed(() => buy(engines[kind], CPU.statements, CPU.rows, `CPU ${pair}`)),
      );
      // The first pair still warms up. The mean is used so that every garbage collection counts, whichever turn it
      // falls into.
      const counted = together.slice(1);
      const usPerCall = (kind: keyof Pair) =>
        mean(counted.map((pair) => pair[kind].cpuMs * 1000)) / (CPU.statements * CPU.rows);
      return {
        'ms without': medianOf(alone.map((pair) => pair.without.ms)),
        'ms with': medianOf(alone.map((pair) => pair.kept.ms)),
        'wall ratio': medianOf(alone.map((pair) => pair.kept.ms / pair.without.ms)),
        'cpuUsPerCall without': usPerCall('without'),
        'cpuUsPerCall added': usPerCall('kept') - usPerCall('without'),
      };
    }),
};

function copy(rows: number): string {
  return `CREATE TABLE copy AS RVBBIT MAP PARALLEL 4 'upper.yaml' AS up USING (SELECT 'product ' || range AS name FROM range(${rows})) WITH (limit = ${rows})`;
}

const cheapRows: Variant = {
  name: 'rows',
  measure: () =>
    withState(async (stateDir) => {
      await using without = await Engine.open({ cascades: cascadeRoot, stateDir: false });
      await using kept = await Engine.open({ cascades: cascadeRoot, stateDir });
      const run = async (engine: Engine, rows = CHEAP_ROWS): Promise<Took> => {
        const took = await timed(async () => void (await engine.query(copy(rows))));
        await engine.query('DROP TABLE copy');
        return took;
      };
      await run(without, WARM_UP_ROWS);
      await run(kept, WARM_UP_ROWS);
      const engines = { without, kept };
      const pairs = await inTurns(PAIRS, (kind) => run(engines[kind]));
      return {
        'ms without': medianOf(pairs.map((pair) => pair.without.ms)),
        'ms with': medianOf(pairs.map((pair) => pair.kept.ms)),
        'wall ratio': medianOf(pairs.map((pair) => pair.kept.ms / pair.without.ms)),
        // Load of other processes slows down some runs, but not the fastest run of each kind.
        'least wall ratio':
          Math.min(...pairs.map((pair) => pair.kept.ms)) /
          Math.min(...pairs.map((pair) => pair.without.ms)),
        'CPU ratio': medianOf(pairs.map((pair) => pair.kept.cpuMs / pair.without.cpuMs)),
      };
    }),
};

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export const journal: Suite = {
  name: 'journal',
  about: `${CALLS.rows} calls of ${CALLS.latencyMs} ms at n = ${CALLS.parallel}, and ${CHEAP_ROWS / 1e6}M cheap rows, with the journal on disk and without`,
  samples: 5,
  variants: [boughtCalls, cheapRows],
  figures: (median) => [
    {
      name: 'calls: wall time with the journal against without, by pairs',
      value: median('calls', 'wall ratio'),
      unit: '×',
      atMost: 1.1,
    },
    {
      name: `calls: CPU that the journal adds to a bought call, ${CPU.statements} statements at once, the mean of all turns`,
      value: median('calls', 'cpuUsPerCall added'),
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
