/** Explains a MAP or RUN: reads its query and foresees its runs. No cascade runs. */

import { dropStage, type StagedQuery, stageQuery } from '../duck/stage.ts';
import { type StagedRuns, stageRuns } from '../duck/stage-runs.ts';
import { stageMap } from '../execute/map-rows.ts';
import { StagedInputs } from '../execute/staged-inputs.ts';
import type { StatementWithCascade } from '../execute/statement.ts';
import { CHUNK_MAX_ROWS } from '../limits.ts';
import { type Usage, withFallbacks } from '../model/chat.ts';
import type { BoundModels } from '../model/models.ts';
import { BATCH_SHARE } from '../model/prices.ts';
import type { MapPlan, Plan, RunPlan } from '../plan/plan.ts';
import type { CostEstimate, ExplainReport, Strategy } from '../result.ts';
import { rowInputs } from '../run/row-inputs.ts';
import type { JsonObject } from '../util/json.ts';
import { CallTally } from './estimate/call-tally.ts';
import { exactly } from './estimate/estimate.ts';
import { estimateCell } from './estimate/estimate-cell.ts';
import { type Forecast, forecastOf } from './estimate/forecast.ts';
import { guardsOf } from './estimate/guards.ts';
import type { ExplainContext } from './explain-context.ts';
import { EXPLAIN_MAX_RUNS } from './explain-limits.ts';
import { Foreseer } from './foresee/foreseer.ts';
import { batchText, secondsText } from './report/figure-text.ts';
import { cascadeNotes, priceNotes } from './report/notes.ts';
import { cascadeTree } from './report/plan-tree.ts';

/** A forecast, and the cost by the other way: single calls, or the provider's Batch API. */
type Priced = Forecast & { readonly other?: CostEstimate };

/** The figures that only reading the query can tell. */
interface Figures {
  readonly rows: number;
  readonly deduped: number;
  readonly distinctInputs: number;
  readonly runs: number;
  readonly cut: boolean;
  readonly sql: readonly string[];
  readonly forecast: Priced;
  /** The number of runs that were foreseen one by one. */
  readonly foreseen: number;
}

export async function explainCascade(
  plan: Plan,
  statement: StatementWithCascade,
  context: ExplainContext,
): Promise<ExplainReport> {
  await context.loadExperience();
  const figures =
    plan.kind === 'map'
      ? await readMap(plan, statement, context)
      : await readRun(plan, statement, context);
  const { forecast, runs, rows } = figures;
  const { cells, other, ...totals } = forecast;
  const guards = guardsOf({
    budget: plan.calls.budget,
    limits: plan.calls.limits,
    cells,
    limitsOf: context.limitsOf,
  });
  const report: Omit<ExplainReport, 'tree'> = {
    statement: plan.kind,
    cascades: [plan.cascadeFile],
    rows,
    deduped: figures.deduped,
    resultRows: exactly(plan.kind === 'map' ? rows : 1),
    distinctInputs: exactly(figures.distinctInputs),
    runs: exactly(runs),
    ...totals,
    parallel: plan.parallel,
    limit: plan.limit,
    cut: figures.cut,
    guards,
    refusal: budgetRefusal(totals, guards),
    strategy: plan.strategy,
    reason: [
      reasonOf(plan, figures),
      ...batchText(plan.calls.batch),
      ...choiceOf(plan, cells, context),
    ].join('; '),
    inputColumns: plan.kind === 'map' ? plan.inputs.map(({ column }) => column) : [],
    cells,
    notes: [
      ...cascadeNotes(forecast, { runs, foreseen: figures.foreseen }),
      ...priceNotes(plan.calls.service, other),
    ],
    sql: figures.sql,
  };
  return { ...report, tree: cascadeTree(report) };
}

async function readMap(
  plan: MapPlan,
  statement: StatementWithCascade,
  context: ExplainContext,
): Promise<Figures> {
  const { signal } = statement.stop;
  const stage = await stageMap(plan, statement);
  let runs: StagedRuns | undefined;
  try {
    const keyColumns = plan.inputs.map(({ column }) => column);
    runs = await stageRuns(statement.session, stage, { keyColumns, dedupe: plan.dedupe, signal });
    const inputs = new StagedInputs(statement.session, stage, runs, plan.inputs, signal);
    const foreseen = Math.min(runs.runCount, EXPLAIN_MAX_RUNS);
    const rows = async function* (): AsyncGenerator<JsonObject> {
      for (let from = 0; from < foreseen; from += CHUNK_MAX_ROWS) {
        const rowCount = Math.min(CHUNK_MAX_ROWS, foreseen - from);
        const { columns } = await inputs.read(from, rowCount);
        yield* rowInputs({ columns, rowCount });
      }
    };
    return {
      ...figuresOf(stage),
      distinctInputs: plan.dedupe
        ? runs.runCount
        : await distinctCount(statement, stage, keyColumns),
      runs: runs.runCount,
      foreseen,
      forecast: await foreseeAll(
        plan,
        statement,
        context,
        rows(),
        runs.runCount / Math.max(1, foreseen),
      ),
    };
  } finally {
    await runs?.drop();
    await dropStage(statement.session, stage);
  }
}

async function readRun(
  plan: RunPlan,
  statement: StatementWithCascade,
  context: ExplainContext,
): Promise<Figures> {
  const { session, parameters, stop } = statement;
  const stage = await stageQuery(session, plan.query, {
    limit: plan.limit.rows ?? undefined,
    parameters,
    signal: stop.signal,
  });
  try {
    const columns = stage.columns.map(({ name }) => name);
    const input = { data_table: plan.asTable, row_count: stage.rowCount, columns };
    const forecast = await foreseeAll(plan, statement, context, [input], 1);
    return { ...figuresOf(stage), distinctInputs: 1, runs: 1, foreseen: 1, forecast };
  } finally {
    await dropStage(session, stage);
  }
}

function figuresOf({ rowCount, dropped, cut, sql }: StagedQuery) {
  return { rows: rowCount, deduped: dropped, cut, sql: [sql] };
}

async function distinctCount(
  statement: StatementWithCascade,
  stage: StagedQuery,
  keyColumns: readonly string[],
): Promise<number> {
  const { session, stop } = statement;
  const runs = await stageRuns(session, stage, { keyColumns, dedupe: true, signal: stop.signal });
  await runs.drop();
  return runs.runCount;
}

async function foreseeAll(
  plan: Plan,
  statement: StatementWithCascade,
  context: ExplainContext,
  inputs: Iterable<JsonObject> | AsyncIterable<JsonObject>,
  scale: number,
): Promise<Priced> {
  const { cascade, boundModels } = statement;
  const { calls, kind, parallel } = plan;
  const foreseer = new Foreseer(statement, { cascade, models: boundModels, kind, calls });
  const made = foreseer.policy.reuseOwn ? new Set<string>() : undefined;
  const tally = new CallTally(cascade.file, made, calls.batch);
  for await (const input of inputs) tally.add(await foreseer.foresee(input));
  const forecastAt = (share: number): Forecast => {
    const sources = {
      experience: context.experience,
      costOf: (provider: string, model: string, usage: Usage) =>
        boundModels?.costOf(provider, model, usage, share),
      scale,
    };
    const cells = [...tally.cells.values()].map((cell) => estimateCell(cell, sources));
    const { limitsOf } = context;
    return forecastOf(cells, { parallel, limitsOf, statementLimits: calls.limits });
  };
  const single = forecastAt(1);
  const batched = hasBatchApi(plan, boundModels) ? forecastAt(BATCH_SHARE) : undefined;
  const isBatched = calls.service !== undefined && batched !== undefined;
  const [own, other] = isBatched ? [batched, single.cost] : [single, batched?.cost];
  return { ...own, ...(other === undefined ? {} : { other }) };
}

/** True if all calls of a MAP may be made by Batch APIs. */
function hasBatchApi({ kind }: Plan, models: BoundModels | undefined): boolean {
  const targets = Object.values(models?.settings.targets ?? {}).flatMap(withFallbacks);
  return (
    kind === 'map' &&
    targets.every((target) => target.kind === 'provider' && 'batches' in target.provider)
  );
}

/** If the engine chose n, returns the reason for n and the time that the next best number would take. */
function choiceOf(plan: Plan, cells: Forecast['cells'], context: ExplainContext): string[] {
  if (plan.kind !== 'map' || plan.chosen === undefined) return [];
  const { parallel, why, runnerUp } = plan.chosen;
  const { seconds } = forecastOf(cells, {
    parallel: runnerUp,
    limitsOf: context.limitsOf,
    statementLimits: plan.calls.limits,
  });
  return [
    `n = ${parallel} as ${why}`,
    `the runner-up, n = ${runnerUp}, would take ${secondsText(seconds)}`,
  ];
}

/** The reasons for the strategies that exist for comparison. */
const STRATEGIES: { readonly [S in Strategy]?: string } = {
  sequential: 'as asked: one run after another',
  wave: 'as asked: n runs at a time, the next when all have ended',
  static: 'as asked: n slices of the runs, a lane each',
  union_all: 'as asked: n branches of the runs by the hash of their inputs, a lane each',
};

function reasonOf(plan: Plan, { rows, runs }: Figures): string {
  if (plan.kind === 'run') return 'a RUN is one run over the whole set';
  const how = STRATEGIES[plan.strategy];
  if (how !== undefined) return how;
  if (!plan.calls.dedupe) return 'dedupe = false: every row runs by itself';
  if (!plan.dedupe) return 'deterministic: false: every row runs by itself';
  return runs < rows
    ? 'equal inputs run once and serve all their rows'
    : 'each input is another, and runs by itself';
}

function budgetRefusal(
  { calls, tokensIn, tokensOut, cost }: Omit<Forecast, 'cells'>,
  { maxCalls, maxTokens, maxCostMicroUsd }: ExplainReport['guards'],
): string | null {
  const tokens = tokensIn.expected + tokensOut.expected;
  const over = [
    maxCalls !== undefined && calls.expected > maxCalls ? `max_calls = ${maxCalls}` : '',
    maxTokens !== undefined && tokens > maxTokens ? `max_total_tokens = ${maxTokens}` : '',
    maxCostMicroUsd !== undefined && (cost.expected ?? 0) > maxCostMicroUsd
      ? `max_cost = ${maxCostMicroUsd / 1e6}`
      : '',
  ].filter((text) => text !== '');
  return over.length === 0 ? null : `would end as incomplete (budget): ${over.join(', ')}`;
}
