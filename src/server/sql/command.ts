/** A statement of a client, routed to whoever answers it, and its answer. */
import type { Notice, ResultColumn, Row, StatementDescription, Summary } from '../../result.ts';

/** The values of parameters by their number. */
export type Values = Readonly<Record<string, unknown>>;

/** A NULL of a type. DuckDB gives a NULL without a cast no type, and then may not know which function is meant. */
export class TypedNull {
  readonly type: string;

  constructor(type: string) {
    this.type = type;
  }
}

/** A statement that can be described and, any number of times, run. */
export interface Command {
  /** What the statement means for a transaction: its begin or end, or a statement within it. */
  readonly role: 'begin' | 'end' | 'statement';
  /** True if the statement may change data, so that a savepoint before it cannot be returned to. */
  readonly mayChange: boolean;
  /**
   * Returns parameters and columns, and runs nothing. `types`: DuckDB's types of the parameters that are declared. `values`:
   * those of the parameters, for columns that depend on them.
   */
  describe(
    signal: AbortSignal,
    types?: readonly (string | undefined)[],
    values?: Values,
  ): Promise<StatementDescription>;
  /** Begins to run the statement. An abort of the signal ends it, also while its rows are read. */
  run(parameters: Values | undefined, signal: AbortSignal): Promise<Answer>;
}

/** What a statement gives. */
export type Answer = RowsAnswer | CopyOutAnswer | CopyInAnswer;

/** Rows in order: as they become known, or all of them at once. `next` gives a promise for a row that is not there yet. */
export interface RowIterator {
  next(): Promise<IteratorResult<Row, void>> | IteratorResult<Row, void>;
  return?(): unknown;
}

/** Rows, or none of a statement that returns none. */
export interface RowsAnswer {
  readonly kind: 'rows';
  readonly columns: readonly ResultColumn[];
  readonly rows: RowIterator;
  /** The notices so far. All of them are there once the rows have ended. */
  readonly notices: readonly Notice[];
  /** Returns the account of a statement whose rows have ended; undefined for a part of its rows. */
  readonly account?: () => Promise<Summary | undefined>;
  /** Returns the tag of CommandComplete after `count` rows, which took `bytes` on the wire. */
  tag(count: number, bytes?: number): string;
}

/** COPY … TO STDOUT: pieces of a file. */
export interface CopyOutAnswer {
  readonly kind: 'copyOut';
  readonly isBinary: boolean;
  readonly columns: number;
  readonly pieces: AsyncIterator<Buffer, void>;
  readonly notices: readonly Notice[];
  tag(): string;
}

/** COPY … FROM STDIN: takes the pieces of a file. */
export interface CopyInAnswer {
  readonly kind: 'copyIn';
  readonly isBinary: boolean;
  readonly columns: number;
  write(piece: Buffer): Promise<void>;
  /** Ends the file, and returns the tag. */
  finish(): Promise<string>;
}

/** Returns the answer of a statement that gives no rows. */
export function doneWith(tag: string, notices: readonly Notice[] = []): RowsAnswer {
  return { ...rowsOf([], [], tag), notices, tag: () => tag };
}

/** Returns an answer whose rows are known. */
export function rowsOf(
  columns: readonly ResultColumn[],
  rows: readonly Row[],
  verb: string,
): RowsAnswer {
  return {
    kind: 'rows',
    columns,
    rows: rows[Symbol.iterator](),
    notices: [],
    tag: (count) => (verb === 'SELECT' ? `SELECT ${count}` : verb),
  };
}

/** Returns a command that the server answers from what it knows. */
export function knownCommand(
  columns: readonly ResultColumn[],
  run: () => Promise<RowsAnswer> | RowsAnswer,
  role: Command['role'] = 'statement',
): Command {
  return {
    role,
    mayChange: false,
    describe: async () => ({ parameters: [], columns }),
    run: async () => run(),
  };
}
