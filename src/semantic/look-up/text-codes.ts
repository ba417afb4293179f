/**
 * Look-ups by number. DuckDB gives each text of a question the number that it has in an ENUM type: no text crosses into
 * JavaScript, a million rows take some 0.1 s in place of more than 1 s, and rows stay in their order, which a join does
 * not promise.
 */
import { quoteIdentifier } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import { dropTables, nextStageName, temporary } from '../../duck/stage.ts';
import type { Json } from '../../util/json.ts';
import type { AnswerBook, Tuple } from '../ask/answer-book.ts';
import type { OperatorUse } from '../read/use.ts';
import { type LookUpChunk, valueIn } from './chunk.ts';
import { canBeCoded, textPlaces } from './native-types.ts';

/** The texts here are the engine's own, with no part of a user's text in them. */
const OWN = { own: true };

/** A function, and the macro that hides it and calls another function with the codes of its texts. */
export interface CodedFunction {
  readonly macro: string;
  readonly calls: string;
}

/** What is looked up for one question. */
export interface CodedEntry<T> {
  readonly book: AnswerBook;
  readonly tuple: Tuple;
  readonly value: T;
}

/** Values by the last argument, then by the one before it, and so on. */
type Level<T> = Map<unknown, Level<T> | T>;

/** What look-ups give, by the codes of their arguments. */
export class TextCodes<T> {
  readonly #session: Session;
  readonly #values = new Map<AnswerBook, Level<T>>();
  #macros: string[] = [];
  #type: string | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Makes the type of all texts in these questions, and hides the functions by macros. `more` are further parameters. */
  async install(
    entries: readonly CodedEntry<T>[],
    uses: readonly OperatorUse[],
    functionsOf: (use: OperatorUse) => readonly CodedFunction[],
    more: readonly string[] = [],
  ): Promise<void> {
    await this.remove();
    const codes = new Map<string, number>();
    const codeOf = (text: string) => {
      const code = codes.get(text) ?? codes.size;
      codes.set(text, code);
      return code;
    };
    for (const { book, tuple, value } of entries) {
      const { symmetric } = book.operator;
      this.#add(book, tuple, value, codeOf);
      if (symmetric) this.#add(book, [...tuple].reverse(), value, codeOf);
    }
    if (codes.size === 0) return;
    const type = nextStageName();
    await this.#createType(type, [...codes.keys()]);
    this.#type = type;
    for (const use of uses.filter(canBeCoded)) {
      const args = use.book.operator.args.map((_, index) => `a${index}`);
      const coded = textPlaces(use.book.operator).map(
        (place) =>
          `enum_code(TRY_CAST(CAST(a${place} AS VARCHAR) AS ${quoteIdentifier(type)}))::INTEGER`,
      );
      for (const { macro, calls } of functionsOf(use)) {
        this.#macros.push(macro);
        await this.#session.run(
          `CREATE OR REPLACE TEMP MACRO ${quoteIdentifier(macro)}(${[...args, ...more].join(', ')}) AS ${quoteIdentifier(calls)}(${[...args, ...coded, ...more].join(', ')})`,
          OWN,
        );
      }
    }
  }

  /** Looks up the rows of a chunk. Gives undefined for a row if there is nothing for its arguments. */
  finder(book: AnswerBook, { columns, codes }: LookUpChunk): (row: number) => T | undefined {
    const root = this.#values.get(book);
    const last = columns.length - 1;
    const keyAt = (index: number, row: number): number | Json => {
      const code = codes[index];
      return code === undefined ? valueIn(columns[index]!, row) : (code.getItem(row) as number);
    };
    // The last argument is mostly a criterion, the same in each row.
    let lastKey: unknown;
    let lastLevel: Level<T> | T | undefined;
    return (row) => {
      let level: Level<T> | T | undefined = root;
      for (let index = last; index >= 0 && level !== undefined; index -= 1) {
        const key = keyAt(index, row);
        if (index > 0 && index === last && key === lastKey) level = lastLevel;
        else level = (level as Level<T>).get(key);
        if (index > 0 && index === last) [lastKey, lastLevel] = [key, level];
      }
      return level as T | undefined;
    };
  }

  /** Drops the macros, so that the functions are visible again. Never throws. */
  async remove(): Promise<void> {
    this.#values.clear();
    const drops = this.#macros.map(
      (name) => `DROP MACRO IF EXISTS temp.main.${quoteIdentifier(name)}`,
    );
    if (this.#type !== undefined) drops.push(`DROP TYPE IF EXISTS ${temporary(this.#type)}`);
    this.#macros = [];
    this.#type = undefined;
    for (const drop of drops) await this.#session.run(drop, OWN).catch(() => undefined);
  }

  #add(book: AnswerBook, tuple: Tuple, value: T, codeOf: (text: string) => number): void {
    const places = new Set(textPlaces(book.operator));
    const keys = tuple.map((part, index) => (places.has(index) ? codeOf(String(part)) : part));
    let level: Level<T> = this.#values.get(book) ?? new Map();
    this.#values.set(book, level);
    for (const key of keys.slice(1).reverse()) {
      const below = (level.get(key) as Level<T> | undefined) ?? new Map();
      level.set(key, below);
      level = below as Level<T>;
    }
    level.set(keys[0], value);
  }

  async #createType(type: string, texts: readonly string[]): Promise<void> {
    const table = nextStageName();
    try {
      await this.#session.run(`CREATE TEMP TABLE ${quoteIdentifier(table)} (text VARCHAR)`, OWN);
      await this.#session.append(
        { catalog: 'temp', name: table },
        [{ type: 'VARCHAR', values: texts }],
        texts.length,
        OWN,
      );
      await this.#session.run(
        `CREATE TEMP TYPE ${quoteIdentifier(type)} AS ENUM (SELECT text FROM ${temporary(table)} ORDER BY rowid)`,
        OWN,
      );
    } finally {
      await dropTables(this.#session, [temporary(table)]);
    }
  }
}
