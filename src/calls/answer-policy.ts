/** Decides which stored answers a statement may use, and who may use its own answers. */
import { parseDurationMs } from '../../grammar/duration.ts';
import type { CacheSetting } from '../plan/plan.ts';

/** A statement's rules for stored answers. */
export interface AnswerPolicy {
  /** Answers from before this time are not used. In microseconds since the epoch; Infinity for no stored answers. */
  readonly notBefore: number;
  /** True if the statement's own answers also serve its later equal calls. */
  readonly reuseOwn: boolean;
  /** True if later statements may find its answers. If false, at most its own calls use them (`reuseOwn`). */
  readonly keep: boolean;
}

/**
 * Returns the policy of a statement that begins at `startedUs`. Without `dedupe`, or if the cascade is not
 * deterministic, every run makes its own calls. `answersKept`: the journal is configured to keep answers.
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
