/**
 * Tracks model calls that other processes have begun and not ended. If the process is dead, the call is lost and may
 * have been billed.
 */
import { UNENDED_MAX_CALLS } from '../../limits.ts';
import { isGoneSince, isStopped } from '../process-facts.ts';
import { hashAttempt, hashNumber, type KeyHash } from './key-hash.ts';
import { parseSegmentName } from './segment-name.ts';
import type { StartRecord } from './stored-record.ts';

/** No call takes longer: an older one without an end was forgotten by its process. */
const CALL_MAX_MS = 120_000;
/** A process that was alive counts as alive for this long, because asking the system takes 0.1 ms. */
const ALIVE_MS = 100;

interface Beginning {
  readonly segment: string;
  /** µs since the epoch. */
  readonly at: number;
  /** True if its record reports lost calls (`again`). */
  readonly isTelling: boolean;
}

/**
 * Combines the starts and ends of calls from other processes' segments. They come in any order: a call may begin in one
 * segment and end in the next, and the newest segment is read first.
 */
export class UnendedCalls {
  /** The call key of each unended attempt. */
  readonly #begun = new Map<number, string>();
  /** For each call key: where and when each of its unended attempts began. */
  readonly #byKey = new Map<string, Map<number, Beginning>>();
  /** The attempts whose end was seen before their start. */
  readonly #ended = new Set<number>();
  /** For each call key: the start time (µs) of the newest ended call that reported lost calls. */
  readonly #toldAt = new Map<string, number>();
  /** The segments whose writer process is gone. */
  readonly #orphaned = new Set<string>();
  /** When the writer of a segment was last seen alive, by `performance.now()`. */
  readonly #aliveMs = new Map<string, number>();

  begun({ attempt: name, callKey, at, again }: StartRecord, segment: string): void {
    const attempt = hashNumber(hashAttempt(name));
    const isTelling = again !== undefined;
    if (this.#ended.delete(attempt)) {
      if (isTelling) this.#told(callKey, at);
      return;
    }
    if (this.#begun.size >= UNENDED_MAX_CALLS) return;
    this.#begun.set(attempt, callKey);
    const beginning = { segment, at, isTelling };
    const attempts = this.#byKey.get(callKey);
    if (attempts === undefined) this.#byKey.set(callKey, new Map([[attempt, beginning]]));
    else attempts.set(attempt, beginning);
  }

  ended(hash: KeyHash): void {
    const attempt = hashNumber(hash);
    const callKey = this.#begun.get(attempt);
    if (callKey === undefined) {
      if (this.#ended.size < UNENDED_MAX_CALLS) this.#ended.add(attempt);
      return;
    }
    const beginning = this.#byKey.get(callKey)?.get(attempt);
    if (beginning?.isTelling) this.#told(callKey, beginning.at);
    this.#forget(attempt, callKey);
  }

  /**
   * Returns the number of lost calls of this key and forgets them. A lost call counts only if it began after the newest
   * answer of the key (`answeredAt`, µs) and after the newest ended call that reported lost calls: those calls have
   * already accounted for it.
   */
  takeLost(callKey: string, answeredAt: number): number {
    const attempts = this.#byKey.get(callKey);
    if (attempts === undefined) return 0;
    const knownAt = Math.max(answeredAt, this.#toldAt.get(callKey) ?? 0);
    let lost = 0;
    for (const [attempt, { segment, at }] of attempts) {
      if (!this.#isOrphaned(segment)) continue;
      if (at > knownAt) lost += 1;
      this.#forget(attempt, callKey);
    }
    return lost;
  }

  /** True if another process makes a call of this key: it has begun, not ended, and its process runs. */
  isOut(callKey: string, nowMs: number): boolean {
    for (const { segment, at } of this.#byKey.get(callKey)?.values() ?? []) {
      if (at / 1_000 <= nowMs - CALL_MAX_MS) continue;
      const checkedMs = this.#aliveMs.get(segment) ?? Number.NEGATIVE_INFINITY;
      if (performance.now() - checkedMs < ALIVE_MS) return true;
      if (this.#isOrphaned(segment) || isStopped(parseSegmentName(segment)?.pid ?? 0)) continue;
      this.#aliveMs.set(segment, performance.now());
      return true;
    }
    return false;
  }

  #told(callKey: string, at: number): void {
    const known = this.#toldAt.get(callKey);
    if (known === undefined && this.#toldAt.size >= UNENDED_MAX_CALLS) return;
    this.#toldAt.set(callKey, Math.max(at, known ?? 0));
  }

  #forget(attempt: number, callKey: string): void {
    this.#begun.delete(attempt);
    const attempts = this.#byKey.get(callKey);
    attempts?.delete(attempt);
    if (attempts?.size === 0) this.#byKey.delete(callKey);
  }

  #isOrphaned(segment: string): boolean {
    if (this.#orphaned.has(segment)) return true;
    const writer = parseSegmentName(segment);
    if (writer === undefined || !isGoneSince(writer.pid, writer.createdMs)) return false;
    this.#orphaned.add(segment);
    return true;
  }
}
