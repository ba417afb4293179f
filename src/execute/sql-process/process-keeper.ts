/** Keeps a process up for the queries of SQL cells: starts it, gives its queries to another when it dies. */
import { closedError, RvbbitError } from '../../errors.ts';
import { POISON_DEATHS } from '../../limits.ts';
import type { DatabaseProfile, ProcessOutcome, ProcessQuery } from './messages.ts';
import {
  SQL_PROCESS_BOOT_MS,
  SQL_PROCESS_DEATHS,
  SQL_PROCESS_DEATHS_MS,
  SQL_PROCESS_QUERIES,
} from './process-limits.ts';
import { SqlProcess } from './sql-process.ts';
import { Turns } from './turns.ts';

export interface ProcessKeeperOptions {
  /** The process's module; tests give one that does not start. */
  readonly entry?: URL;
  /** Deaths within a minute that are made good. */
  readonly maxDeaths?: number;
  /** From a start to the first word. */
  readonly bootMs?: number;
}

/** A query and what it is run with. */
export interface KeptQuery {
  readonly query: ProcessQuery;
  readonly profile: DatabaseProfile;
  readonly signal: AbortSignal;
  /** Called where a process died under the query. */
  readonly lost: (sqlProcess: object, reason: string) => void;
}

export class ProcessKeeper {
  readonly #entry: URL;
  readonly #maxDeaths: number;
  readonly #bootMs: number;
  readonly #turns = new Turns(SQL_PROCESS_QUERIES);
  #current: Promise<SqlProcess> | undefined;
  #up: SqlProcess | undefined;
  /** When processes died, of late. */
  #deathsMs: number[] = [];
  #closed = false;

  constructor({
    entry,
    maxDeaths = SQL_PROCESS_DEATHS,
    bootMs = SQL_PROCESS_BOOT_MS,
  }: ProcessKeeperOptions = {}) {
    this.#entry = entry ?? new URL('./child.js', import.meta.url);
    this.#maxDeaths = maxDeaths;
    this.#bootMs = bootMs;
  }

  /**
   * Runs a query. One that was under way when its process died is run once more, with nothing beside
   * it: the process that dies then dies of it. Throws RVB_WORKER_BOOT and RVB_WORKER_LOST where there
   * is no process to be had, and RVB_CANCELLED.
   */
  async run({ query, profile, signal, lost }: KeptQuery): Promise<ProcessOutcome> {
    for (let deaths = 0; ; ) {
      const endTurn = await this.#turns.take(deaths > 0, signal);
      try {
        const sqlProcess = await this.#process(profile.folder);
        const asked = await sqlProcess.ask(query, profile, signal);
        if (asked.kind === 'done') return asked.outcome;
        if (sqlProcess.endedByUs) continue;
        lost(sqlProcess, asked.reason);
        if (!asked.hadBegun) continue;
        deaths += 1;
        if (deaths >= POISON_DEATHS) return poisonOutcome(asked.reason, deaths);
      } finally {
        endTurn();
      }
    }
  }

  drop(statementId: number, sql: string): void {
    this.#up?.drop(statementId, sql);
  }

  closeStatement(statementId: number): void {
    this.#up?.closeStatement(statementId);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const last = await this.#current?.catch(() => undefined);
    await last?.close();
  }

  #process(folder: string): Promise<SqlProcess> {
    if (this.#closed) {
      throw closedError();
    }
    if (this.#up?.isUp === false) {
      if (!this.#up.endedByUs) this.#countDeath(this.#up.reason);
      this.#up = undefined;
      this.#current = undefined;
    }
    this.#current ??= this.#start(folder).catch((thrown: unknown) => {
      // The next query, or the next statement, tries again.
      this.#current = undefined;
      throw thrown;
    });
    return this.#current;
  }

  /** One that ends before its first word has perhaps been ended from outside. */
  async #start(folder: string): Promise<SqlProcess> {
    for (;;) {
      const started = await SqlProcess.start(this.#entry, folder, this.#bootMs);
      if (started instanceof SqlProcess) {
        this.#up = started;
        return started;
      }
      this.#countDeath(`${started.reason}, before its first word`);
    }
  }

  #countDeath(reason: string): void {
    const nowMs = performance.now();
    this.#deathsMs = this.#deathsMs.filter((diedMs) => nowMs - diedMs < SQL_PROCESS_DEATHS_MS);
    if (this.#deathsMs.length >= this.#maxDeaths) {
      throw new RvbbitError(
        'RVB_WORKER_LOST',
        `the process of the SQL cells has died ${this.#deathsMs.length + 1} times within ${SQL_PROCESS_DEATHS_MS / 1_000} s, last of ${reason}: look for a query or file that DuckDB does not survive`,
        { stage: 'execute' },
      );
    }
    this.#deathsMs.push(nowMs);
  }
}

function poisonOutcome(reason: string, deaths: number): ProcessOutcome {
  const times = deaths === 2 ? 'twice' : `${deaths} times`;
  const message = `DuckDB was ended by ${reason} while it ran this cell's query, ${times}: leave out what it does not survive`;
  return { ok: false, error: { code: 'RVB_SQL', message } };
}
