/**
 * LIMIT: finds the first rows, in row order, that meet the conditions. Begins no question once they are certain, and
 * cancels those in flight.
 */
import { askOpen, roomFor } from '../ask/ask-open.ts';
import { passesOf } from '../find-answers.ts';
import { Candidates, type LeafRow } from '../plan/candidates.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { isNode, nodesOf, ofQuestion, Unplannable } from '../plan/query-tree.ts';
import type { OperatorUse } from '../read/use.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { isCertain } from './certainty.ts';
import { RowJudge } from './decide-rows.ts';
import { lookAhead } from './look-ahead.ts';
import { opaqueOf } from './needs.ts';
import { type Condition, conditionOf, leavesOf, opaquesOf } from './truth.ts';

/** The number of rows that a query with a LIMIT looks at in one go, in row order. */
const SEMANTIC_WINDOW_ROWS = 16_384;

/**
 * Asks until `wanted` rows are certain, or the statement is stopped. Returns false if fewer rows meet the conditions;
 * every question has then been asked. Throws Unplannable where only DuckDB can evaluate a condition.
 */
export async function findFirstRows(
  run: SemanticQuery,
  plan: QueryPlan,
  wanted: number,
): Promise<boolean> {
  const isScan = comesInOrder(plan);
  const doubtful = plan.semantic.map((written) => {
    const condition = conditionOf(written, plan.useOf, opaqueOf);
    if (isScan || isCertain(condition, true)) return false;
    // Of several operators, some may be known and others not.
    if (operatorsOf(condition).size > 1) throw new Unplannable(LETS_IN);
    return true;
  });
  const candidates = await Candidates.stage(run.statement, plan, 'ordered', (query) =>
    passesOf(run, query),
  );
  try {
    run.report.note(candidates);
    for (const [index, written] of candidates.conditions.entries()) {
      const isUnmet = !doubtful[index] || (await candidates.isUnmetBlind(written));
      if (!isUnmet) throw new Unplannable(LETS_IN);
    }
    const condition = candidates.conditions
      .map((one) => conditionOf(one, plan.useOf, opaqueOf))
      .reduceRight(
        (gives, when): Condition => ({ kind: 'case', checks: [{ when, gives }], otherwise: NEVER }),
        ALWAYS,
      );
    const search = new FirstRows(run, candidates, condition, wanted);
    for (let from = 0; from < candidates.rowCount; from += SEMANTIC_WINDOW_ROWS) {
      if (search.found) return true;
      await search.look(await candidates.rows(search.judge.leaves, from, SEMANTIC_WINDOW_ROWS));
      if (run.statement.stop.drained !== undefined) return true;
    }
    return search.found;
  } finally {
    await candidates.drop();
  }
}

/** Of conditions of a WHERE, the next one matters only where this one is TRUE: NULL leaves the row out too. */
const ALWAYS: Condition = { kind: 'all', of: [] };
const NEVER: Condition = { kind: 'any', of: [] };

const LETS_IN = 'a condition lets rows in whose answers are missing';

/** The operators of a condition; those with equal arguments are one. */
function operatorsOf(condition: Condition): ReadonlySet<string> {
  const calls = leavesOf(condition).filter((leaf) => leaf.kind === 'operator');
  const withoutPlace = (name: string, value: unknown) =>
    name === 'query_location' || name === 'alias' ? undefined : value;
  return new Set(calls.map(({ node }) => JSON.stringify(node, withoutPlace)));
}

/**
 * Whether the query gives its rows in the order in which they are looked at here: then no undecided row comes before
 * the last row that is wanted.
 */
function comesInOrder({ node, order }: QueryPlan): boolean {
  const { from_table: from, cte_map: map } = node;
  const isTable = isNode(from) && from['type'] === 'BASE_TABLE';
  return isTable && order === undefined && !(isNode(map) && nodesOf(map['map']).length > 0);
}

class FirstRows {
  readonly judge: RowJudge;
  readonly #run: SemanticQuery;
  readonly #isLogic: boolean;
  readonly #wanted: number;
  #met = 0;
  #decided = 0;

  constructor(run: SemanticQuery, candidates: Candidates, condition: Condition, wanted: number) {
    this.#run = run;
    this.#isLogic = opaquesOf(condition).length === 0;
    this.#wanted = wanted;
    this.judge = new RowJudge(run, candidates, condition);
  }

  get found(): boolean {
    return this.#met >= this.#wanted;
  }

  /** Looks at the rows that follow those of the last call. */
  async look(rows: readonly LeafRow[]): Promise<void> {
    const [only, ...more] = this.judge.leaves.filter((leaf) => leaf.kind === 'operator');
    const isAlone = only !== undefined && more.length === 0 && this.#isLogic;
    await (isAlone && only.use.book.operator.seed === undefined
      ? this.#stream(rows, only.use)
      : this.#inBatches(rows));
  }

  /** With one operator: asks its questions in order, and stops when enough rows are certain. */
  async #stream(rows: readonly LeafRow[], use: OperatorUse): Promise<void> {
    const { book } = use;
    let at = 0;
    const advance = () => {
      while (at < rows.length && !this.found && this.#decide(rows[at]!) !== undefined) at++;
    };
    advance();
    if (this.found || at === rows.length) return;
    for (const row of rows.slice(at)) this.judge.truth(row, (_, tuple) => book.lookUp(tuple));
    let open = book.takeMisses();
    if (open.length > roomFor(this.#run, book)) {
      open = await this.#run.asker.settleWithoutCalls(book, open);
      advance();
      if (this.found) return;
    }
    const questions = open.slice(0, roomFor(this.#run, book));
    await ofQuestion(
      this.#run.asker.askInOrder(book, questions, {
        enough: () => {
          advance();
          return this.found;
        },
        lookAhead: () => this.#lookAhead(),
      }),
    );
    advance();
    if (!this.found) await askOpen(this.#run, [{ book, tuples: open.slice(questions.length) }]);
  }

  /** With several operators, or expressions around them: the next question for a row depends on the answers before it. */
  async #inBatches(rows: readonly LeafRow[]): Promise<void> {
    for (let from = 0; from < rows.length && !this.found; ) {
      const batch = rows.slice(from, from + this.#lookAhead());
      await this.judge.decide(batch);
      if (this.#run.statement.stop.drained !== undefined) return;
      for (const row of batch) if (!this.found) this.#decide(row);
      from += batch.length;
    }
  }

  #lookAhead(): number {
    const state = { met: this.#met, decided: this.#decided, wanted: this.#wanted };
    const { parallel, batch } = this.#run.settings;
    // As many questions as go out at a time without BATCH, or as one call takes.
    return lookAhead(state, typeof batch === 'number' ? Math.max(parallel, batch) : parallel);
  }

  /** Counts the row if its truth is known. */
  #decide(row: LeafRow): boolean | null | undefined {
    const truth = this.judge.truth(row);
    if (truth === undefined) return undefined;
    this.#decided += 1;
    if (truth === true) this.#met += 1;
    return truth;
  }
}
