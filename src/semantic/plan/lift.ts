/** Splits expressions into pieces that DuckDB computes once for each row, and the rest with the operators. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { columnRef, holds, isNode, Unplannable } from './query-tree.ts';

/** Expressions without an operator. Each becomes a column with a name of its own. */
export class Pieces {
  readonly #isOperator: (node: SqlNode) => boolean;
  readonly #pieces: SqlNode[] = [];
  readonly #names = new Map<string, string>();
  readonly #prefix: string;

  constructor(isOperator: (node: SqlNode) => boolean, prefix = 'rvb_') {
    this.#isOperator = isOperator;
    this.#prefix = prefix;
  }

  /** The pieces as a select list, in order. */
  get list(): readonly SqlNode[] {
    return this.#pieces;
  }

  /** Rewrites the expression over the pieces, and adds the pieces that it needs. Throws Unplannable. */
  lift(expression: SqlNode): SqlNode {
    if (!holds(expression, this.#isOperator)) {
      return holds(expression, isVariable) ? this.#piece(expression) : expression;
    }
    const kind = expression['class'];
    if (kind === 'SUBQUERY' || kind === 'LAMBDA' || kind === 'WINDOW') {
      throw new Unplannable(`an operator stands in a ${String(kind).toLowerCase()}`);
    }
    return this.#liftChildren(expression);
  }

  #liftChildren(node: SqlNode): SqlNode {
    const lifted: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(node)) lifted[key] = this.#liftValue(value);
    return lifted;
  }

  #liftValue(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#liftValue(item));
    if (!isNode(value)) return value;
    return typeof value['class'] === 'string' ? this.lift(value) : this.#liftChildren(value);
  }

  #piece(expression: SqlNode): SqlNode {
    // A `*` stands for several columns; the piece would be only the first of them.
    if (holds(expression, ({ class: kind }) => kind === 'STAR')) {
      throw new Unplannable('an operator is applied to COLUMNS');
    }
    const key = JSON.stringify(expression, (name, value) =>
      name === 'query_location' || name === 'alias' ? undefined : value,
    );
    let name = this.#names.get(key);
    if (name === undefined) {
      name = `${this.#prefix}${this.#pieces.length}`;
      this.#names.set(key, name);
      this.#pieces.push({ ...expression, alias: name });
    }
    return columnRef(name);
  }
}

/** Whether a node's value may differ between rows, as far as the tree tells. */
function isVariable(node: SqlNode): boolean {
  const kind = node['class'];
  return (
    kind === 'COLUMN_REF' ||
    kind === 'SUBQUERY' ||
    kind === 'FUNCTION' ||
    kind === 'WINDOW' ||
    kind === 'STAR' ||
    kind === 'POSITIONAL_REFERENCE'
  );
}
