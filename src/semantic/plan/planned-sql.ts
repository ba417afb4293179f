/** Makes SQL from a part of a statement's tree, with the parameters that this part names. */
import { type SqlNode, treeToSql } from '../../duck/parse-sql.ts';
import type { Parameters } from '../../duck/session.ts';
import type { Statement } from '../../execute/statement.ts';
import { isNode } from './query-tree.ts';

/** The parts of a statement that SQL is made with. */
export type SqlContext = Pick<Statement, 'parameters' | 'session' | 'stop'>;

export interface PlannedSql {
  readonly text: string;
  readonly parameters: Parameters | undefined;
  /** DuckDB's tree of the text, and the part of the text before the query. */
  readonly tree?: SqlNode;
  readonly before?: string;
  /** True if the text makes a temp table of the engine's own. */
  readonly stages?: true;
}

/**
 * The SQL of a query. Parameters by position are renumbered: DuckDB takes no value for a parameter that is not in the
 * text.
 */
export async function plannedSql(statement: SqlContext, node: SqlNode): Promise<PlannedSql> {
  const { parameters, session, stop } = statement;
  const used: string[] = [];
  const isByPosition = Array.isArray(parameters);
  const numbered = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(numbered);
    if (!isNode(value)) return value;
    const copy: Record<string, unknown> = {};
    for (const [key, child] of Object.entries(value)) {
      copy[key] = key === 'named_param_map' ? [] : numbered(child);
    }
    if (value['class'] === 'PARAMETER') {
      const name = String(value['identifier']);
      if (!used.includes(name)) used.push(name);
      if (isByPosition) copy['identifier'] = String(used.indexOf(name) + 1);
    }
    return copy;
  };
  const tree = numbered(node);
  const map = used.map((name, index) => ({
    key: isByPosition ? String(index + 1) : name,
    value: index + 1,
  }));
  const whole: SqlNode = { node: tree, named_param_map: map };
  const text = await treeToSql(session, whole, stop.signal);
  if (used.length === 0) return { text, tree: whole, parameters: undefined };
  return {
    text,
    tree: whole,
    parameters: isByPosition ? used.map((name) => parameters[Number(name) - 1]) : parameters,
  };
}
