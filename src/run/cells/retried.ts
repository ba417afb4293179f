/** Retries a failed cell that has a `retry` block but no model, with the same waits as for model calls. */
import type { Retry } from '../../cascade/cascade.ts';
import type { ErrorCode } from '../../error-codes.ts';
import { failureOf } from '../../errors.ts';
import { RETRY_ATTEMPTS } from '../../limits.ts';
import type { Json } from '../../util/json.ts';
import { retryWaitMs } from '../retry.ts';
import { beginStep, endsRun, pause, type Run, timeLimit } from '../run-state.ts';

/** Failures that a further attempt would repeat. */
const LASTING: ReadonlySet<ErrorCode> = new Set([
  'RVB_TEMPLATE',
  'RVB_TEMPLATE_QUOTED',
  'RVB_LIMIT',
  'RVB_UNSUPPORTED',
  'RVB_PATH_DENIED',
]);

/** Returns the result of `once`, or throws its last failure. Each attempt is a step of the run. */
export async function runRetried(
  label: string,
  retry: Retry,
  run: Run,
  once: () => Json | Promise<Json>,
): Promise<Json> {
  const { context, bounds } = run;
  const maxAttempts = context.settings.maxAttempts ?? retry.maxAttempts ?? RETRY_ATTEMPTS;
  for (let failures = 0; ; ) {
    if (failures > 0) beginStep(run, label);
    try {
      return await once();
    } catch (error) {
      failures += 1;
      bounds.attempts = failures;
      const isLasting = LASTING.has(failureOf(error).code) || endsRun(run, error);
      if (isLasting || failures >= maxAttempts) throw error;
      const waitMs = retryWaitMs(retry, failures, undefined, Math.random);
      if (waitMs >= timeLimit(run, label, undefined).ms) throw error;
      await pause(waitMs, context.signal);
    }
  }
}
