/**
 * Keeps answers of earlier statements as tables of DuckDB, one for each operator and criterion: a statement that finds
 * all of its answers there is a single join, and no answer crosses into JavaScript.
 */
import { LRUCache } from 'lru-cache';
import type { CallDesk } from '../../calls/call-desk.ts';
import { quoteIdentifier } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import { nextStageName } from '../../duck/stage.ts';
import type { Answer } from '../ask/answer-book.ts';
import type { KnownAnswer } from '../ask/recall.ts';
import type { ColumnType } from './native-types.ts';

/** The most rows of all tables together. */
const KEPT_MAX_ROWS = 4_000_000;
/** The in-memory database that holds the tables: in the caller's own database they would be in the way. */
const CATALOG = 'rvbbit_kept';

/**
 * A table with the columns `rvb_key`, `rvb_found` and `rvb_cost`. The answer is `rvb_found.v`, so that a NULL answer
 * differs from a missing one.
 */
export interface KeptTable {
  /** The table's name as SQL. */
  readonly name: string;
  readonly rowCount: number;
  /** The cell and model that gave the answers. */
  readonly asked: KnownAnswer['asked'];
  /**
   * The count `AnswerStore.changes` when the table was made: a higher count means that some of its answers may have
   * changed.
   */
  readonly changes: number;
}

/** The rows of a table that is to be made. */
export interface KeptRows {
  readonly keyType: ColumnType;
  readonly keys: readonly unknown[];
  readonly answerType: ColumnType;
  readonly answers: readonly Answer[];
  /** Micro-USD; null where the price was not known. */
  readonly costs: readonly (number | null)[];
  readonly asked: KnownAnswer['asked'];
}

const ofDesks = new WeakMap<CallDesk, KeptAnswers>();

/** The kept tables of an engine. */
export function keptAnswersOf(desk: CallDesk): KeptAnswers {
  let kept = ofDesks.get(desk);
  if (kept === undefined) {
    kept = new KeptAnswers(desk);
    ofDesks.set(desk, kept);
  }
  return kept;
}

export class KeptAnswers {
  readonly #desk: CallDesk;
  /** Names of tables that no statement finds any more, to be dropped. */
  #dropped: string[] = [];
  readonly #tables = new LRUCache<string, KeptTable>({
    maxSize: KEPT_MAX_ROWS,
    sizeCalculation: ({ rowCount }) => rowCount + 1,
    dispose: ({ name }) => this.#dropped.push(name),
  });

  constructor(desk: CallDesk) {
    this.#desk = desk;
  }

  /** The table with this identity, if none of its answers may have changed. */
  find(identity: string): KeptTable | undefined {
    const table = this.#tables.get(identity);
    if (table === undefined || table.changes === this.#desk.journal.answers.changes) return table;
    this.forget(identity);
    return undefined;
  }

  forget(identity: string): void {
    this.#tables.delete(identity);
  }

  /** Makes the table; where DuckDB refuses it, nothing is kept. `changes` was read before the answers were. */
  async keep(identity: string, session: Session, rows: KeptRows, changes: number): Promise<void> {
    const table = nextStageName();
    const name = `${CATALOG}.main.${quoteIdentifier(table)}`;
    // On a connection of its own: the caller's transaction may write to one database only.
    await session
      .beside(async (beside) => {
        await fill(beside, table, rows);
        this.#tables.set(identity, {
          name,
          rowCount: rows.keys.length,
          asked: rows.asked,
          changes,
        });
        for (const gone of this.#dropped.splice(0))
          await beside.run(`DROP TABLE IF EXISTS ${gone}`);
      })
      .catch(() => undefined);
  }
}

/** Makes a table with the rows by way of a second table: structs cannot be appended. */
async function fill(session: Session, table: string, rows: KeptRows): Promise<void> {
  const { keyType, answerType, keys, answers, costs } = rows;
  const name = `${CATALOG}.main.${quoteIdentifier(table)}`;
  const columns = `${CATALOG}.main.${quoteIdentifier(`${table}_columns`)}`;
  await session.run(
    `ATTACH IF NOT EXISTS ':memory:' AS ${CATALOG};
CREATE TABLE ${columns} (rvb_key ${keyType}, v ${answerType}, rvb_cost DOUBLE)`,
  );
  try {
    await session.append(
      { catalog: CATALOG, name: `${table}_columns` },
      [
        { type: keyType, values: keys },
        { type: answerType, values: answers },
        { type: 'DOUBLE', values: costs },
      ],
      keys.length,
    );
    await session.run(
      `CREATE TABLE ${name} AS SELECT rvb_key, {v: v} AS rvb_found, rvb_cost FROM ${columns}`,
    );
  } finally {
    await session.run(`DROP TABLE ${columns}`).catch(() => undefined);
  }
}
