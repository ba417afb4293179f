/** The calls of a statement that begins to run, as its plan wants them made. */
import type { CallPlan } from '../../plan/plan.ts';
import type { StatementEnv } from '../statement-env.ts';
import { answerPolicy } from './answer-policy.ts';
import { Budget } from './budget.ts';
import { StatementCalls } from './statement-calls.ts';

/** `budget` is one that the statement has already begun to spend. */
export function openCalls(env: StatementEnv, plan: CallPlan, budget?: Budget): StatementCalls {
  const { desk, ledger, stop, models, cascade } = env;
  const hasBudget = Object.keys(plan.budget).length > 0;
  const deterministic = cascade.sqlFunction?.['deterministic'] !== false;
  const { dedupe } = plan;
  const { answersKept } = desk.journal;
  return new StatementCalls(desk, {
    statementId: env.id,
    signal: stop.signal,
    ledger,
    cascade: cascade.file,
    policy: answerPolicy(plan.cache, { dedupe, deterministic, answersKept }, ledger.startedUs),
    budget: budget ?? (hasBudget ? new Budget(plan.budget) : undefined),
    limits: plan.limits,
    onlyAtHand: plan.onlyAtHand === true,
    costOf: (provider, model, usage) => models?.costOf(provider, model, usage),
    onBudgetEnd: () => stop.drain('budget'),
    onJournalFailure: (failure) => stop.fail(failure),
  });
}
