/** Candidate rows: the rows that plain conditions leave, staged once. The operators are asked with their values. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { ResultReader } from '../../duck/reader.ts';
import { countOf, dropTables, nextStageName, temporary } from '../../duck/stage.ts';
import type { Statement } from '../../execute/statement.ts';
import type { Json } from '../../util/json.ts';
import type { Tuple } from '../ask/answer-book.ts';
import type { Leaf } from '../judge/truth.ts';
import { type OperatorUse, typeOfUse } from '../read/use.ts';
import { castTo, givenArguments } from './cast.ts';
import { Pieces } from './lift.ts';
import { type PlannedSql, plannedSql } from './planned-sql.ts';
import type { QueryPlan } from './query-plan.ts';
import {
  baseTable,
  columnRef,
  conjunction,
  inTurn,
  integer,
  isOneOf,
  isReason,
  mapTree,
  nodesOf,
  select,
  textLiteral,
} from './query-tree.ts';
import { rowOrder } from './row-order.ts';
import { literal } from './tree-logic.ts';

const DISTINCT: SqlNode = { type: 'DISTINCT_MODIFIER', distinct_on_targets: [] };

/** A staged row's rowid, as text: in a transaction it is larger than the numbers that JavaScript holds exactly. */
export const ROWID: SqlNode = castTo(columnRef('rowid'), 'VARCHAR');

/** The values of a condition's leaves in one row; undefined for a leaf with a NULL. */
export type LeafRow = readonly (Tuple | undefined)[];

/** A staged table of candidate rows: one column for each piece of the conditions. */
export class Candidates {
  readonly #statement: Statement;
  readonly #plan: QueryPlan;
  readonly #table: string;
  /** The rowid of the first row: 0, except in a transaction that made the table. */
  readonly #firstRowid: bigint;
  /** The semantic conditions, over the staged columns. */
  readonly conditions: readonly SqlNode[];
  readonly rowCount: number;
  /** The number of rows that the plain conditions leave, repetitions included. */
  readonly inputRows: number;
  /** The SQL statement that staged the rows. */
  readonly sql: string;

  /**
   * Stages the candidate rows: each distinct row once, or all rows in row order. `create` runs the SQL that makes the
   * table.
   */
  static async stage(
    statement: Statement,
    plan: QueryPlan,
    form: 'distinct' | 'ordered',
    create: (query: PlannedSql) => Promise<unknown> = ({ text, parameters }) =>
      statement.session.run(text, { parameters, signal: statement.stop.signal, changes: false }),
  ): Promise<Candidates> {
    const pieces = new Pieces(plan.isOperator);
    const conditions = plan.semantic.map((condition) => pieces.lift(condition));
    const list = pieces.list.length > 0 ? pieces.list : [{ ...columnRef('rowid'), alias: 'rvb_0' }];
    const order = form === 'ordered' ? rowOrder(plan) : [];
    const node: SqlNode = {
      ...plan.node,
      select_list: list,
      where_clause: conjunction(plan.plain),
      modifiers: form === 'distinct' ? [DISTINCT] : order,
      group_expressions: [],
      group_sets: [],
      aggregate_handling: 'STANDARD_HANDLING',
      having: null,
      qualify: null,
    };
    const query = await plannedSql(statement, node);
    const table = nextStageName();
    const sql = `CREATE OR REPLACE TEMP TABLE ${table} AS ${query.text}`;
    const { signal } = statement.stop;
    try {
      await create({ text: sql, parameters: query.parameters, stages: true });
      const facts = `SELECT count(*), min(rowid) FROM temp.main.${table}`;
      const reader = await statement.session.run(facts, { signal });
      const [[rows] = [], [first] = []] = (await reader.allColumns('json')) as Json[][];
      const [rowCount, firstRowid] = [Number(rows), BigInt(String(first ?? 0))];
      const inputRows = form === 'ordered' ? rowCount : await countInput(statement, node);
      const parts = { table, conditions, rowCount, firstRowid, inputRows, sql };
      return new Candidates(statement, plan, parts);
    } catch (thrown) {
      await dropTables(statement.session, [temporary(table)]);
      throw thrown;
    }
  }

  private constructor(
    statement: Statement,
    plan: QueryPlan,
    parts: {
      readonly table: string;
      readonly conditions: readonly SqlNode[];
      readonly rowCount: number;
      readonly firstRowid: bigint;
      readonly inputRows: number;
      readonly sql: string;
    },
  ) {
    this.#statement = statement;
    this.#plan = plan;
    this.#table = parts.table;
    this.conditions = parts.conditions;
    this.rowCount = parts.rowCount;
    this.#firstRowid = parts.firstRowid;
    this.inputRows = parts.inputRows;
    this.sql = parts.sql;
  }

  /** The distinct arguments of an operator in the candidate rows that meet `known`, without those that hold a NULL. */
  async tuples(operator: SqlNode, use: OperatorUse, known: readonly SqlNode[]): Promise<Tuple[]> {
    const args = givenArguments(nodesOf(operator['children']), use.book.operator);
    const node = {
      ...select(args, baseTable(this.#table), inTurn(known)),
      modifiers: [DISTINCT],
    };
    return this.#read(await this.#sqlOf(node), use);
  }

  /** The distinct values of the leaves in the candidate rows that meet `known`. */
  distinctRows(leaves: readonly Leaf[], known: readonly SqlNode[]): Promise<readonly LeafRow[]> {
    const table = baseTable(this.#table);
    return this.#leafRows(leaves, (list) =>
      this.#sqlOf({ ...select(list, table, inTurn(known)), modifiers: [DISTINCT] }),
    );
  }

  /** The values of the leaves in `count` rows from the row `from` on, in row order and with repetitions. */
  rows(leaves: readonly Leaf[], from: number, count: number): Promise<readonly LeafRow[]> {
    return this.#leafRows(leaves, async (list) => {
      const query = await this.#sqlOf(select(list, baseTable(this.#table), null));
      const first = this.#firstRowid + BigInt(from);
      const some = `WHERE rowid >= ${first} AND rowid < ${first + BigInt(count)} ORDER BY rowid`;
      return { ...query, text: `${query.text} ${some}` };
    });
  }

  async #leafRows(
    leaves: readonly Leaf[],
    query: (list: readonly SqlNode[]) => Promise<PlannedSql>,
  ): Promise<readonly LeafRow[]> {
    const lists = leaves.map((leaf) => {
      if (leaf.kind === 'operator') return givenArguments(leaf.args, leaf.use.book.operator);
      return [leaf.kind === 'plain' ? castTo(leaf.expression, 'BOOLEAN') : leaf.expression];
    });
    const { text, parameters } = await query(lists.flat());
    const { session, stop } = this.#statement;
    const reader = await session.run(text, { parameters, signal: stop.signal });
    const columns = (await reader.allColumns('json')) as Json[][];
    return Array.from({ length: reader.rowCount }, (_, row) => {
      let column = 0;
      return leaves.map((leaf, index) => {
        const width = lists[index]!.length;
        const tuple = columns.slice(column, column + width).map((values) => values[row]!);
        column += width;
        if (leaf.kind === 'operator') return tupleOf(tuple, leaf.use);
        return leaf.kind === 'plain' && tuple[0] === null ? undefined : tuple;
      });
    });
  }

  /** The share of the `sample` sampled rows that meet a condition. Its answers are known for these rows. */
  async shareOf(condition: SqlNode, sample: number): Promise<number> {
    const node = select([columnRef('rowid')], baseTable(this.#sampleTable), condition);
    const met = await this.#count(await this.#sqlOf(node));
    return sample === 0 ? 1 : met / sample;
  }

  /** Stages a sample of at most `rows` rows. The same table always gives the same sample. */
  async sample(rows: number): Promise<Candidates> {
    const { signal } = this.#statement.stop;
    await this.#statement.session.run(
      `CREATE TEMP TABLE ${this.#sampleTable} AS FROM temp.main.${this.#table} AS one ORDER BY hash(one) LIMIT ${rows}`,
      { signal, own: true },
    );
    return new Candidates(this.#statement, this.#plan, {
      table: this.#sampleTable,
      conditions: this.conditions,
      rowCount: Math.min(rows, this.rowCount),
      firstRowid: this.#firstRowid,
      inputRows: this.inputRows,
      sql: this.sql,
    });
  }

  /** A query that meets the questions of the conditions; it evaluates each condition only where those before it hold. */
  conditionSql(conditions: readonly SqlNode[]): Promise<PlannedSql> {
    return this.#sqlOf(select([columnRef('rowid')], baseTable(this.#table), inTurn(conditions)));
  }

  /** DuckDB's result of an expression in some rows, by rowid. The answers in the expression are known. */
  async evaluated(
    expression: SqlNode,
    rowids: readonly string[],
    read: (query: PlannedSql) => Promise<ResultReader>,
  ): Promise<ReadonlyMap<string, boolean | null>> {
    const list = [ROWID, castTo(expression, 'BOOLEAN')];
    const among = isOneOf(ROWID, rowids.map(textLiteral));
    const reader = await read(await this.#sqlOf(select(list, baseTable(this.#table), among)));
    const [ids = [], verdicts = []] = (await reader.allColumns('json')) as Json[][];
    return new Map(ids.map((id, row) => [String(id), verdicts[row] as boolean | null]));
  }

  /**
   * Whether no row meets a condition while its operators are NULL. False if DuckDB cannot tell, or another run might
   * tell otherwise.
   */
  async isUnmetBlind(condition: SqlNode): Promise<boolean> {
    const { isVolatile, useOf } = this.#plan;
    if (isVolatile(condition)) return false;
    const blind = mapTree(condition, (node) => {
      const use = useOf(node);
      if (use === undefined) return undefined;
      return castTo(literal(null), typeOfUse(use));
    }) as SqlNode;
    const node = select([columnRef('rowid')], baseTable(this.#table), blind);
    try {
      return (await this.#count(await this.#sqlOf(node))) === 0;
    } catch (thrown) {
      if (!isReason(thrown)) throw thrown;
      return false;
    }
  }

  /** The table's name. */
  get name(): string {
    return temporary(this.#table);
  }

  /** A query of these expressions for all rows, or for the rows with these rowids. */
  select(list: readonly SqlNode[], rowids?: readonly string[]): SqlNode {
    if (rowids === undefined) return select(list, baseTable(this.#table), null);
    const among = isOneOf(ROWID, rowids.map(textLiteral));
    // IN needs at least one value.
    const where = rowids.length === 0 ? literal(false) : among;
    return select(list, baseTable(this.#table), where);
  }

  async drop(): Promise<void> {
    await dropTables(this.#statement.session, [
      `temp.main.${this.#table}`,
      `temp.main.${this.#sampleTable}`,
    ]);
  }

  get #sampleTable(): string {
    return `${this.#table}_sample`;
  }

  async #count({ text, parameters }: PlannedSql): Promise<number> {
    const { session, stop } = this.#statement;
    const { signal } = stop;
    const reader = await session.run(`SELECT count(*) FROM (${text})`, { parameters, signal });
    return Number((await reader.allColumns('json'))[0]?.[0] ?? 0);
  }

  #sqlOf(node: SqlNode): Promise<PlannedSql> {
    return plannedSql(this.#statement, node);
  }

  async #read({ text, parameters }: PlannedSql, use: OperatorUse): Promise<Tuple[]> {
    const { session, stop } = this.#statement;
    const reader = await session.run(text, { parameters, signal: stop.signal });
    const columns = (await reader.allColumns('json')) as Json[][];
    const tuples: Tuple[] = [];
    for (let row = 0; row < reader.rowCount; row++) {
      const tuple = tupleOf(
        columns.map((values) => values[row]!),
        use,
      );
      if (tuple !== undefined) tuples.push(tuple);
    }
    return tuples;
  }
}

/** The number of rows of a query, repetitions included. */
export async function countInput(statement: Statement, node: SqlNode): Promise<number> {
  const rows = { ...node, select_list: [integer(1)], modifiers: [] };
  const { text, parameters } = await plannedSql(statement, rows);
  return countOf(statement.session, `SELECT count(*) FROM (${text})`, {
    parameters,
    signal: statement.stop.signal,
  });
}

/** The question for these values; undefined if one of them is NULL. */
export function tupleOf(values: readonly Json[], { book }: OperatorUse): Tuple | undefined {
  if (values.includes(null)) return undefined;
  return values.map((value, index) => {
    const isWide = book.operator.args[index]?.type.toUpperCase() === 'BIGINT';
    return isWide && Number.isSafeInteger(Number(value)) ? Number(value) : value;
  });
}
