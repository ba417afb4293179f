/** The ledger of one statement: its session and caller names, its records in the journal, and its account. */
import type { ErrorCode } from '../error-codes.ts';
import type { Failure } from '../errors.ts';
import type { Summary } from '../result.ts';
import { Account, type EndedCalls, type Ending } from './account.ts';
import type { Journal } from './journal.ts';
import type { CallsHeld, CallsReleased, JournalEntry, StatementOpen } from './records.ts';
import { type NamePrefix, type Random, woodlandName } from './session-name.ts';

export class Ledger {
  readonly session: string;
  readonly caller: string;
  readonly #journal: Journal;
  readonly #account = new Account();
  /** The start time of the statement, µs since the epoch. */
  readonly startedUs: number;
  readonly #startedMs = performance.now();
  /** False for plain SQL: it makes no model calls, and none of its records goes to disk. */
  #isKept = false;
  #opened: Omit<StatementOpen, 't'> | undefined;
  #attempts = 0;
  /** The number of tables with names by `nextTable`. */
  #tables = 0;
  #summary: Summary | undefined;
  #providerEnd: Failure | undefined;
  readonly #isSilent: boolean;

  /** `isSilent`: the statement only describes, and nobody is told of it. `session`: its name, if it has one already. */
  constructor(
    journal: Journal,
    prefix: NamePrefix,
    random: Random,
    {
      isSilent = false,
      session,
    }: { isSilent?: boolean | undefined; session?: string | undefined } = {},
  ) {
    this.#journal = journal;
    this.#isSilent = isSilent;
    this.startedUs = journal.nowUs();
    this.caller = woodlandName('sql', random);
    this.session = session ?? (prefix === 'sql' ? this.caller : woodlandName(prefix, random));
  }

  /** Returns a new name for a call, unique in the journal. */
  nextAttempt(): string {
    this.#attempts += 1;
    return `${this.session}.${this.#attempts}`;
  }

  /** The number of calls sent so far, without retries. */
  get callsMade(): number {
    return this.#account.callsMade;
  }

  /** The failure with which a provider refused all further calls of the statement; undefined if no provider did. */
  get providerEnd(): Failure | undefined {
    return this.#providerEnd;
  }

  /** Notes that a provider refuses all further calls of the statement. A later answer does not undo it. */
  noteProviderEnd(failure: Failure): void {
    this.#providerEnd ??= failure;
  }

  /** The number of unusable answers since the last usable answer, and the error message of the newest of them. */
  get unusable(): Account['unusable'] {
    return this.#account.unusable;
  }

  /** The calls that have ended so far. */
  get endedCalls(): EndedCalls {
    return this.#account.endedCalls;
  }

  /** Micro-USD of the calls that have ended since `earlier`; null if none of these calls has a known price. */
  costSince(earlier: EndedCalls): number | null {
    return this.#account.costSince(earlier);
  }

  /** The name of the next table that the statement makes without a name of its own; from the second on with a number. */
  get nextTable(): string {
    const name = this.session.replaceAll('-', '_');
    return this.#tables === 0 ? name : `${name}_${this.#tables + 1}`;
  }

  /** Notes that a table was made. The next table does not get its name. */
  noteTable(name: string): void {
    if (name === this.nextTable) this.#tables += 1;
  }

  /**
   * Records the opening of the statement. A statement opened as plain SQL may turn out to hold operators; then it is
   * opened again, and the later entry replaces the earlier entry. Once an entry names a cascade, each later entry only
   * adds its cascades to that entry.
   */
  open(entry: Omit<StatementOpen, 't'>): void {
    const known = this.#opened?.cascade;
    const cascades = new Set([known, entry.cascade].flatMap((files) => files?.split(', ') ?? []));
    const cascade = [...cascades].join(', ');
    if (known !== undefined && cascade === known) return;
    this.#opened =
      known === undefined || this.#opened === undefined ? entry : { ...this.#opened, cascade };
    this.#isKept = this.#opened.cascade !== undefined;
    this.note({ t: 'statement.open', ...this.#opened });
  }

  /** Records an entry. Ignores it if the statement is closed. */
  note(entry: JournalEntry): void {
    if (this.#summary !== undefined) return;
    this.#account.observe(entry);
    this.#append(entry, this.#isKept);
  }

  /** Passes an entry to the account and to listeners. The entry is not kept on disk. */
  tell(entry: CallsHeld | CallsReleased): void {
    if (this.#summary !== undefined) return;
    this.#account.observe(entry);
    this.#append(entry, false);
  }

  /** The account so far. */
  get figures(): Summary {
    return this.#account.summary(this, Math.round(this.elapsedMs), { complete: true });
  }

  /** Milliseconds since the statement began. */
  get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** Ends the statement. A second `close` returns the summary of the first. */
  close(ending: Ending): Summary {
    if (this.#summary === undefined) {
      const summary = this.#account.summary(this, Math.round(this.elapsedMs), ending);
      this.#append({ t: 'statement.close', summary, ...errorCodeOf(ending) }, this.#isKept);
      this.#summary = summary;
    }
    return this.#summary;
  }

  #append(entry: JournalEntry, isKept: boolean): void {
    if (!this.#isSilent) this.#journal.append(this, entry, isKept);
  }
}

function errorCodeOf(ending: Ending): { readonly errorCode?: ErrorCode } {
  return ending.complete || ending.code === undefined ? {} : { errorCode: ending.code };
}
