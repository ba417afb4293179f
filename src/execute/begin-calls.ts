/** Sets up the model calls of a statement that begins to run, as its plan says. */

import { existsSync } from 'node:fs';
import { type AnswerPolicy, answerPolicy } from '../calls/answer-policy.ts';
import { Budget } from '../calls/budget.ts';
import type { ProviderBatches } from '../calls/provider-batches.ts';
import { type SharedCalls, StatementCalls } from '../calls/statement-calls.ts';
import { RvbbitError } from '../errors.ts';
import { type HttpSettings, withFallbacks } from '../model/chat.ts';
import { BATCH_SHARE } from '../model/prices.ts';
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

/** Opens the batches of a job whose calls are made by Batch APIs; undefined for any other statement. */
export async function beginOrders(
  { boundModels, batchFolder: folder, stateDir }: StatementWithCascade,
  { service }: Pick<CallPlan, 'service'>,
): Promise<ProviderBatches | undefined> {
  if (service === undefined) return undefined;
  if (folder === undefined || stateDir === undefined) {
    throw new RvbbitError('RVB_UNSUPPORTED', "service = 'batch' is for jobs; write MAP ASYNC", {
      stage: 'execute',
    });
  }
  const { ProviderBatches } = await import('../calls/provider-batches.ts');
  const { endedRequests } = await import('../journal/disk/find-statement.ts');
  const targets = Object.values(boundModels?.settings.targets ?? {}).flatMap(withFallbacks);
  return new ProviderBatches({
    folder,
    // Only an execution after the first one finds a folder.
    noted: existsSync(folder) ? endedRequests(stateDir) : new Set(),
    settingsOf: (id) =>
      targets
        .map((target) => (target.kind === 'provider' ? target.provider : undefined))
        .find((one): one is HttpSettings => one !== undefined && one.id === id && 'batches' in one),
  });
}

/** `budget`: a budget from which the statement has already begun to spend. `parallel` and `openRuns` are for calls that several runs share. */
export function beginCalls(
  statement: StatementWithCascade,
  plan: CallPlan,
  budget: Budget | undefined,
  {
    parallel,
    openRuns,
    orders,
  }: Pick<SharedCalls, 'parallel' | 'openRuns'> & { readonly orders: ProviderBatches | undefined },
): StatementCalls {
  const { desk, ledger, stop, boundModels, cascade } = statement;
  const share = plan.service === undefined ? 1 : BATCH_SHARE;
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
    orders,
    onlyStored: plan.onlyStored === true,
    costOf: (provider, model, usage) => boundModels?.costOf(provider, model, usage, share),
    baseUrlOf: (provider) => boundModels?.baseUrlOf(provider) ?? '',
    onBudgetEnd: () => stop.drain('budget'),
    onProviderEnd: (failure) => ledger.noteProviderEnd(failure),
    onJournalFailure: (failure) => stop.fail(failure),
  });
}
