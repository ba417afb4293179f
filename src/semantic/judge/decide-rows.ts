/** For each row, asks the questions that its condition still needs, until every row is decided. */
import type { Tuple } from '../ask/answer-book.ts';
import { askOpen } from '../ask/ask-open.ts';
import { passesOf } from '../find-answers.ts';
import type { Candidates, LeafRow } from '../plan/candidates.ts';
import type { OperatorUse } from '../read/use.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { type Condition, type Leaf, leavesOf, opaquesOf, type Truth, truthOf } from './truth.ts';

/** A condition, and the candidate rows that it is decided for. */
export class RowJudge {
  readonly leaves: readonly Leaf[];
  readonly #run: SemanticQuery;
  readonly #candidates: Candidates;
  readonly #condition: Condition;

  constructor(run: SemanticQuery, candidates: Candidates, condition: Condition) {
    this.#run = run;
    this.#candidates = candidates;
    this.#condition = condition;
    this.leaves = leavesOf(condition);
  }

  /**
   * The truth of the condition, or of a part of it, in a row. Calls `onMissing` with the questions whose answers would
   * decide more.
   */
  truth(
    row: LeafRow,
    onMissing: (use: OperatorUse, tuple: Tuple) => void = () => {},
    condition: Condition = this.#condition,
  ): Truth {
    return truthOf(condition, (leaf) => row[this.leaves.indexOf(leaf)], onMissing);
  }

  /** Asks questions until every row is decided, or the statement is stopped. */
  async decide(rows: readonly LeafRow[]): Promise<void> {
    let open = rows;
    while (open.length > 0 && this.#run.statement.stop.drained === undefined) {
      const books = new Set<OperatorUse['book']>();
      open = open.filter(
        (row) =>
          this.truth(row, ({ book }, tuple) => {
            if (book.lookUp(tuple) === undefined) books.add(book);
          }) === undefined,
      );
      const questions = [...books].map((book) => ({ book, tuples: book.takeMisses() }));
      if (questions.length > 0) await askOpen(this.#run, questions);
      else if (!(await this.#evaluate())) return;
    }
  }

  /** Lets DuckDB evaluate the new combinations of answers. Returns false if there are none. */
  async #evaluate(): Promise<boolean> {
    const open = opaquesOf(this.#condition).filter((opaque) => opaque.open.size > 0);
    for (const opaque of open) {
      const rowids = [...opaque.open.values()];
      const verdicts = await this.#candidates.evaluated(opaque.expression, rowids, (query) =>
        passesOf(this.#run, query),
      );
      for (const [key, rowid] of opaque.open) opaque.verdicts.set(key, verdicts.get(rowid) ?? null);
      opaque.open.clear();
    }
    return open.length > 0;
  }
}
