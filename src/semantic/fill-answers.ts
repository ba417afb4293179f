/** Finds the answers that a query's WHERE needs with fewest calls, before the query itself is run. */
import type { SqlNode } from '../duck/parse-sql.ts';
import { SEMANTIC_SAMPLE_PART, SEMANTIC_SAMPLE_ROWS } from '../limits.ts';
import type { Tuple } from './answer-book.ts';
import { callsPerRun } from './calls-per-run.ts';
import { Candidates } from './candidates.ts';
import { guard, passesOf, type SemanticRun } from './find-answers.ts';
import type { QueryPlan } from './query-plan.ts';
import { holds } from './query-tree.ts';
import type { OperatorUse } from './use.ts';

/** A condition, and its one operator where it has no other. */
interface Step {
  /** Its place among the plan's conditions. */
  readonly place: number;
  readonly condition: SqlNode;
  readonly single: { readonly node: SqlNode; readonly use: OperatorUse } | undefined;
}

/**
 * Asks condition by condition: what one leaves is all that the next is asked with. The plan's conditions in
 * the order in which they were asked.
 */
export async function fillAnswers(run: SemanticRun, plan: QueryPlan): Promise<readonly SqlNode[]> {
  const candidates = await Candidates.stage(run.scope, plan, 'distinct');
  try {
    run.report.note(candidates);
    run.expectedRows = candidates.inputRows;
    const steps = await inOrder(run, plan, candidates);
    const known: SqlNode[] = [];
    for (const step of steps) {
      if (run.scope.stop.drained !== undefined) break;
      await ask(run, candidates, step, known);
      known.push(step.condition);
    }
    return steps.map(({ place }) => plan.semantic[place]!);
  } finally {
    await candidates.drop();
  }
}

async function ask(
  run: SemanticRun,
  candidates: Candidates,
  { condition, single }: Step,
  known: readonly SqlNode[],
): Promise<void> {
  // Under OR, AND and CASE an operator is looked at for some rows alone, as DuckDB knows best.
  if (single === undefined || holds(condition, isLazy)) {
    await passesOf(run, await candidates.conditionSql([...known, condition]));
    return;
  }
  await askTuples(run, single.use, await candidates.tuples(single.node, single.use, known));
}

function isLazy({ type }: SqlNode): boolean {
  return LAZY.has(String(type));
}

const LAZY = new Set([
  'CONJUNCTION_OR',
  'CONJUNCTION_AND',
  'CASE_EXPR',
  'OPERATOR_COALESCE',
  'OPERATOR_TRY',
]);

/** Asks those of the tuples that have no answer yet. */
export async function askTuples(
  run: SemanticRun,
  { book }: OperatorUse,
  tuples: readonly Tuple[],
): Promise<void> {
  for (const tuple of tuples) book.lookUp(tuple);
  const open = book.takeMisses();
  guard(run, [{ book, tuples: open }]);
  await run.asker.ask(book, open);
}

/** The conditions, cheapest first: by what a few candidates say of how many each leaves. */
async function inOrder(
  run: SemanticRun,
  plan: QueryPlan,
  candidates: Candidates,
): Promise<readonly Step[]> {
  const steps = candidates.conditions.map((condition, place) => ({
    place,
    condition,
    single: singleOperator(condition, plan),
  }));
  const simple = steps.filter(({ single }) => single !== undefined);
  const rows = Math.min(
    SEMANTIC_SAMPLE_ROWS,
    Math.floor(candidates.rowCount * SEMANTIC_SAMPLE_PART),
  );
  // What several operators share is asked last: the others may leave little of it.
  const rest = steps.filter(({ single }) => single === undefined);
  if (simple.length < 2 || rows === 0) return [...simple, ...rest];
  const sample = await candidates.sample(rows);
  const ranked: { readonly step: Step; readonly rank: number }[] = [];
  for (const step of simple) {
    const { node, use } = step.single!;
    await askTuples(run, use, await sample.tuples(node, use, []));
    const met = await candidates.selectivity(step.condition, sample.rowCount);
    const distinct = (await candidates.tuples(node, use, [])).length;
    const cost = distinct * Math.max(1, callsPerRun(use.book.operator.cascade));
    run.report.selectivity(use, met);
    ranked.push({ step, rank: cost / Math.max(1 - met, 1e-3) });
  }
  ranked.sort((a, b) => a.rank - b.rank);
  return [...ranked.map(({ step }) => step), ...rest];
}

/** The operator of a condition that holds exactly one. */
export function singleOperator(condition: SqlNode, plan: QueryPlan): Step['single'] {
  const found: { node: SqlNode; use: OperatorUse }[] = [];
  holds(condition, (node) => {
    const use = plan.useOf(node);
    if (use !== undefined) found.push({ node, use });
    return false;
  });
  return found.length === 1 ? found[0] : undefined;
}
