/** Which earlier answers a statement may use in place of calls, and what becomes of its own. */
import { parseDurationMs } from '../../grammar/duration.ts';
import type { CacheSetting } from '../plan/plan.ts';

export interface AnswerPolicy {
  /** Answers given before this are too old, in microseconds since the epoch. */
  readonly notBefore: number;
  /** The statement's own answers serve its later calls too. */
  readonly reuseOwn: boolean;
  /** Later statements may find its answers; where not, it keeps them for its own calls. */
  readonly keep: boolean;
}

/**
 * The policy of a statement that begins at `startedUs`. Without `dedupe`, or where the cascade says that it
 * is not deterministic, every run asks for itself. `answersKept`: the journal keeps answers at all.
 */
export function answerPolicy(
  cache: CacheSetting,
  options: {
    readonly dedupe: boolean;
    readonly deterministic: boolean;
    readonly answersKept: boolean;
  },
  startedUs: number,
): AnswerPolicy {
  if (!options.deterministic) return { notBefore: Infinity, reuseOwn: false, keep: false };
  const keep = cache !== false && options.answersKept;
  if (!options.dedupe) return { notBefore: Infinity, reuseOwn: false, keep };
  return { notBefore: notBefore(cache, startedUs), reuseOwn: true, keep };
}

function notBefore(cache: CacheSetting, startedUs: number): number {
  if (cache === true) return 0;
  const ageMs = cache === false || cache === 'refresh' ? 0 : parseDurationMs(cache);
  return startedUs - (ageMs ?? 0) * 1_000;
}
