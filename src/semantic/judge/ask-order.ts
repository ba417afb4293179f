/** The order in which the parts of a condition are asked: first what decides most rows for its calls, by a sample of them. */
import { hash } from 'node:crypto';
import type { SqlNode } from '../../duck/parse-sql.ts';
import { callsPerRun } from '../ask/calls-per-run.ts';
import type { Candidates, LeafRow } from '../plan/candidates.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { isNode, nodesOf } from '../plan/query-tree.ts';
import { asFilter, booleanOf } from '../plan/tree-logic.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { RowJudge } from './decide-rows.ts';
import { opaqueOf } from './needs.ts';
import { sampleSize } from './sample-size.ts';
import { type Condition, conditionOf, leavesOf } from './truth.ts';

/** Rows among which a sample is chosen at most. */
const SAMPLED_FROM = 10_000;

/** A condition over staged columns, and the same as it was written. */
export interface ConditionForms {
  readonly staged: SqlNode;
  readonly written: SqlNode;
}

/** AND or OR of a filter, as `lazy-condition.ts` writes them. */
interface Logic {
  readonly isAnd: boolean;
  readonly parts: readonly SqlNode[];
}

/** How a part stands in a sample: what its calls are for each row, and how often it is TRUE. */
interface Rank {
  readonly calls: number;
  readonly met: number;
}

/**
 * The condition with its parts in the order in which they are cheap, in the candidates that meet `known`. Asks a few of
 * them everything. Throws Unplannable.
 */
export async function inAskOrder(
  run: SemanticQuery,
  { useOf }: QueryPlan,
  candidates: Candidates,
  forms: ConditionForms,
  known: readonly SqlNode[] = [],
): Promise<ConditionForms> {
  const parts = partsIn(forms.staged).map((node) => conditionOf(node, useOf, opaqueOf));
  if (parts.filter((part) => callsOf(part) > 0).length < 2) return forms;
  const whole = conditionOf(forms.staged, useOf, opaqueOf);
  const judge = new RowJudge(run, candidates, { kind: 'each', of: [whole, ...parts] });
  const rows = await candidates.distinctRows(judge.leaves, known);
  const open = rows.filter((row) => judge.truth(row, undefined, whole) === undefined);
  const sampled = someOf(open, sampleSize(open.length));
  await judge.decide(sampled);
  const ranks = new Map<SqlNode, Rank>();
  for (const [index, node] of partsIn(forms.staged).entries()) {
    const condition = parts[index]!;
    const met = sampled.filter((row) => judge.truth(row, undefined, condition) === true).length;
    // A sample that is all of one kind says little of how rare the other is.
    ranks.set(node, { calls: callsOf(condition), met: (met + 0.5) / (sampled.length + 1) });
  }
  return ordered(forms, ranks).forms;
}

/** `count` rows of the first few thousand, the same ones whatever their order: they are chosen by what they hold. */
function someOf(rows: readonly LeafRow[], count: number): readonly LeafRow[] {
  if (count === 0) return [];
  return rows
    .slice(0, SAMPLED_FROM)
    .map((row) => ({ row, by: hash('sha256', JSON.stringify(row), 'hex') }))
    .sort((a, b) => (a.by < b.by ? -1 : 1))
    .slice(0, count)
    .map(({ row }) => row);
}

/** Model calls that the condition takes in one row, at most; a run without any counts as one. */
function callsOf(condition: Condition): number {
  return leavesOf(condition)
    .filter((leaf) => leaf.kind === 'operator')
    .map(({ use }) => Math.max(1, callsPerRun(use.book.operator.cascade)))
    .reduce((sum, one) => sum + one, 0);
}

/** The parts under all ANDs and ORs, in the order in which they stand. */
function partsIn(node: SqlNode): readonly SqlNode[] {
  return logicOf(node)?.parts.flatMap(partsIn) ?? [node];
}

function ordered(
  { staged, written }: ConditionForms,
  ranks: ReadonlyMap<SqlNode, Rank>,
): { readonly forms: ConditionForms; readonly rank: Rank } {
  const logic = logicOf(staged);
  const asWritten = logicOf(written);
  if (logic === undefined || asWritten === undefined) {
    return { forms: { staged, written }, rank: ranks.get(staged) ?? { calls: 0, met: 0.5 } };
  }
  const { isAnd } = logic;
  const parts = logic.parts.map((part, index) =>
    ordered({ staged: part, written: asWritten.parts[index]! }, ranks),
  );
  /** Calls for each row that the part decides alone. */
  const price = ({ rank: { calls, met } }: (typeof parts)[number]) =>
    calls / (isAnd ? 1 - met : met);
  const inOrder = parts.toSorted((a, b) => price(a) - price(b));
  let [calls, open] = [0, 1];
  for (const { rank } of inOrder) {
    calls += open * rank.calls;
    open *= isAnd ? rank.met : 1 - rank.met;
  }
  return {
    forms: {
      staged: asFilter(
        inOrder.map(({ forms }) => forms.staged),
        isAnd,
      ),
      written: asFilter(
        inOrder.map(({ forms }) => forms.written),
        isAnd,
      ),
    },
    rank: { calls, met: isAnd ? open : 1 - open },
  };
}

/** The AND or OR that was written so; undefined for any other node. */
function logicOf(node: SqlNode): Logic | undefined {
  const [check, ...more] = nodesOf(node['case_checks']);
  const otherwise = node['else_expr'];
  if (node['class'] !== 'CASE' || more.length > 0 || check === undefined) return undefined;
  const { when_expr: when, then_expr: then } = check;
  if (!isNode(when) || !isNode(then) || !isNode(otherwise)) return undefined;
  const isAnd = booleanOf(otherwise) === null;
  if (!isAnd && booleanOf(then) !== true) return undefined;
  const rest = isAnd ? then : otherwise;
  const below = logicOf(rest);
  return { isAnd, parts: [when, ...(below?.isAnd === isAnd ? below.parts : [rest])] };
}
