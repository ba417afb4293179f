/**
 * Look-ups inside DuckDB, for many rows: a macro with the function's own name joins the answers by value, and calls the
 * function only for missing answers. A million rows take 0.3 s this way, and some 5 s through JavaScript.
 */
import { quoteIdentifier, quoteLiteral } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import { dropTables, nextStageName, temporary } from '../../duck/stage.ts';
import type { Tuple } from '../ask/answer-book.ts';
import { type OperatorUse, readAnswer, typeOfUse } from '../read/use.ts';
import { ANSWER_KEY, type AnswerColumns, answerColumn } from './answer-columns.ts';
import type { JoinedLookUps } from './joined-look-ups.ts';
import { type ColumnType, hasCriteria, isNativeUse } from './native-types.ts';

/** Up to this number of criteria of one operator, each has a column of answers; more criteria are rows. */
const SEMANTIC_WIDE_CRITERIA = 16;

/** The texts here are the engine's own, with no part of a user's text in them. */
const OWN = { own: true };

/** The macros that hide the functions of a statement. */
export class NativeLookUps {
  readonly #session: Session;
  readonly #uses: readonly OperatorUse[];
  readonly #names: ReadonlyMap<OperatorUse, string>;
  #tables: string[] = [];
  #variables: string[] = [];

  constructor(session: Session, uses: readonly OperatorUse[]) {
    this.#session = session;
    this.#uses = uses.filter(isNativeUse);
    this.#names = new Map(this.#uses.map((use) => [use, nextStageName()]));
  }

  /** The name of the table that holds the operator's answers while the macros exist. */
  tableOf(use: OperatorUse): string {
    return this.#names.get(use) ?? '';
  }

  get isInstalled(): boolean {
    return this.#tables.length > 0;
  }

  /**
   * Puts the answers known so far into tables, and makes macros over them; with `joined`, also makes the tables that
   * its query joins itself.
   */
  async install(joined?: Pick<JoinedLookUps, 'tables' | 'isLeft'>): Promise<void> {
    await this.remove();
    for (const answers of joined?.tables ?? [])
      await this.#fill(answers.table, columnsTable(answers));
    for (const use of this.#uses) {
      if (joined?.isLeft(use) === false) continue;
      const name = this.tableOf(use);
      const answers = wideTable(use, name) ?? longTable(use);
      await this.#fill(name, answers);
      for (const [variable, criterion] of answers.variables) {
        this.#variables.push(variable);
        await this.#session.runBound(
          `SET VARIABLE ${quoteIdentifier(variable)} = $1`,
          [criterion],
          OWN,
        );
      }
      for (const macro of [use.names.infix, use.names.call]) {
        await this.#session.run(macroSql(macro, name, answers, use), OWN);
      }
    }
  }

  #fill(name: string, table: Filled): Promise<void> {
    this.#tables.push(temporary(name));
    return fillTable(this.#session, name, table);
  }

  /** Drops the macros, so that the functions are visible again. Never throws. */
  async remove(): Promise<void> {
    if (!this.isInstalled) return;
    for (const { names } of this.#uses) {
      for (const macro of [names.infix, names.call]) {
        await this.#session
          .run(`DROP MACRO IF EXISTS temp.main.${quoteIdentifier(macro)}`, OWN)
          .catch(() => undefined);
      }
    }
    for (const variable of this.#variables) {
      await this.#session
        .run(`RESET VARIABLE ${quoteIdentifier(variable)}`, OWN)
        .catch(() => undefined);
    }
    this.#variables = [];
    await dropTables(this.#session, this.#tables);
    this.#tables = [];
  }
}

/** The columns of a table and their values. */
interface Filled {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly values: readonly (readonly unknown[])[];
}

/** Answers as a table: `match` compares the arguments with key columns, and `gives` is the answer in a row. */
interface AnswerTable extends Filled {
  readonly match: string;
  readonly gives: string;
  /**
   * Criteria, by the names of the SQL variables that `gives` reads: a criterion may come from a row, and must not
   * become SQL text.
   */
  readonly variables: ReadonlyMap<string, string>;
}

async function fillTable(session: Session, name: string, table: Filled): Promise<void> {
  const columns = table.columns.map((column) => `${column.name} ${column.type}`).join(', ');
  await session.run(`CREATE TEMP TABLE ${quoteIdentifier(name)} (${columns})`, OWN);
  await session.append(
    { catalog: 'temp', name },
    table.columns.map(({ type }, index) => ({
      type: type as ColumnType,
      values: table.values[index]!,
    })),
    table.values[0]!.length,
    OWN,
  );
}

/** One row for each first argument, with the answers that a query joins. */
function columnsTable({ keyType, columns }: AnswerColumns): Filled {
  const rows = new Map<unknown, number>();
  const values = columns.map((): unknown[] => []);
  for (const use of new Set(columns.map((column) => column.use))) {
    const places = new Map(
      columns.flatMap((column, index) =>
        column.use === use ? [[criteriaKey(column.criteria, 0), index]] : [],
      ),
    );
    for (const { tuple, value } of use.book.entries()) {
      const place = places.get(criteriaKey(tuple, 1));
      if (place === undefined) continue;
      const first = tuple[0];
      let row = rows.get(first);
      if (row === undefined) {
        row = rows.size;
        rows.set(first, row);
      }
      values[place]![row] = readAnswer(use, value);
    }
  }
  for (const column of values) column.length = rows.size;
  return {
    columns: [
      { name: ANSWER_KEY, type: keyType },
      ...columns.map(({ use }, index) => ({ name: answerColumn(index), type: typeOfUse(use) })),
    ],
    values: [[...rows.keys()], ...values],
  };
}

/**
 * The criteria of a tuple from a place on, as a text. A single criterion, the usual case, needs no JSON: there may be
 * very many tuples.
 */
function criteriaKey(tuple: Tuple, from: number): string {
  return tuple.length === from + 1 ? String(tuple[from]) : JSON.stringify(tuple.slice(from));
}

/**
 * One row for each first argument, and a column for each criterion: the join then has a single key, whatever the number
 * of criteria. Undefined if there are too many criteria, or `hasCriteria` does not hold.
 */
function wideTable(use: OperatorUse, table: string): AnswerTable | undefined {
  const { operator } = use.book;
  if (!hasCriteria(operator)) return undefined;
  const rows = new Map<unknown, number>();
  const criteria = new Map<string, { readonly tuple: Tuple; readonly values: unknown[] }>();
  for (const { tuple, value } of use.book.entries()) {
    const [first, ...rest] = tuple;
    const key = JSON.stringify(rest);
    let criterion = criteria.get(key);
    if (criterion === undefined) {
      if (criteria.size >= SEMANTIC_WIDE_CRITERIA) return undefined;
      criterion = { tuple: rest, values: [] };
      criteria.set(key, criterion);
    }
    const row = rows.get(first) ?? rows.size;
    rows.set(first, row);
    criterion.values[row] = readAnswer(use, value);
  }
  const all = [...criteria.values()];
  for (const { values } of all) values.length = rows.size;
  const variables = new Map<string, string>();
  const cases = all.map(({ tuple }, index) => {
    const same = tuple.map((value, at) => {
      const variable = `${table}_${index}_${at}`;
      variables.set(variable, String(value));
      return `a${at + 1} = getvariable(${quoteLiteral(variable)})`;
    });
    return `WHEN ${same.join(' AND ') || 'true'} THEN ${answerColumn(index)}`;
  });
  return {
    columns: [
      { name: ANSWER_KEY, type: operator.args[0]!.type.toUpperCase() },
      ...all.map((_, index) => ({ name: answerColumn(index), type: typeOfUse(use) })),
    ],
    values: [[...rows.keys()], ...all.map(({ values }) => values)],
    match: `${ANSWER_KEY} = a0`,
    gives: cases.length === 0 ? 'NULL' : `CASE ${cases.join(' ')} END`,
    variables,
  };
}

/** One row for each answer. */
function longTable(use: OperatorUse): AnswerTable {
  const { operator } = use.book;
  const keys: unknown[][] = operator.args.map(() => []);
  const values: unknown[] = [];
  const add = (tuple: Tuple, value: unknown) => {
    tuple.forEach((part, index) => {
      keys[index]!.push(part);
    });
    values.push(value);
  };
  for (const { tuple, value } of use.book.entries()) {
    const read = readAnswer(use, value);
    add(tuple, read);
    const [a, b] = tuple;
    if (operator.symmetric && tuple.length === 2 && a !== b) add([b!, a!], read);
  }
  const columns = operator.args.map(({ type }, index) => ({
    name: `k${index}`,
    type: type.toUpperCase(),
  }));
  return {
    columns: [...columns, { name: 'v', type: typeOfUse(use) }],
    values: [...keys, values],
    match: columns.map(({ name }, index) => `${name} = a${index}`).join(' AND '),
    gives: 'v',
    variables: new Map(),
  };
}

function macroSql(
  macro: string,
  table: string,
  { match, gives }: AnswerTable,
  { book, names }: OperatorUse,
): string {
  const list = book.operator.args.map((_, index) => `a${index}`).join(', ');
  const found = `(SELECT ${gives} FROM temp.main.${quoteIdentifier(table)} WHERE ${match})`;
  // The function itself distinguishes NULL arguments and NULL answers from missing ones; structs would do it too, but
  // take longer.
  return `CREATE OR REPLACE TEMP MACRO ${quoteIdentifier(macro)}(${list}) AS coalesce(${found}, ${names.miss}(${list}))`;
}
