/** A statement that is being run for a client, whose rows are taken a few at a time. */
import type { ResultColumn } from '../../result.ts';
import type { Answer, Command, Values } from './command.ts';
import type { FormatCode } from './protocol/read-messages.ts';

/** Why the signal of a portal aborts that is not cancelled. Made once: an error costs more than a short statement. */
const ENDED = new Error('the statement has ended');

/** The parts of a portal. */
export interface PortalParts {
  readonly command: Command;
  readonly parameters: Values | undefined;
  readonly formats: readonly FormatCode[];
  /** The columns of its prepared statement, if the client was told of them. */
  readonly promised?: Promise<readonly ResultColumn[] | undefined> | undefined;
  /** Returns the columns of its rows. */
  readonly columns?: ((signal: AbortSignal) => Promise<readonly ResultColumn[]>) | undefined;
  /** The text of its statement, in which the places of errors count. */
  readonly source: string;
  readonly start: number;
}

export class Portal {
  readonly parts: PortalParts;
  #abort = new AbortController();
  #answer: Promise<Answer> | undefined;
  #columns: readonly ResultColumn[] | undefined;
  #isDone = false;
  /** The rows taken so far. */
  rowsTaken = 0;

  constructor(parts: PortalParts) {
    this.parts = parts;
  }

  /** Aborts when the statement is over, however it ends. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** True once the last row was taken. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** True if the statement has begun to run. */
  get isOpen(): boolean {
    return this.#answer !== undefined;
  }

  /** Begins to run the statement, once. */
  open(): Promise<Answer> {
    this.#answer ??= this.parts.command.run(this.parts.parameters, this.signal);
    return this.#answer;
  }

  /** Returns the columns of its rows, as the client is told of them. */
  async describe(signal: AbortSignal): Promise<readonly ResultColumn[]> {
    const { columns, command } = this.parts;
    this.#columns ??= (await columns?.(signal)) ?? (await command.describe(signal)).columns;
    return this.#columns;
  }

  /** Returns the columns that the client was told of; `columns`, those that came, if it was told of none. */
  async promised(columns: readonly ResultColumn[]): Promise<readonly ResultColumn[]> {
    this.#columns ??= await this.parts.promised?.catch(() => columns);
    return this.#columns ?? columns;
  }

  noteEnd(): void {
    this.#isDone = true;
    this.#abort.abort(ENDED);
  }

  /** Begins anew, from the first row. */
  async rewind(): Promise<void> {
    await this.close();
    this.#abort = new AbortController();
    this.#answer = undefined;
    this.#isDone = false;
    this.rowsTaken = 0;
  }

  /** Ends the statement at once. */
  abort(): void {
    this.#abort.abort();
  }

  /** Ends the statement, and waits until it has ended. */
  async close(): Promise<void> {
    await this.#leave();
    this.#abort.abort(ENDED);
  }

  async #leave(): Promise<void> {
    const answer = await this.#answer?.catch(() => undefined);
    if (this.#isDone || answer === undefined) return;
    this.#isDone = true;
    const rows =
      answer.kind === 'rows' ? answer.rows : answer.kind === 'copyOut' ? answer.pieces : undefined;
    await Promise.resolve(rows?.return?.()).catch(() => undefined);
  }
}
