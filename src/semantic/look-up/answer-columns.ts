/** Look-ups that a join can answer, and the columns of answers that it reads. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { isNode, nodesOf } from '../plan/query-tree.ts';
import { type OperatorUse, typeOfUse } from '../read/use.ts';
import { hasCriteria, NATIVE_TYPES } from './native-types.ts';

/** The key column of a table of answers. */
export const ANSWER_KEY = 'rvb_key';

/** A column of answers: those of one operator for these criteria. */
export interface AnswerColumn {
  readonly use: OperatorUse;
  readonly criteria: readonly string[];
}

/** A table of answers that a joined query reads: its columns are `rvb_key`, `rvb_answer_0` and so on. */
export interface AnswerColumns {
  readonly table: string;
  readonly keyType: string;
  readonly columns: AnswerColumn[];
}

/** The name of a column of answers. */
export function answerColumn(index: number): string {
  return `rvb_answer_${index}`;
}

/** An operator over a column, with literal texts as criteria. */
export interface LookUp extends AnswerColumn {
  /** Equal for look-ups that one join can answer. */
  readonly key: string;
  readonly value: SqlNode;
  readonly column: string;
}

/**
 * Reads a node as a look-up of a column for literal criteria; undefined if it is none. A column has a value in every
 * row, whatever a condition says.
 */
export function lookUpOf(
  node: SqlNode,
  useOf: (node: SqlNode) => OperatorUse | undefined,
  relation: string,
): LookUp | undefined {
  const use = useOf(node);
  if (use === undefined || !hasCriteria(use.book.operator)) return undefined;
  const types = [typeOfUse(use), ...use.book.operator.args.map(({ type }) => type.toUpperCase())];
  const [value, ...others] = nodesOf(node['children']);
  const isWhole =
    others.length === types.length - 2 && types.every((type) => NATIVE_TYPES.has(type));
  const parts = value?.['class'] === 'COLUMN_REF' ? (value['column_names'] as string[]) : [];
  const isOwn = parts.length === 1 || (parts.length === 2 && isSame(parts[0]!, relation));
  const criteria = others.flatMap((other) => literalText(other) ?? []);
  if (!isWhole || !isOwn || value === undefined || criteria.length < others.length)
    return undefined;
  const column = parts.at(-1)!.toLowerCase();
  return { use, criteria, key: JSON.stringify([types[1], column]), value, column };
}

/** The place of the look-up's answers among the columns; adds a column if there is none yet. */
export function columnIn(columns: AnswerColumn[], { use, criteria }: LookUp): number {
  const text = JSON.stringify(criteria);
  const isIt = (one: AnswerColumn) => one.use === use && JSON.stringify(one.criteria) === text;
  const index = columns.findIndex(isIt);
  if (index >= 0) return index;
  return columns.push({ use, criteria }) - 1;
}

/** Whether DuckDB takes two names for the same name. */
export function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** The text of a text literal; undefined for NULL and any other node. */
export function literalText(node: SqlNode): string | undefined {
  const value = node['class'] === 'CONSTANT' ? node['value'] : undefined;
  if (!isNode(value) || value['is_null'] !== false) return undefined;
  return typeof value['value'] === 'string' ? value['value'] : undefined;
}
