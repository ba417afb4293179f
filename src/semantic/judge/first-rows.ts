/** LIMIT: finds the first rows, in row order, that meet the conditions, and asks nothing for those after them. */
import type { Tuple } from '../ask/answer-book.ts';
import { askOpen, roomFor } from '../ask/ask-open.ts';
import { passesOf } from '../find-answers.ts';
import { Candidates } from '../plan/candidates.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { isNode, nodesOf, Unplannable } from '../plan/query-tree.ts';
import type { OperatorUse } from '../read/use.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { isCertain } from './certainty.ts';
import { askTuples } from './fill-answers.ts';
import {
  type Condition,
  conditionOf,
  type Leaf,
  leavesOf,
  type Opaque,
  opaqueOf,
  opaquesOf,
  truthOf,
} from './truth.ts';

/** Rows that a query with a LIMIT looks at in one go, in their order. */
const SEMANTIC_WINDOW_ROWS = 16_384;

type CandidateRow = readonly (Tuple | undefined)[];

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
      await search.look(await candidates.rows(search.leaves, from, SEMANTIC_WINDOW_ROWS));
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
  readonly leaves: readonly Leaf[];
  readonly #run: SemanticQuery;
  readonly #candidates: Candidates;
  readonly #condition: Condition;
  readonly #opaques: readonly Opaque[];
  readonly #wanted: number;
  #met = 0;
  #decided = 0;

  constructor(run: SemanticQuery, candidates: Candidates, condition: Condition, wanted: number) {
    this.#run = run;
    this.#candidates = candidates;
    this.#condition = condition;
    this.#opaques = opaquesOf(condition);
    this.#wanted = wanted;
    this.leaves = leavesOf(condition);
  }

  get found(): boolean {
    return this.#met >= this.#wanted;
  }

  /** Looks at rows that follow those that were looked at before. */
  async look(rows: readonly CandidateRow[]): Promise<void> {
    const [only, ...more] = this.leaves.filter((leaf) => leaf.kind === 'operator');
    const isAlone = only !== undefined && more.length === 0 && this.#opaques.length === 0;
    await (isAlone && only.use.book.operator.seed === undefined
      ? this.#stream(rows, only.use)
      : this.#inBatches(rows));
  }

  /** One operator: its questions go out one after another, and stop when the rows are certain. */
  async #stream(rows: readonly CandidateRow[], use: OperatorUse): Promise<void> {
    const { book } = use;
    let at = 0;
    const advance = () => {
      while (at < rows.length && !this.found && this.#decide(rows[at]!) !== undefined) at++;
    };
    advance();
    if (this.found || at === rows.length) return;
    for (const row of rows.slice(at)) this.#truth(row, (_, tuple) => book.lookUp(tuple));
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
  async #inBatches(rows: readonly CandidateRow[]): Promise<void> {
    for (let from = 0; from < rows.length && !this.found; ) {
      const batch = rows.slice(from, from + this.#lookAhead());
      for (;;) {
        const open = new Map<OperatorUse, Tuple[]>();
        for (const row of batch) {
          this.#truth(row, (use, tuple) => open.set(use, [...(open.get(use) ?? []), tuple]));
        }
        if (open.size === 0) {
          if (await this.#evaluate()) continue;
          break;
        }
        for (const [use, tuples] of open) await askTuples(this.#run, use, tuples);
        if (this.#run.statement.stop.drained !== undefined) return;
      }
      for (const row of batch) if (!this.found) this.#decide(row);
      from += batch.length;
    }
  }

  /** Has DuckDB evaluate the combinations of answers that are new; false where there are none. */
  async #evaluate(): Promise<boolean> {
    const open = this.#opaques.filter((opaque) => opaque.open.size > 0);
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

  /** As many rows as are likely to hold what is still wanted, and no more than calls in flight. */
  #lookAhead(): number {
    const part = (this.#met + 1) / (this.#decided + 2);
    const likely = Math.ceil((this.#wanted - this.#met) / part);
    return Math.max(1, Math.min(this.#run.settings.parallel, likely));
  }

  /** Counts the row if it is known what it is. */
  #decide(row: CandidateRow): boolean | null | undefined {
    const truth = this.#truth(row, () => {});
    if (truth === undefined) return undefined;
    this.#decided += 1;
    if (truth === true) this.#met += 1;
    return truth;
  }

  #truth(row: CandidateRow, onMissing: (use: OperatorUse, tuple: Tuple) => void) {
    return truthOf(this.#condition, (leaf) => row[this.leaves.indexOf(leaf)], onMissing);
  }
}
