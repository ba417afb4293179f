/** One statement's page in the journal: its names, its records and the account they add up to. */
import type { Failure } from '../errors.ts';
import type { Summary } from '../result.ts';
import { Account, type Ending } from './account.ts';
import type { Journal } from './journal.ts';
import type { CallsHeld, CallsReleased, JournalEntry, StatementOpen } from './records.ts';
import { type NamePrefix, type Random, woodlandName } from './session-name.ts';

export class Ledger {
  readonly session: string;
  readonly caller: string;
  readonly #journal: Journal;
  readonly #account = new Account();
  /** When the statement began, in microseconds since the epoch. */
  readonly startedUs: number;
  readonly #startedMs = performance.now();
  /** Plain SQL buys nothing, and leaves no trace. */
  #isKept = false;
  #opened: Omit<StatementOpen, 't'> | undefined;
  #attempts = 0;
  #summary: Summary | undefined;
  #providerEnd: Failure | undefined;

  constructor(journal: Journal, prefix: NamePrefix, random: Random) {
    this.#journal = journal;
    this.startedUs = journal.nowUs();
    this.caller = woodlandName('sql', random);
    this.session = prefix === 'sql' ? this.caller : woodlandName(prefix, random);
  }

  /** A name for a call, unique in the journal. */
  nextAttempt(): string {
    this.#attempts += 1;
    return `${this.session}.${this.#attempts}`;
  }

  /** Calls that have gone out so far, retries apart. */
  get callsMade(): number {
    return this.#account.callsMade;
  }

  /** Why a provider took no further call of the statement; undefined where none refused. */
  get providerEnd(): Failure | undefined {
    return this.#providerEnd;
  }

  /** A provider takes no further call of the statement. An answer that comes later does not take that back. */
  noteProviderEnd(failure: Failure): void {
    this.#providerEnd ??= failure;
  }

  /** Answers that could not be used since the last one that could, and what was wrong with the last of them. */
  get unusable(): Account['unusable'] {
    return this.#account.unusable;
  }

  /** Micro-USD of the calls so far; null where no call has a price. */
  get costMicroUsd(): number | null {
    return this.#account.costMicroUsd;
  }

  /**
   * Begins the page. A text that turns out to hold operators is opened again, as what it is: the later word holds. Once
   * it is known to run a cascade, what is opened within it adds its cascades alone.
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

  /** Records what happened. Nothing is recorded once the statement is closed. */
  note(entry: JournalEntry): void {
    if (this.#summary !== undefined) return;
    this.#account.observe(entry);
    this.#journal.append(this, entry, this.#isKept);
  }

  /** Tells listeners what passes, and counts it. It is not kept on disk. */
  tell(entry: CallsHeld | CallsReleased): void {
    if (this.#summary !== undefined) return;
    this.#account.observe(entry);
    this.#journal.append(this, entry, false);
  }

  /** The account so far. */
  get figures(): Summary {
    return this.#account.summary(this, Math.round(this.elapsedMs), { complete: true });
  }

  /** Milliseconds since the statement began. */
  get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** Ends the statement, once; later calls give the same summary. */
  close(ending: Ending): Summary {
    if (this.#summary === undefined) {
      const summary = this.#account.summary(this, Math.round(this.elapsedMs), ending);
      this.#journal.append(this, { t: 'statement.close', summary }, this.#isKept);
      this.#summary = summary;
    }
    return this.#summary;
  }
}
