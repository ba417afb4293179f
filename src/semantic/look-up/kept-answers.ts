/**
 * Keeps answers as tables of DuckDB, one for each operator and criterion. Statements add the answers that they buy, so
 * that no answer which is known crosses into JavaScript.
 */
import { LRUCache } from 'lru-cache';
import type { CallDesk } from '../../calls/call-desk.ts';
import { quoteIdentifier } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import { nextStageName } from '../../duck/stage.ts';
import { Semaphore } from '../../util/semaphore.ts';
import type { Answer } from '../ask/answer-book.ts';
import type { KnownAnswer } from '../ask/recall.ts';
import type { ColumnType } from './native-types.ts';

/** The most bytes of all tables of an engine together, as estimated. The least recently used table is dropped first. */
const KEPT_MAX_BYTES = 256 * 1024 * 1024;
/** The estimated size of a row besides the characters of its texts. */
const ROW_BYTES = 32;
/** The smallest number of answers that a table is made for: to look up fewer one by one takes no longer. */
const KEPT_MIN_ANSWERS = 100;
/** The in-memory database that holds the tables: in the caller's own database they would be in the way. */
const CATALOG = 'rvbbit_kept';

/** A table with the columns `rvb_key`, `v` and `rvb_cost`: no key is there twice, and `v` is the operator's answer. */
export interface KeptTable {
  /** The table's name as SQL. */
  readonly name: string;
  /** The cell and model that gave the answers. */
  readonly asked: KnownAnswer['asked'];
  /**
   * The count `AnswerStore.changes` when the answers were read: a higher count means that some of them may have
   * changed.
   */
  readonly changes: number;
  readonly bytes: number;
}

/** Answers to be kept, column by column. `changes` was read before the answers were. */
export interface KeptRows extends Pick<KeptTable, 'asked' | 'changes'> {
  readonly keyType: ColumnType;
  readonly keys: readonly unknown[];
  readonly answerType: ColumnType;
  readonly answers: readonly Answer[];
  /** Micro-USD; null where the price was not known. */
  readonly costs: readonly (number | null)[];
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
  /** Additions take turns, so that no key comes into a table twice. */
  readonly #turns = new Semaphore(1);
  /** Names of tables that no statement finds any more, to be dropped. */
  #dropped: string[] = [];
  readonly #tables = new LRUCache<string, KeptTable>({
    maxSize: KEPT_MAX_BYTES,
    sizeCalculation: ({ bytes }) => bytes,
    dispose: ({ name }, _identity, reason) => {
      if (reason !== 'set') this.#dropped.push(name);
    },
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

  /** Adds answers to the table, which may not exist yet. Where DuckDB refuses them, they are not kept. */
  async add(identity: string, session: Session, rows: KeptRows): Promise<void> {
    const endTurn = await this.#turns.acquire();
    try {
      const table = this.find(identity);
      const isCurrent = rows.changes === this.#desk.journal.answers.changes;
      if (!isCurrent || (table === undefined && rows.keys.length < KEPT_MIN_ANSWERS)) return;
      const bytes = (table?.bytes ?? 0) + bytesOf(rows);
      if (bytes > KEPT_MAX_BYTES) return;
      const short = nextStageName();
      const name = table?.name ?? `${CATALOG}.main.${quoteIdentifier(short)}`;
      // On a connection of its own: the caller's transaction may write to one database only.
      await session.beside(async (beside) => {
        if (table === undefined) await create(beside, name, rows);
        await insert(beside, name, short, rows);
        const { asked, changes } = table ?? rows;
        this.#tables.set(identity, { name, asked, changes, bytes });
        for (const gone of this.#dropped.splice(0)) {
          await beside.run(`DROP TABLE IF EXISTS ${gone}`, { own: true });
        }
      });
    } catch {
      // Later statements find the answers elsewhere.
    } finally {
      endTurn();
    }
  }
}

function bytesOf({ keys, answers }: KeptRows): number {
  let bytes = 0;
  for (const [index, key] of keys.entries()) {
    bytes += ROW_BYTES + lengthOf(key) + lengthOf(answers[index]);
  }
  return bytes;
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : 0;
}

async function create(
  session: Session,
  name: string,
  { keyType, answerType }: KeptRows,
): Promise<void> {
  await session.run(
    `ATTACH IF NOT EXISTS ':memory:' AS ${CATALOG};
CREATE TABLE ${name} (rvb_key ${keyType}, v ${answerType}, rvb_cost DOUBLE)`,
    { own: true },
  );
}

/** Adds the rows whose keys are new, by way of a second table, `${short}_new`. */
async function insert(
  session: Session,
  name: string,
  short: string,
  { keyType, answerType, keys, answers, costs }: KeptRows,
): Promise<void> {
  const added = `${short}_new`;
  const stage = `temp.main.${quoteIdentifier(added)}`;
  await session.run(
    `CREATE TEMP TABLE ${quoteIdentifier(added)} (rvb_key ${keyType}, v ${answerType}, rvb_cost DOUBLE)`,
    { own: true },
  );
  try {
    await session.append(
      { catalog: 'temp', name: added },
      [
        { type: keyType, values: keys },
        { type: answerType, values: answers },
        { type: 'DOUBLE', values: costs },
      ],
      keys.length,
      { own: true },
    );
    await session.run(`INSERT INTO ${name} FROM ${stage} ANTI JOIN ${name} USING (rvb_key)`, {
      own: true,
    });
  } finally {
    await session.run(`DROP TABLE ${stage}`, { own: true }).catch(() => undefined);
  }
}
