/** `rvbbit bench collect`: runs every statement of a workload under every strategy, and collects what each run took. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collect, keyOf } from '../../collect/collect.ts';
import {
  COLLECT_CASCADE,
  COLLECT_CASCADE_TEXT,
  generatedWorkload,
} from '../../collect/generated-workload.ts';
import type { CollectionSummary } from '../../collect/observation.ts';
import {
  appendObservation,
  readObservations,
  writeCollection,
} from '../../collect/write-collection.ts';
import type { Engine } from '../../engine.ts';
import { spawnSimulator } from '../../sim/spawn.ts';
import { CliError, exitCodeOf, noAction, refuseWord } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { cutScript, readInput, statementsOnly } from '../script.ts';
import { cascadeRoots, openEngine } from '../session.ts';
import { watchInterrupts } from '../signals.ts';
import { say } from '../stderr.ts';
import { counted } from '../text/counted.ts';

const USAGE = 'rvbbit bench collect --workload auto|FILE.sql';
const FOLDER = 'collection';
const QUERIES = 60;
const SEED = 7;
/** The latency of the simulated server's answers. */
const LATENCY = { kind: 'lognormal', meanMs: 20, sigma: 0.8 } as const;
const SIMULATED = 'simulated/m';
/** The least time between two lines of progress. */
const TELL_EVERY_MS = 5_000;

/** Collects, and continues where an earlier collection into the same folder ended. Returns the exit code. */
export async function bench(words: readonly string[], options: CliOptions): Promise<number> {
  const [action, ...rest] = words;
  if (action !== 'collect') throw noAction('bench', action, USAGE);
  refuseWord(rest[0], USAGE);
  const { workload, quiet, output: folder = FOLDER } = options;
  if (workload === undefined) {
    throw new CliError('usage', 'bench collect needs --workload', USAGE);
  }
  const statements = await statementsOf(workload, options);
  const observations = readObservations(folder);
  const done = new Map(observations.map((one) => [keyOf(one), one]));
  if (done.size > 0 && quiet !== true) {
    say(`${folder} holds ${counted(done.size, 'observation')} already, which are not made again`);
  }
  const roots = workload === 'auto' ? [cascadeFolder(folder)] : await cascadeRoots(options);
  const simulator =
    options.model === undefined
      ? await spawnSimulator({ seed: options.seed ?? SEED, answers: 'hash', latency: LATENCY })
      : undefined;
  const interrupts = watchInterrupts();
  let engine: Engine | undefined;
  try {
    engine =
      simulator === undefined
        ? await openEngine({ ...options, state: false }, options.database ?? ':memory:', { roots })
        : await openSimulated(simulator.url, roots, options);
    const session = await engine.session();
    let toldMs = performance.now();
    const plain = await collect({
      ...{ session, events: engine.events, workload: statements, done },
      model: options.model ?? SIMULATED,
      signal: interrupts.signal,
      note: (observation) => {
        appendObservation(folder, observation);
        observations.push(observation);
      },
      onProgress: (at, total) => {
        if (quiet === true || performance.now() - toldMs < TELL_EVERY_MS) return;
        toldMs = performance.now();
        say(`${at}/${total} statements, ${counted(observations.length, 'observation')}`);
      },
    });
    if (interrupts.interrupted) {
      say(`stopped: the same command goes on from here, in ${folder}`);
      return exitCodeOf(['interrupted']);
    }
    print(await writeCollection(folder, session, observations, plain), folder);
    return 0;
  } finally {
    interrupts.close();
    await engine?.close();
    await simulator?.close();
  }
}

async function statementsOf(workload: string, { limit, seed }: CliOptions): Promise<string[]> {
  if (workload === 'auto') return generatedWorkload(limit ?? QUERIES, seed ?? SEED);
  const parts = cutScript(await readInput(workload), workload);
  const statements = statementsOnly(parts, 'a workload').map(({ sql }) => sql.trim());
  if (statements.length === 0) throw new CliError('usage', `${workload} holds no statement`);
  return statements;
}

/** Makes the collection's folder and writes the cascade of the generated statements into it. Returns the folder. */
function cascadeFolder(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, COLLECT_CASCADE);
  if (!existsSync(path)) writeFileSync(path, COLLECT_CASCADE_TEXT);
  return folder;
}

/** Opens an engine whose calls all go to a simulated server. */
async function openSimulated(
  baseUrl: string,
  cascades: readonly string[],
  { database = ':memory:', threads }: CliOptions,
): Promise<Engine> {
  const { Engine } = await import('../../engine.ts');
  return Engine.open({
    ...{ database, cascades, stateDir: false, model: SIMULATED },
    providers: { simulated: { baseUrl } },
    ...(threads === undefined ? {} : { threads }),
  });
}

function print(summary: CollectionSummary, folder: string): void {
  const { total_queries, observations, succeeded, failures, plain_failures } = summary;
  const lines = [
    `${counted(total_queries, 'statement')}, ${counted(observations, 'observation')}: ${folder}`,
    ...Object.entries(succeeded).map(([strategy, count]) => {
      const others = Object.entries(failures[strategy] ?? {});
      const why = others.map(([reason, times]) => `${times} ${reason}`).join(', ');
      return `  ${strategy.padEnd(12)}${count} ok${why === '' ? '' : `; ${why}`}`;
    }),
    ...plain_failures.map((failure) => `  plain SQL, ${failure}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
