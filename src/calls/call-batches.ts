/** Gathers the questions of a statement with BATCH n into calls: at most n questions a call, at most m calls in flight. */
import { MAX_PARALLEL } from '../limits.ts';
import type { BatchRows } from '../plan/plan.ts';
import type { CallDecision, CallRequest } from '../run/contract.ts';
import type { OpenShared } from './open-shared.ts';

/** A call that is not full goes out when no further question has come for this long. */
const LINGER_MS = 10;
/** The same while other runs have begun and may still ask: they render prompts, or wait for something else. */
const LINGER_BUSY_MS = 100;
/** The questions of the first call under `batch = 'auto'`. */
const AUTO_FIRST = 4;
/** The most questions of a call under `batch = 'auto'`. */
export const AUTO_MOST = 32;
/** Under `batch = 'auto'`, a call asks for about so many output tokens at most: models lose track in longer answers. */
const AUTO_OUTPUT_TOKENS = 2_000;
/** Under `batch = 'auto'`, calls become smaller when a larger share of their answers is missing. */
const AUTO_MISSING = 0.1;
/**
 * After so many calls in a row whose answer is too long, or cannot be read, calls become smaller. The
 * first may be due to one question.
 */
const USELESS_CALLS = 2;

/**
 * Returns how many runs may be open, so that all calls are full: those of the calls in flight, and those of the call that
 * gathers.
 */
export function openRuns(parallel: number, batch: BatchRows = 1): number {
  const rows = batch === 'auto' ? AUTO_MOST : batch;
  return rows === 1 ? parallel : Math.min(MAX_PARALLEL, (parallel + 1) * rows);
}

/** A question that waits for its call. */
export interface WaitingQuestion {
  readonly threadId: number;
  readonly request: CallRequest;
  readonly signal: AbortSignal;
  settle(decision: CallDecision | Promise<CallDecision>): void;
}

interface Queue {
  readonly of: number | undefined;
  readonly waiting: Set<WaitingQuestion>;
}

interface CallBatchesParts {
  readonly rows: BatchRows;
  /** The most calls in flight. */
  readonly parallel: number;
  /** Returns how many runs have begun, and neither wait for a call nor for an answer. */
  busyRuns(waiting: number): number;
  /** Makes a call. Calls `free` once when the call has ended, or does not go out. */
  send(questions: readonly WaitingQuestion[], free: () => void): void;
  /** Returns the decision on a question of a statement that has ended, or whose worker has died. */
  ended(): CallDecision;
}

/** The questions that wait for calls, in the order in which they came. */
export class CallBatches {
  readonly #parts: CallBatchesParts;
  readonly #isAuto: boolean;
  readonly #queues = new Map<string, Queue>();
  #rows: number;
  #inFlight = 0;
  #useless = 0;
  #alone = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: CallBatchesParts) {
    this.#parts = parts;
    this.#isAuto = parts.rows === 'auto';
    this.#rows = parts.rows === 'auto' ? AUTO_FIRST : parts.rows;
  }

  /** True if questions wait for a call. */
  get waits(): boolean {
    return this.#queues.size > 0;
  }

  /** Waits for a call with the question, and for the decision on it. */
  join(threadId: number, request: CallRequest, signal: AbortSignal): Promise<CallDecision> {
    return new Promise((resolve) => {
      const { batch } = request;
      const key = batch === undefined ? `alone ${++this.#alone}` : `${threadId} ${batch.key}`;
      const of = batch === undefined ? 1 : batch.of;
      const queue = this.#queues.get(key) ?? { of, waiting: new Set() };
      this.#queues.set(key, queue);
      const onAbort = (): void => {
        queue.waiting.delete(question);
        if (queue.waiting.size === 0) this.#queues.delete(key);
        question.settle(this.#parts.ended());
      };
      const question: WaitingQuestion = {
        threadId,
        request,
        signal,
        settle: (decision) => {
          signal.removeEventListener('abort', onAbort);
          resolve(decision);
        },
      };
      queue.waiting.add(question);
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
      else this.#pump();
    });
  }

  /** Learns from a call whose questions all have their outcomes. */
  learn({ of, missing, isUseless, isHalf, outputTokens }: OpenShared): void {
    if (!isHalf) this.#useless = isUseless ? this.#useless + 1 : 0;
    if (this.#useless >= USELESS_CALLS) this.shrinkBelow(of);
    if (!this.#isAuto || isHalf) return;
    if (isUseless || missing / of > AUTO_MISSING) this.shrinkBelow(of);
    else if (missing === 0 && of >= this.#rows) {
      const fits = Math.floor((AUTO_OUTPUT_TOKENS * of) / Math.max(1, outputTokens));
      this.#rows = Math.max(1, Math.min(2 * this.#rows, AUTO_MOST, fits));
    }
  }

  /** Further calls have at most half as many questions as this one. */
  shrinkBelow(of: number): void {
    this.#useless = 0;
    this.#rows = Math.max(1, Math.min(this.#rows, Math.floor(of / 2)));
  }

  /** No further call goes out. */
  close(): void {
    clearTimeout(this.#timer);
  }

  #pump(): void {
    for (const [key, { of, waiting }] of this.#queues) {
      while (this.#inFlight < this.#parts.parallel && waiting.size >= (of ?? this.#rows)) {
        this.#send(key);
        if (waiting.size === 0) break;
      }
    }
    clearTimeout(this.#timer);
    if (this.#queues.size === 0 || this.#inFlight >= this.#parts.parallel) return;
    let waiting = 0;
    for (const queue of this.#queues.values()) waiting += queue.waiting.size;
    const lingerMs = this.#parts.busyRuns(waiting) > 0 ? LINGER_BUSY_MS : LINGER_MS;
    this.#timer = setTimeout(() => this.#sendPart(), lingerMs);
  }

  /**
   * Sends a call that is not full. Questions that were asked before wait for more of their kind while calls are in
   * flight, so that those that several calls leave open go together.
   */
  #sendPart(): void {
    for (const [key, { waiting }] of this.#queues) {
      if (this.#inFlight > 0 && [...waiting].every(({ request }) => request.n > 1)) continue;
      this.#send(key);
      this.#pump();
      return;
    }
  }

  #send(key: string): void {
    const { of, waiting } = this.#queues.get(key)!;
    const questions = [...waiting].slice(0, of ?? this.#rows);
    for (const question of questions) waiting.delete(question);
    if (waiting.size === 0) this.#queues.delete(key);
    let isFree = false;
    this.#inFlight += 1;
    this.#parts.send(questions, () => {
      if (isFree) return;
      isFree = true;
      this.#inFlight -= 1;
      this.#pump();
    });
  }
}
