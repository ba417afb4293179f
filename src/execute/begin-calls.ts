/** Sets up the model calls of a statement that begins to run, as its plan says. */

import { type AnswerPolicy, answerPolicy } from '../calls/answer-policy.ts';
import { Budget } from '../calls/budget.ts';
import { type SharedCalls, StatementCalls } from '../calls/statement-calls.ts';
import type { CallPlan } from '../plan/plan.ts';
import type { StatementWithCascade } from './statement.ts';

/** Returns the rules for the stored answers that the statement's calls may use. */
export function policyOf(
  { desk, ledger, cascade }: Pick<StatementWithCascade, 'desk' | 'ledger' | 'cascade'>,
  { cache, dedupe }: Pick<CallPlan, 'cache' | 'dedupe'>,
): AnswerPolicy {
  const deterministic = cascade.sqlFunction?.['deterministic'] !== false;
  const { answersKept } = desk.journal;
  return answerPolicy(cache, { dedupe, deterministic, answersKept }, ledger.startedUs);
}

/** `budget`: a budget from which the statement has already begun to spend. `parallel` and `openRuns` are for calls that several runs share. */
export function beginCalls(
  statement: StatementWithCascade,
  plan: CallPlan,
  budget: Budget | undefined,
  { parallel, openRuns }: Pick<SharedCalls, 'parallel' | 'openRuns'>,
): StatementCalls {
  const { desk, ledger, stop, boundModels, cascade } = statement;
  const hasBudget = Object.keys(plan.budget).length > 0;
  return new StatementCalls(desk, {
    statementId: statement.id,
    ledger,
    cascade: cascade.file,
    policy: policyOf(statement, plan),
    budget: budget ?? statement.budget ?? (hasBudget ? new Budget(plan.budget) : undefined),
    purse: statement.purse,
    limits: plan.limits,
    batch: plan.batch === undefined ? undefined : { rows: plan.batch, parallel, openRuns },
    onlyStored: plan.onlyStored === true,
    costOf: (provider, model, usage) => boundModels?.costOf(provider, model, usage),
    baseUrlOf: (provider) => boundModels?.baseUrlOf(provider) ?? '',
    onBudgetEnd: () => stop.drain('budget'),
    onProviderEnd: (failure) => ledger.noteProviderEnd(failure),
    onJournalFailure: (failure) => stop.fail(failure),
  });
}
