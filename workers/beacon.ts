/**
 * A few words of memory that a worker and the main thread share. With them the main thread can tell which row a
 * worker was running when it died, and whether the worker still lives. A worker in the middle of many short rows can
 * learn of a cancel without a turn of its event loop.
 */

import { TIMER_MAX_MS } from '../src/limits.ts';

const TASK = 0;
const STATEMENT = 1;
const ROW = 2;
/** Odd while a synchronous stretch of a row's code runs. Counts up at the stretch's start and end. */
const SEQUENCE = 3;
const LIMIT_MS = 4;
const EXTERNAL_MB = 5;
/** Counts up as long as the worker's event loop turns. */
const HEARTBEAT = 6;
/** Counts the cancels and drains that the main thread has posted. */
const ENDINGS = 7;
/** Part of the time that the worker's event loop is busy, in thousandths. */
const UTILIZATION = 8;
const WORDS = 9;
const PERMILLE = 1_000;

/** The values that the main thread reads. */
export interface BeaconReading {
  readonly busy: boolean;
  /** Changes when a stretch begins or ends. Equal readings with `busy` mean that the same stretch still runs. */
  readonly sequence: number;
  readonly taskId: number;
  readonly statementId: number;
  /** Index of the row in its chunk. */
  readonly row: number;
  /** The milliseconds that the stretch may take. If none runs, the value of the last stretch; 0 before the first stretch. */
  readonly limitMs: number;
  /** Differs between two readings 200 ms apart, unless something blocks the worker's event loop. */
  readonly heartbeat: number;
  /** The memory outside the heap that the worker last reported, in MiB. */
  readonly externalMb: number;
  /** The part of the recent time that the worker's event loop was busy, 0 to 1. */
  readonly utilization: number;
}

export class Beacon {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 4)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** Worker: a chunk begins. What happens before its first stretch of code counts for its first row. */
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

  /**
   * Worker: reports that the event loop turns, for which part of the time it is busy, and the memory outside the heap
   * in MiB.
   */
  beat(externalMb: number, utilization: number): void {
    this.#words[EXTERNAL_MB] = externalMb;
    this.#words[UTILIZATION] = Math.round(utilization * PERMILLE);
    Atomics.add(this.#words, HEARTBEAT, 1);
  }

  /** Main thread: a cancel or a drain has been posted on the worker's link. */
  announceStop(): void {
    Atomics.add(this.#words, ENDINGS, 1);
  }

  /** Worker: the number of cancels and drains that were announced so far. */
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
