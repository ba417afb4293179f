/** Helps authors of cascades to test: runs `test_cases`, and starts a model server. Published as `rvbbit/testing`. */

import type { TestCase } from './cascade/cascade.ts';
import { jsonEquals } from './cascade/plain-json.ts';
import type { Engine } from './engine.ts';
import { failureOf } from './errors.ts';
import type { RunOutcome } from './run/contract.ts';
import { checkOptions, SIGNAL } from './util/check-options.ts';

export { type Simulator, startSimulator } from './sim/simulator.ts';
export { type SimulatorProcess, spawnSimulator } from './sim/spawn.ts';

/** The result of one test case. */
export interface TestCaseResult {
  /** The case's own name, or `case 1`, `case 2`, … */
  readonly name: string;
  readonly testCase: TestCase;
  readonly passed: boolean;
  readonly outcome: RunOutcome;
}

/**
 * Runs the cascade's cases one after another on `engine` and yields the result of each. A case passes if the run's
 * value equals `expect`; the value of a skipped run is null. Throws `RvbbitError` if the cascade cannot be loaded or no
 * worker starts, and RVB_CANCELLED if `signal` aborts.
 */
export async function* checkCascade(
  engine: Engine,
  path: string,
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<TestCaseResult, void> {
  checkOptions('checkCascade', options, { signal: SIGNAL });
  const cascade = await engine.loadCascade(path);
  for (const [index, testCase] of cascade.testCases.entries()) {
    const outcome = await outcomeOf(engine, path, testCase, options);
    yield {
      name: testCase.name ?? `case ${index + 1}`,
      testCase,
      passed:
        outcome.kind !== 'failed' &&
        jsonEquals(outcome.kind === 'ok' ? outcome.value : null, testCase.expect),
      outcome,
    };
  }
}

async function outcomeOf(
  engine: Engine,
  path: string,
  { input }: TestCase,
  options: { readonly signal?: AbortSignal },
): Promise<RunOutcome> {
  try {
    return (await engine.runCascade(path, input, options)).outcome;
  } catch (thrown) {
    const error = failureOf(thrown);
    if (options.signal?.aborted === true || error.code === 'RVB_WORKER_BOOT') throw thrown;
    return { kind: 'failed', error, attempts: 1 };
  }
}
