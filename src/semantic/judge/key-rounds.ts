/**
 * Finds the keys that have a row that meets the conditions: each round asks one row of every open key, until a row
 * meets them.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { passesOf } from '../find-answers.ts';
import { Candidates, type LeafRow } from '../plan/candidates.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { columnRef, nodesOf } from '../plan/query-tree.ts';
import { asFilter } from '../plan/tree-logic.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { inAskOrder } from './ask-order.ts';
import { RowJudge } from './decide-rows.ts';
import { opaqueOf } from './needs.ts';
import { type Condition, conditionOf, type Leaf } from './truth.ts';

/** Replaces a query of one column by one that calls no operator and has the same distinct values. Throws Unplannable. */
export async function keysFound(run: SemanticQuery, plan: QueryPlan): Promise<SqlNode> {
  const [item] = nodesOf(plan.node['select_list']);
  const keyed = { ...plan, semantic: [...plan.semantic, { ...item, alias: '' } as SqlNode] };
  const candidates = await Candidates.stage(run.statement, keyed, 'ordered', (query) =>
    passesOf(run, query),
  );
  run.stages.push(candidates.name);
  run.report.note(candidates);
  const key = candidates.conditions.at(-1)!;
  const all = asFilter(candidates.conditions.slice(0, -1), true);
  const forms = { staged: all, written: all };
  const { staged } = await inAskOrder(run, plan, candidates, forms);
  const found = await inRounds(run, candidates, {
    kind: 'each',
    of: [
      conditionOf(staged, plan.useOf, opaqueOf),
      { kind: 'value', expression: key },
      { kind: 'value', expression: columnRef('rowid') },
    ],
  });
  return candidates.select([key], found);
}

/** The rowids of rows that meet the condition: one row for each key that has such a row. */
async function inRounds(
  run: SemanticQuery,
  candidates: Candidates,
  whole: Condition & { readonly kind: 'each'; readonly of: readonly [Condition, Leaf, Leaf] },
): Promise<readonly number[]> {
  const [condition, key, rowid] = whole.of;
  const judge = new RowJudge(run, candidates, whole);
  const partOf = (row: LeafRow, leaf: Leaf) => row[judge.leaves.indexOf(leaf)]?.[0];
  const open = new Map<string, LeafRow[]>();
  for (const row of await candidates.rows(judge.leaves, 0, candidates.rowCount)) {
    const name = JSON.stringify(partOf(row, key));
    const rows = open.get(name);
    if (rows === undefined) open.set(name, [row]);
    else rows.push(row);
  }
  const found: number[] = [];
  while (open.size > 0 && run.statement.stop.drained === undefined) {
    const next: LeafRow[] = [];
    for (const [name, rows] of open) {
      const met = rows.find((row) => judge.truth(row, undefined, condition) === true);
      const left = rows.filter((row) => judge.truth(row, undefined, condition) === undefined);
      if (met !== undefined) found.push(Number(partOf(met, rowid)));
      if (met !== undefined || left.length === 0) {
        open.delete(name);
      } else {
        open.set(name, left);
        next.push(left[0]!);
      }
    }
    await judge.decide(next);
  }
  return found;
}
