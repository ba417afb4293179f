/**
 * Puts the parts of a condition into the order in which they are asked: a part that decides most rows for its calls
 * comes first. A sample of the rows tells how many each part decides.
 */
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

/** A sample is chosen from this many rows at most. */
const SAMPLED_FROM = 10_000;

/** A condition over the staged columns, and the same condition as it was written. */
export interface ConditionForms {
  readonly staged: SqlNode;
  readonly written: SqlNode;
}

/** An AND or OR of a filter, which `lazy-condition.ts` has written as CASE. */
interface Logic {
  readonly isAnd: boolean;
  readonly parts: readonly SqlNode[];
}

/** What a sample tells of a part: its model calls for each row, and the share of rows in which it is TRUE. */
interface Rank {
  readonly calls: number;
  readonly met: number;
}

/**
 * The condition with its cheapest parts first, for the candidate rows that meet `known`. Asks every part in a sample of
 * these rows. Throws Unplannable.
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
    // Even a sample in which all rows or no rows meet the part says little of how rare the other result is.
    ranks.set(node, { calls: callsOf(condition), met: (met + 0.5) / (sampled.length + 1) });
  }
  return ordered(forms, ranks).forms;
}

/**
 * `count` of the first SAMPLED_FROM rows. They are chosen by a hash of their values, so that their order makes no
 * difference.
 */
function someOf(rows: readonly LeafRow[], count: number): readonly LeafRow[] {
  if (count === 0) return [];
  return rows
    .slice(0, SAMPLED_FROM)
    .map((row) => ({ row, by: hash('sha256', JSON.stringify(row), 'hex') }))
    .sort((a, b) => (a.by < b.by ? -1 : 1))
    .slice(0, count)
    .map(({ row }) => row);
}

/** The number of model calls that the condition takes in one row, at most; an operator without any counts as one. */
function callsOf(condition: Condition): number {
  return leavesOf(condition)
    .filter((leaf) => leaf.kind === 'operator')
    .map(({ use }) => Math.max(1, callsPerRun(use.book.operator.cascade)))
    .reduce((sum, one) => sum + one, 0);
}

/** The parts under all ANDs and ORs, from left to right. */
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
  /** The calls that the part takes for each row that it decides alone. */
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

/** The AND or OR that this CASE stands for; undefined for any other node. */
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
