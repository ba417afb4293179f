/** Finds questions that a stored answer is known to settle: they need no worker. */
import type { KnownRun, KnownRunsOf } from '../../calls/known-runs.ts';
import { policyOf } from '../../execute/begin-calls.ts';
import type { StatementWithCascade } from '../../execute/statement.ts';
import type { Operator } from '../../operators/operator.ts';
import type { SemanticSettings } from '../read/semantic-settings.ts';
import type { Tuple } from './answer-book.ts';
import { answerValue } from './answer-value.ts';

/** Number of questions looked at before other work of the event loop gets its turn. */
const RECALL_AT_A_TIME = 16_384;

/** The stored answers that a statement used, as figures. */
export interface Hits {
  readonly count: number;
  /** How many of these answers are NULL. */
  readonly nulls: number;
  /** What the calls had cost, in micro-USD; null where no price was known. */
  readonly savedMicroUsd: number | null;
}

/** A question that a stored answer settles. */
export interface KnownAnswer {
  readonly tuple: Tuple;
  readonly asked: KnownRun['asked'];
  readonly costMicroUsd: number | null;
}

/** The value of a run, and the key of the only call that it came from. */
export interface GivenAnswer {
  readonly tuple: Tuple;
  readonly callKey: string;
  readonly value: string | null;
  readonly asked: KnownRun['asked'];
}

/** Stored answers to the questions of one operator, asked of the models that its statement binds. */
export class Recall {
  /** Everything that the answers depend on, apart from the questions. */
  readonly identity: string;
  readonly #statement: StatementWithCascade;
  readonly #operator: Operator;
  readonly #runs: KnownRunsOf;
  readonly #notBefore: number;

  /** Undefined if a run is more than one model call, or the statement uses no stored answers. */
  static of(
    statement: StatementWithCascade,
    operator: Operator,
    { cache, modelOverride }: SemanticSettings,
  ): Recall | undefined {
    const { boundModels, cascade } = statement;
    const [cell, ...more] = cascade.cells;
    const isOneCall = cell?.kind === 'instructions' && more.length === 0;
    if (!isOneCall || cell.takes !== undefined || cell.wards !== undefined) return undefined;
    const { notBefore } = policyOf(statement, { cache, dedupe: operator.deterministic });
    if (boundModels === undefined || notBefore === Infinity) return undefined;
    const identity = JSON.stringify([cascade.hash, boundModels.settings, modelOverride]);
    return new Recall(statement, operator, identity, notBefore);
  }

  private constructor(
    statement: StatementWithCascade,
    operator: Operator,
    identity: string,
    notBefore: number,
  ) {
    this.identity = identity;
    this.#statement = statement;
    this.#operator = operator;
    this.#runs = statement.desk.knownRuns.of(identity);
    this.#notBefore = notBefore;
  }

  /** True if stored answers of any age may be used. */
  get takesAnyAge(): boolean {
    return this.#notBefore === 0;
  }

  /** Calls `take` with the value of each question that a stored answer settles. Returns the other questions. */
  async settle(
    tuples: readonly Tuple[],
    take: (tuple: Tuple, value: string | null) => void,
  ): Promise<readonly Tuple[]> {
    const { desk, stop } = this.#statement;
    const others: Tuple[] = [];
    let [count, nulls, savedMicroUsd]: [number, number, number | null] = [0, 0, null];
    let asked: KnownRun['asked'] | undefined;
    for (const [index, tuple] of tuples.entries()) {
      if (index > 0 && index % RECALL_AT_A_TIME === 0) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      const run = stop.signal.aborted ? undefined : this.#runs.get(JSON.stringify(tuple));
      const stored =
        run === undefined ? undefined : desk.journal.answers.find(run.callKey, this.#notBefore);
      if (run === undefined || stored?.text !== run.text) {
        others.push(tuple);
        continue;
      }
      take(tuple, run.value);
      count += 1;
      if (run.value === null) nulls += 1;
      if (stored.costMicroUsd !== null) savedMicroUsd = (savedMicroUsd ?? 0) + stored.costMicroUsd;
      asked = run.asked;
    }
    if (asked !== undefined) this.note({ count, nulls, savedMicroUsd }, asked);
    return others;
  }

  /** Records that stored answers took the place of this many calls. */
  note({ count, nulls, savedMicroUsd }: Hits, asked: KnownRun['asked']): void {
    const { ledger } = this.#statement;
    ledger.note({ t: 'cache.hits', count, savedMicroUsd, ...asked });
    const rows = { ok: count - nulls, null: nulls, failed: 0, skipped: 0, failures: [] };
    ledger.note({ t: 'rows', first: 0, count, ...rows });
  }

  /** The cell and model that were asked the question, and the price of its answer; undefined if it is not known. */
  knownOf(tuple: Tuple): KnownAnswer | undefined {
    const run = this.#runs.get(JSON.stringify(tuple));
    const stored = run && this.#statement.desk.journal.answers.find(run.callKey, this.#notBefore);
    if (run === undefined || stored?.text !== run.text) return undefined;
    return { tuple, asked: run.asked, costMicroUsd: stored.costMicroUsd };
  }

  /** Remembers a run whose only call has a stored answer by now. */
  keep({ tuple, callKey, value, asked }: GivenAnswer): void {
    const text = this.#statement.desk.journal.answers.find(callKey, this.#notBefore)?.text;
    // A stored answer that is no value of the operator's type fails each time.
    if (text === undefined || 'error' in answerValue(this.#operator, value)) return;
    this.#runs.keep(JSON.stringify(tuple), { callKey, text, value, asked });
  }
}
