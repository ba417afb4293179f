/** Model calls that other processes have begun and not ended: those whose process is dead were cut off, and may be paid. */
import { UNENDED_MAX_CALLS } from '../../limits.ts';
import { isGoneSince } from '../process-facts.ts';
import { hashAttempt, hashNumber, type KeyHash } from './key-hash.ts';
import { parseSegmentName } from './segment-name.ts';
import type { StartRecord } from './stored-record.ts';

interface Beginning {
  readonly segment: string;
  /** µs since the epoch. */
  readonly at: number;
  /** Its record tells of calls that were lost before it. */
  readonly isTelling: boolean;
}

/**
 * Folds the records of other processes' segments, which come in any order: a call may begin in one segment
 * and end in the next, and the newest segment is read first.
 */
export class UnendedCalls {
  /** Call keys by attempt. */
  readonly #begun = new Map<number, string>();
  /** Where and when each attempt began, by call key. */
  readonly #byKey = new Map<string, Map<number, Beginning>>();
  /** Attempts whose end was seen before their beginning. */
  readonly #ended = new Set<number>();
  /** When the latest call began that told of lost ones and has ended, by call key. */
  readonly #toldAt = new Map<string, number>();
  /** Segments whose writer is gone. */
  readonly #orphaned = new Set<string>();

  /** Takes up that an attempt has begun. */
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

  /** Takes up that an attempt has ended. */
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
   * How many calls of this key were cut off by the end of their process. Each is told until the call that is told
   * of it has ended; an answer that was bought after them (at `answeredAt`, µs) was made in the knowledge of them.
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
