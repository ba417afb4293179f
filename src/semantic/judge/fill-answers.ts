/** Finds the answers that a planned query needs where no LIMIT can stop the asking, with as few calls as possible. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { Tuple } from '../ask/answer-book.ts';
import { askOpen } from '../ask/ask-open.ts';
import { callsPerRun } from '../ask/calls-per-run.ts';
import { passesOf } from '../find-answers.ts';
import { Candidates } from '../plan/candidates.ts';
import { canDefer } from '../plan/planned-query.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { holds, Unplannable } from '../plan/query-tree.ts';
import type { OperatorUse } from '../read/use.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { type ConditionForms, inAskOrder } from './ask-order.ts';
import { RowJudge } from './decide-rows.ts';
import { fillItems } from './fill-items.ts';
import { opaqueOf } from './needs.ts';
import { sampleSize } from './sample-size.ts';
import { conditionOf } from './truth.ts';

/** A condition, and its operator if it holds exactly one that every row needs. */
interface Step {
  /** Its place among the plan's conditions. */
  readonly place: number;
  readonly condition: SqlNode;
  readonly single: { readonly node: SqlNode; readonly use: OperatorUse } | undefined;
}

/**
 * Asks the questions that the query needs, as far as a look at each row can tell. Returns the plan's conditions in the
 * order in which they were asked.
 */
export async function fillAnswers(
  run: SemanticQuery,
  plan: QueryPlan,
): Promise<readonly SqlNode[]> {
  const order = plan.semantic.length === 0 ? [] : await fillConditions(run, plan);
  // Items of the select list that wait for the LIMIT are asked only for its rows.
  if (!canDefer(plan)) await fillItems(run, plan, order);
  return order;
}

/**
 * Asks one condition after another: each is asked only for the rows that those before it leave. Returns the plan's
 * conditions, and their parts, in the order in which they were asked.
 */
async function fillConditions(run: SemanticQuery, plan: QueryPlan): Promise<readonly SqlNode[]> {
  const candidates = await Candidates.stage(run.statement, plan, 'distinct', (query) =>
    passesOf(run, query),
  );
  try {
    run.report.note(candidates);
    run.expectedRows = candidates.inputRows;
    const steps = await inOrder(run, plan, candidates);
    const known: SqlNode[] = [];
    const order = steps.map(({ place }) => plan.semantic[place]!);
    for (const [index, step] of steps.entries()) {
      if (run.statement.stop.drained !== undefined) break;
      const { staged, written } = await ask(run, plan, candidates, step, known);
      known.push(staged);
      order[index] = written;
    }
    return order;
  } finally {
    await candidates.drop();
  }
}

/** Asks one condition for the rows that meet `known`. Returns the condition as it was asked. */
async function ask(
  run: SemanticQuery,
  plan: QueryPlan,
  candidates: Candidates,
  { place, condition, single }: Step,
  known: readonly SqlNode[],
): Promise<ConditionForms> {
  const forms = { staged: condition, written: plan.semantic[place]! };
  if (single !== undefined) {
    await askTuples(run, single.use, await candidates.tuples(single.node, single.use, known));
    return forms;
  }
  try {
    const ordered = await inAskOrder(run, plan, candidates, forms, known);
    const judge = new RowJudge(run, candidates, conditionOf(ordered.staged, plan.useOf, opaqueOf));
    await judge.decide(await candidates.distinctRows(judge.leaves, known));
    return ordered;
  } catch (thrown) {
    if (!(thrown instanceof Unplannable)) throw thrown;
    // An operator stands within another: only DuckDB can tell what the questions are.
    await passesOf(run, await candidates.conditionSql([...known, condition]));
    return forms;
  }
}

/** Asks the questions in `tuples` that have no answer yet. */
export async function askTuples(
  run: SemanticQuery,
  { book }: OperatorUse,
  tuples: readonly Tuple[],
): Promise<void> {
  for (const tuple of tuples) book.lookUp(tuple);
  await askOpen(run, [{ book, tuples: book.takeMisses() }]);
}

/** The conditions, cheapest first: a sample of the candidate rows tells how many rows each condition leaves. */
async function inOrder(
  run: SemanticQuery,
  plan: QueryPlan,
  candidates: Candidates,
): Promise<readonly Step[]> {
  const steps = candidates.conditions.map((condition, place) => ({
    place,
    condition,
    single: singleOperator(condition, plan),
  }));
  const simple = steps.filter(({ single }) => single !== undefined);
  const rows = sampleSize(candidates.rowCount);
  // Conditions with several operators are asked last: the others may leave few rows for them.
  const rest = steps.filter(({ single }) => single === undefined);
  if (simple.length < 2 || rows === 0) return [...simple, ...rest];
  const sample = await candidates.sample(rows);
  const ranked: { readonly step: Step; readonly rank: number }[] = [];
  for (const step of simple) {
    const { node, use } = step.single!;
    await askTuples(run, use, await sample.tuples(node, use, []));
    const met = await candidates.shareOf(step.condition, sample.rowCount);
    const distinct = (await candidates.tuples(node, use, [])).length;
    const cost = distinct * Math.max(1, callsPerRun(use.book.operator.cascade));
    run.report.selectivity(use, met);
    ranked.push({ step, rank: cost / Math.max(1 - met, 1e-3) });
  }
  ranked.sort((a, b) => a.rank - b.rank);
  return [...ranked.map(({ step }) => step), ...rest];
}

/** The operator of a condition that holds exactly one, if every row needs it; else undefined. */
export function singleOperator(condition: SqlNode, plan: QueryPlan): Step['single'] {
  if (holds(condition, isLazy)) return undefined;
  const found: { node: SqlNode; use: OperatorUse }[] = [];
  holds(condition, (node) => {
    const use = plan.useOf(node);
    if (use !== undefined) found.push({ node, use });
    return false;
  });
  return found.length === 1 ? found[0] : undefined;
}

/** Whether DuckDB may skip parts of this expression, because a part before them decides. */
function isLazy({ type }: SqlNode): boolean {
  return /^(CASE_EXPR|OPERATOR_COALESCE|CONJUNCTION_AND|CONJUNCTION_OR)$/.test(String(type));
}
