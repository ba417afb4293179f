/**
 * The strategies that assign runs to lanes. `batch` is the engine's own. The others do what other programs do, for
 * comparison. Under every strategy the outcomes are put in order, and each run is made once.
 */
import { createHash } from 'node:crypto';
import { RvbbitError } from '../errors.ts';
import type { Strategy } from '../result.ts';
import { type Chunk, type RunInputs, subChunk } from './chunk.ts';
import type { ChunkPolicy } from './chunk-policy.ts';
import { RunCursor } from './run-cursor.ts';
import type { Window } from './window.ts';

/** The most runs for a strategy that splits them up front, because all their inputs are then in memory. */
const SPLIT_MAX_RUNS = 100_000;

/** The source from which lanes take their chunks. */
export interface RunSource {
  /** Returns the next chunk for a lane, counted from 0; undefined if none is left for it. The lane's last chunk has settled. */
  take(lane: number): Promise<Chunk | undefined>;
  /** Takes back runs that have not begun. */
  giveBack(rest: Chunk): void;
}

export interface SourceParts {
  readonly inputs: RunInputs;
  readonly policy: ChunkPolicy;
  readonly window: Window;
  readonly parallel: number;
}

/** Returns the number of lanes under a strategy. */
export function lanesOf(strategy: Strategy, parallel: number): number {
  return strategy === 'sequential' ? 1 : parallel;
}

/** Returns the most runs of a chunk under a strategy; undefined for the default. All but `batch` send each run by itself. */
export function chunkRunsOf(strategy: Strategy): number | undefined {
  return strategy === 'batch' ? undefined : 1;
}

export function runSource(strategy: Strategy, parts: SourceParts): RunSource {
  const { inputs, policy, window, parallel } = parts;
  switch (strategy) {
    case 'batch':
    case 'sequential':
      return new RunCursor(inputs, policy, window);
    case 'wave':
      return new Waves(new RunCursor(inputs, policy, window), parallel);
    case 'static':
      return new Parts(inputs, parallel, slices);
    case 'union_all':
      return new Parts(inputs, parallel, byHash);
  }
}

/** Runs in waves of `parallel` runs: the next wave begins when all runs of the last wave have ended. */
class Waves implements RunSource {
  readonly #cursor: RunCursor;
  readonly #parallel: number;
  readonly #open = new Set<number>();
  #begun = 0;
  #next: (() => void)[] = [];

  constructor(cursor: RunCursor, parallel: number) {
    this.#cursor = cursor;
    this.#parallel = parallel;
  }

  async take(lane: number): Promise<Chunk | undefined> {
    this.#end(lane);
    while (this.#begun === this.#parallel) {
      await new Promise<void>((resolve) => this.#next.push(resolve));
    }
    this.#begun += 1;
    this.#open.add(lane);
    const chunk = await this.#cursor.take();
    if (chunk === undefined) this.#end(lane);
    return chunk;
  }

  giveBack(rest: Chunk): void {
    this.#cursor.giveBack(rest);
  }

  #end(lane: number): void {
    this.#open.delete(lane);
    if (this.#open.size > 0) return;
    this.#begun = 0;
    const next = this.#next;
    this.#next = [];
    for (const resolve of next) resolve();
  }
}

/** Splits the runs into parts. Each part lists the indexes of its runs in `all`. */
type Split = (all: Chunk, parts: number) => readonly (readonly number[])[];

/** Gives each lane its own part of the runs, fixed before the first run begins. */
class Parts implements RunSource {
  readonly #inputs: RunInputs;
  readonly #parts: number;
  readonly #split: Split;
  #reading: Promise<{ readonly all: Chunk; readonly left: number[][] }> | undefined;
  readonly #laneOf = new Map<number, number>();

  constructor(inputs: RunInputs, parts: number, split: Split) {
    this.#inputs = inputs;
    this.#parts = parts;
    this.#split = split;
  }

  async take(lane: number): Promise<Chunk | undefined> {
    this.#reading ??= this.#read();
    const { all, left } = await this.#reading;
    const run = left[lane]?.shift();
    if (run === undefined) return undefined;
    this.#laneOf.set(run, lane);
    return subChunk(all, run, 1);
  }

  giveBack({ firstOrdinal }: Chunk): void {
    const lane = this.#laneOf.get(firstOrdinal) ?? 0;
    void this.#reading?.then(({ left }) => left[lane]?.unshift(firstOrdinal));
  }

  async #read(): Promise<{ readonly all: Chunk; readonly left: number[][] }> {
    const { runCount } = this.#inputs;
    if (runCount > SPLIT_MAX_RUNS) {
      throw new RvbbitError(
        'RVB_LIMIT',
        `a strategy that splits the rows up front takes at most ${SPLIT_MAX_RUNS} different inputs, and there are ${runCount}; leave the option strategy out`,
        { stage: 'execute' },
      );
    }
    const columns = await this.#inputs.read(0, runCount);
    const all = { firstOrdinal: 0, rowCount: runCount, ...columns };
    return { all, left: this.#split(all, this.#parts).map((part) => [...part]) };
  }
}

/** Splits the runs into parts of consecutive runs, of equal size up to one run. */
function slices({ rowCount }: Chunk, parts: number): readonly (readonly number[])[] {
  return Array.from({ length: parts }, (_, part) => {
    const from = Math.floor((part * rowCount) / parts);
    const to = Math.floor(((part + 1) * rowCount) / parts);
    return Array.from({ length: to - from }, (_run, index) => from + index);
  });
}

/** Puts a run into branch i if the hash of its inputs, modulo the number of branches, is i. */
function byHash({ rowCount, columns }: Chunk, parts: number): readonly (readonly number[])[] {
  const branches: number[][] = Array.from({ length: parts }, () => []);
  const names = Object.keys(columns);
  for (let run = 0; run < rowCount; run += 1) {
    const inputs = JSON.stringify(names.map((name) => columns[name]![run]));
    const hash = createHash('sha256').update(inputs).digest().readUInt32LE();
    branches[hash % parts]!.push(run);
  }
  return branches;
}
