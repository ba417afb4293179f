/**
 * A few words of memory that a worker and the main thread share, so that the main thread can tell
 * which row a worker was running when it died, and whether it still lives; and so that a worker in
 * the middle of many short rows learns of a cancel without a turn of its event loop.
 */

import { TIMER_MAX_MS } from '../src/limits.ts';

const TASK = 0;
const STATEMENT = 1;
const ROW = 2;
/** Odd while a synchronous stretch of a row runs; counts up at its start and its end. */
const SEQUENCE = 3;
const LIMIT_MS = 4;
const EXTERNAL_MB = 5;
/** Counts up with the turns of the worker's event loop. */
const HEARTBEAT = 6;
/** Counts the cancels and drains that the main thread has posted. */
const ENDINGS = 7;
/** Part of the time that the worker's event loop is busy, in thousandths. */
const UTILIZATION = 8;
const WORDS = 9;
const PERMILLE = 1_000;

/** What the main thread reads. */
export interface BeaconReading {
  readonly busy: boolean;
  /** Differs between two stretches: equal readings mean the same stretch still runs. */
  readonly sequence: number;
  readonly taskId: number;
  readonly statementId: number;
  /** Index of the row in its chunk. */
  readonly row: number;
  /** Milliseconds that the stretch may take; of the last one where none runs, 0 before the first. */
  readonly limitMs: number;
  /** Differs between two readings 200 ms apart, unless something holds the worker's event loop. */
  readonly heartbeat: number;
  /** Memory outside the heap that the worker last reported. */
  readonly externalMb: number;
  /** Part of the time that its event loop was busy of late, 0 to 1. */
  readonly utilization: number;
}

export class Beacon {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 4)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** Worker: a chunk begins; what happens before its first stretch of code is its first row's. */
  begin(taskId: number, statementId: number): void {
    const words = this.#words;
    words[TASK] = taskId;
    words[STATEMENT] = statementId;
    words[ROW] = 0;
  }

  /** Worker: a synchronous stretch of `row` begins. */
  enter(taskId: number, statementId: number, row: number, limitMs: number): void {
    const words = this.#words;
    words[TASK] = taskId;
    words[STATEMENT] = statementId;
    words[ROW] = row;
    words[LIMIT_MS] = Math.min(limitMs, TIMER_MAX_MS);
    Atomics.store(words, SEQUENCE, (words[SEQUENCE]! + 1) | 1);
  }

  /** Worker: the stretch is over. */
  leave(): void {
    const words = this.#words;
    Atomics.store(words, SEQUENCE, (words[SEQUENCE]! + 1) & ~1);
  }

  /** Worker: the event loop turns, and is busy for this part of the time; memory outside the heap, in MiB. */
  beat(externalMb: number, utilization: number): void {
    this.#words[EXTERNAL_MB] = externalMb;
    this.#words[UTILIZATION] = Math.round(utilization * PERMILLE);
    Atomics.add(this.#words, HEARTBEAT, 1);
  }

  /** Main thread: a cancel or a drain has been posted on the worker's link. */
  announceStop(): void {
    Atomics.add(this.#words, ENDINGS, 1);
  }

  /** Worker: cancels and drains announced so far. */
  get endings(): number {
    return Atomics.load(this.#words, ENDINGS);
  }

  read(): BeaconReading {
    const words = this.#words;
    const sequence = Atomics.load(words, SEQUENCE);
    return {
      busy: (sequence & 1) === 1,
      sequence,
      taskId: words[TASK]!,
      statementId: words[STATEMENT]!,
      row: words[ROW]!,
      limitMs: words[LIMIT_MS]!,
      heartbeat: Atomics.load(words, HEARTBEAT),
      externalMb: words[EXTERNAL_MB]!,
      utilization: words[UTILIZATION]! / PERMILLE,
    };
  }
}
