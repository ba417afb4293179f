/** LIMIT: finds the first rows, in row order, that meet the conditions, and asks nothing for those after them. */
import { askOpen, roomFor } from '../ask/ask-open.ts';
import { passesOf } from '../find-answers.ts';
import { Candidates, type LeafRow } from '../plan/candidates.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { isNode, nodesOf, Unplannable } from '../plan/query-tree.ts';
import type { OperatorUse } from '../read/use.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { isCertain } from './certainty.ts';
import { RowJudge } from './decide-rows.ts';
import { opaqueOf } from './needs.ts';
import { type Condition, conditionOf, opaquesOf } from './truth.ts';

/** Rows that a query with a LIMIT looks at in one go, in their order. */
const SEMANTIC_WINDOW_ROWS = 16_384;

/**
 * Asks until `wanted` rows are certain, or the statement is stopped; false where there are fewer, and then all has been
 * asked. Throws Unplannable where DuckDB alone can say what a condition is.
 */
export async function findFirstRows(
  run: SemanticQuery,
  plan: QueryPlan,
  wanted: number,
): Promise<boolean> {
  const isScan = comesInOrder(plan);
  for (const written of plan.semantic) {
    const condition = conditionOf(written, plan.useOf, opaqueOf);
    if (!isScan && !isCertain(condition, true)) {
      throw new Unplannable('a condition lets rows in whose answers are missing');
    }
  }
  const candidates = await Candidates.stage(run.statement, plan, 'ordered', (query) =>
    passesOf(run, query),
  );
  try {
    run.report.note(candidates);
    const condition: Condition = {
      kind: 'all',
      of: candidates.conditions.map((one) => conditionOf(one, plan.useOf, opaqueOf)),
    };
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

/** Whether the rows come in the order in which they were looked at: then none that is not decided comes before the last. */
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

  /** Looks at rows that follow those that were looked at before. */
  async look(rows: readonly LeafRow[]): Promise<void> {
    const [only, ...more] = this.judge.leaves.filter((leaf) => leaf.kind === 'operator');
    const isAlone = only !== undefined && more.length === 0 && this.#isLogic;
    await (isAlone && only.use.book.operator.seed === undefined
      ? this.#stream(rows, only.use)
      : this.#inBatches(rows));
  }

  /** One operator: its questions go out one after another, and stop when the rows are certain. */
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
      open = await this.#run.asker.askAtHand(book, open);
      advance();
      if (this.found) return;
    }
    const questions = open.slice(0, roomFor(this.#run, book));
    await this.#run.asker.askInOrder(book, questions, {
      enough: () => {
        advance();
        return this.found;
      },
      lookAhead: () => this.#lookAhead(),
    });
    advance();
    if (!this.found) await askOpen(this.#run, [{ book, tuples: open.slice(questions.length) }]);
  }

  /** Several operators, or expressions around them: what a row is asked next depends on what it was answered. */
  async #inBatches(rows: readonly LeafRow[]): Promise<void> {
    for (let from = 0; from < rows.length && !this.found; ) {
      const batch = rows.slice(from, from + this.#lookAhead());
      await this.judge.decide(batch);
      if (this.#run.statement.stop.drained !== undefined) return;
      for (const row of batch) if (!this.found) this.#decide(row);
      from += batch.length;
    }
  }

  /** As many rows as are likely to hold what is still wanted, and no more than calls in flight. */
  #lookAhead(): number {
    const part = (this.#met + 1) / (this.#decided + 2);
    const likely = Math.ceil((this.#wanted - this.#met) / part);
    return Math.max(1, Math.min(this.#run.settings.parallel, likely));
  }

  /** Counts the row if it is known what it is. */
  #decide(row: LeafRow): boolean | null | undefined {
    const truth = this.judge.truth(row);
    if (truth === undefined) return undefined;
    this.#decided += 1;
    if (truth === true) this.#met += 1;
    return truth;
  }
}
