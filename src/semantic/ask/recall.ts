/** Questions that a stored answer is known to settle: they take no worker. */
import type { KnownRun, KnownRunsOf } from '../../calls/known-runs.ts';
import { policyOf } from '../../execute/begin-calls.ts';
import type { Piece } from '../../execute/chunk.ts';
import type { StatementWithCascade } from '../../execute/statement.ts';
import type { Operator } from '../../operators/operator.ts';
import type { LookUp } from '../../run/contract.ts';
import type { SemanticSettings } from '../read/semantic-settings.ts';
import type { Tuple } from './answer-book.ts';

/** Questions looked at before other work gets its turn. */
const RECALL_AT_A_TIME = 16_384;

/** The questions of one operator, with the models that its statement binds. */
export class Recall {
  readonly #statement: StatementWithCascade;
  readonly #runs: KnownRunsOf;
  readonly #notBefore: number;

  /** Undefined where a run is more than one call's answer, or the statement uses no stored answers. */
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
    return new Recall(statement, identity, notBefore);
  }

  private constructor(statement: StatementWithCascade, identity: string, notBefore: number) {
    this.#statement = statement;
    this.#runs = statement.desk.knownRuns.of(identity);
    this.#notBefore = notBefore;
  }

  /** Gives `take` the values of the questions that are known; the others. */
  async settle(
    tuples: readonly Tuple[],
    take: (tuple: Tuple, value: string | null) => void,
  ): Promise<readonly Tuple[]> {
    const { desk, ledger, stop } = this.#statement;
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
    if (asked !== undefined) {
      ledger.note({ t: 'cache.hits', count, savedMicroUsd, ...asked });
      const rows = { ok: count - nulls, null: nulls, failed: 0, skipped: 0, failures: [] };
      ledger.note({ t: 'rows', first: 0, count, ...rows });
    }
    return others;
  }

  /** Keeps runs that took one stored answer each. `tuples` are the statement's questions, `piece` some of their runs. */
  keep(tuples: readonly Tuple[], { firstOrdinal, values }: Piece, calls: LookUp): void {
    const { callKeys, ...asked } = calls;
    for (const [index, value] of values.entries()) {
      const callKey = callKeys[index]!;
      const text = this.#statement.desk.journal.answers.find(callKey, this.#notBefore)?.text;
      if (text === undefined) continue;
      const inputs = JSON.stringify(tuples[firstOrdinal + index]);
      this.#runs.keep(inputs, { callKey, text, value, asked });
    }
  }
}
