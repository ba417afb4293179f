/** The reasons why a call does not go out. */

import type { Failure } from '../errors.ts';
import type { CallDecision } from '../run/contract.ts';

/** The budget has no room for the call. */
export const BUDGET_USED_UP: Failure = {
  code: 'RVB_BUDGET',
  message: "the statement's budget is used up",
};

/** Returns the failure of a call without a price, whose caller may spend only so much money. */
export function uncosted(provider: string, model: string): Failure {
  const message = `the caller may spend a limited amount, and ${provider}/${model} has no price; set providers.<id>.prices in rvbbit.config.yaml`;
  return { code: 'RVB_UNCOSTED', message };
}

/** The call waited for an equal call, which took longer than the time limit of the call's row. */
export const EQUAL_CALL_TOO_LONG: Failure = {
  code: 'RVB_TIMEOUT',
  message: 'its time was over before the equal call that it waited for was answered',
};

/** Returns the failure of `count` consecutive unusable answers. `last` says what was wrong with the last one. */
export function unusableAnswers(count: number, last: string): Failure {
  const message = `${count} answers in a row could not be used, the last because: ${last}; not asked again by this statement: change the prompt, the schema or the model`;
  return { code: 'RVB_ANSWER_INVALID', message };
}

/** Returns the decision that refuses a call with this failure. */
export function refused(error: Failure): CallDecision {
  return { kind: 'refused', error };
}
