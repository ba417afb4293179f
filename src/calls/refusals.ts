/** Why a call does not go out. */

import type { Failure } from '../errors.ts';
import type { CallDecision } from '../run/contract.ts';

/** The budget has no room for the call. */
export const BUDGET_USED_UP: Failure = {
  code: 'RVB_BUDGET',
  message: "the statement's budget is used up",
};

/** The equal call that it waited for took longer than its row may. */
export const EQUAL_CALL_TOO_LONG: Failure = {
  code: 'RVB_TIMEOUT',
  message: 'its time was over before the equal call was answered that it waited for',
};

/** Too many answers in a row could not be used; `last` is what was wrong with the last of them. */
export function unusableAnswers(count: number, last: string): Failure {
  const message = `${count} answers in a row could not be used, the last because: ${last}; not asked again by this statement: change the prompt, the schema or the model`;
  return { code: 'RVB_ANSWER_INVALID', message };
}

/** The decision that says so. */
export function refused(error: Failure): CallDecision {
  return { kind: 'refused', error };
}
