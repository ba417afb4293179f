/** Look-ups that a join can find, and the columns of answers that it reads. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { isNode, nodesOf } from '../plan/query-tree.ts';
import { type OperatorUse, typeOfUse } from '../read/use.ts';
import { NATIVE_TYPES } from './native-types.ts';

/** The column that a row of answers is found by. */
export const ANSWER_KEY = 'rvb_key';

/** A column of answers: what an operator gives for these criteria. */
export interface AnswerColumn {
  readonly use: OperatorUse;
  readonly criteria: readonly string[];
}

/** A table of answers that a joined query reads: `rvb_key`, and `rvb_answer_0` and so on. */
export interface AnswerColumns {
  readonly table: string;
  readonly keyType: string;
  readonly columns: AnswerColumn[];
}

/** What the columns of answers are called. */
export function answerColumn(index: number): string {
  return `rvb_answer_${index}`;
}

/** Whether the operator's answers are told apart by a first argument and by texts. */
export function hasCriteria({ book: { operator } }: OperatorUse): boolean {
  const others = operator.args.slice(1);
  return !operator.symmetric && others.every(({ type }) => type.toUpperCase() === 'VARCHAR');
}

/** An operator over a column, with texts for criteria. */
export interface LookUp extends AnswerColumn {
  /** The same for look-ups that one join can find. */
  readonly key: string;
  readonly value: SqlNode;
  readonly column: string;
}

/** A look-up of a column for literal criteria: the column is there for every row, whatever a condition says. */
export function lookUpOf(
  node: SqlNode,
  useOf: (node: SqlNode) => OperatorUse | undefined,
  relation: string,
): LookUp | undefined {
  const use = useOf(node);
  if (use === undefined || !hasCriteria(use)) return undefined;
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

/** The place of the look-up's answers among the columns, which it may be added to. */
export function columnIn(columns: AnswerColumn[], { use, criteria }: LookUp): number {
  const text = JSON.stringify(criteria);
  const isIt = (one: AnswerColumn) => one.use === use && JSON.stringify(one.criteria) === text;
  const index = columns.findIndex(isIt);
  if (index >= 0) return index;
  return columns.push({ use, criteria }) - 1;
}

/** Whether two names are one to DuckDB. */
export function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function literalText(node: SqlNode): string | undefined {
  const value = node['class'] === 'CONSTANT' ? node['value'] : undefined;
  if (!isNode(value) || value['is_null'] !== false) return undefined;
  return typeof value['value'] === 'string' ? value['value'] : undefined;
}
