/**
 * Look-ups inside DuckDB, for many rows: a macro of the function's own name joins the answers by value and calls
 * the function only for what is missing. A million rows take 0.3 s so, and some 5 s through JavaScript.
 */
import type { AppendColumn } from '../duck/append.ts';
import { quoteIdentifier, quoteLiteral } from '../duck/quote.ts';
import type { Session } from '../duck/session.ts';
import { dropTables, nextStageName } from '../duck/stage.ts';
import type { Tuple } from './answer-book.ts';
import { aritiesOf } from './look-up.ts';
import { NATIVE_TYPES } from './native-types.ts';
import { type OperatorUse, readAnswer, typeOfUse } from './use.ts';

type ColumnType = AppendColumn['type'];

/** Macros that hide the functions of a statement. */
export class NativeLookUps {
  readonly #session: Session;
  readonly #uses: readonly OperatorUse[];
  #tables: string[] = [];

  constructor(session: Session, uses: readonly OperatorUse[]) {
    this.#session = session;
    this.#uses = uses.filter(isNative);
  }

  get isInstalled(): boolean {
    return this.#tables.length > 0;
  }

  /** Puts the answers at hand into tables and the macros over them. */
  async install(): Promise<void> {
    await this.remove();
    for (const use of this.#uses) {
      const name = nextStageName();
      this.#tables.push(`temp.main.${quoteIdentifier(name)}`);
      const shared = await fillTable(this.#session, name, use);
      for (const macro of [use.names.infix, use.names.call]) {
        await this.#session.run(macroSql(macro, { table: name, shared }, use));
      }
    }
  }

  /** Lets the functions be seen again; never throws. */
  async remove(): Promise<void> {
    if (!this.isInstalled) return;
    for (const { names } of this.#uses) {
      for (const macro of [names.infix, names.call]) {
        await this.#session
          .run(`DROP MACRO IF EXISTS temp.main.${quoteIdentifier(macro)}`)
          .catch(() => undefined);
      }
    }
    await dropTables(this.#session, this.#tables);
    this.#tables = [];
  }
}

function isNative(use: OperatorUse): boolean {
  const { operator } = use.book;
  const types = [typeOfUse(use), ...operator.args.map(({ type }) => type.toUpperCase())];
  return aritiesOf(operator).length === 1 && types.every((type) => NATIVE_TYPES.has(type));
}

/** Fills the answers in; for each argument the one value that all of them have, where they do. */
async function fillTable(
  session: Session,
  name: string,
  use: OperatorUse,
): Promise<readonly (string | undefined)[]> {
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
  const types = operator.args.map(({ type }) => type.toUpperCase() as ColumnType);
  const columns = types.map((type, index) => `k${index} ${type}`).join(', ');
  const valueType = typeOfUse(use) as ColumnType;
  await session.run(`CREATE TEMP TABLE ${quoteIdentifier(name)} (${columns}, v ${valueType})`);
  await session.append(
    { catalog: 'temp', name },
    [...types.map((type, index) => ({ type, values: keys[index]! })), { type: valueType, values }],
    values.length,
  );
  return keys.map((column, index) => {
    const [first] = column;
    const isText = typeof first === 'string' && types[index] === 'VARCHAR';
    const isShared = isText && !first.includes('\0');
    return isShared && column.every((value) => value === first) ? first : undefined;
  });
}

function macroSql(
  macro: string,
  { table, shared }: { readonly table: string; readonly shared: readonly (string | undefined)[] },
  { book, names }: OperatorUse,
): string {
  const args = book.operator.args.map((_, index) => `a${index}`);
  const list = args.join(', ');
  // A criterion that all answers share is mostly a literal: compared with one, it takes no part in the join.
  const same = args
    .map((arg, index) => {
      const value = index === 0 ? undefined : shared[index];
      return value === undefined ? `k${index} = ${arg}` : `${arg} = ${quoteLiteral(value)}`;
    })
    .join(' AND ');
  const found = `(SELECT v FROM temp.main.${quoteIdentifier(table)} WHERE ${same})`;
  // The function tells NULL arguments and NULL answers from missing ones; with structs this takes longer.
  return `CREATE OR REPLACE TEMP MACRO ${quoteIdentifier(macro)}(${list}) AS coalesce(${found}, ${names.miss}(${list}))`;
}
