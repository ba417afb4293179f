/** One process that runs queries of SQL cells, as the engine sees it. */
import { type ChildProcess, fork } from 'node:child_process';
import { closedError, RvbbitError } from '../../errors.ts';
import {
  type DatabaseProfile,
  type Definition,
  definitionId,
  type FromProcess,
  type ProcessOutcome,
  type ProcessQuery,
  type ToProcess,
} from './messages.ts';
import { SQL_CANCEL_MS, SQL_PROCESS_QUERIES } from './process-limits.ts';

/** What came of a query that a process was given. */
export type Asked =
  | { readonly kind: 'done'; readonly outcome: ProcessOutcome }
  /** The process ended first, with the query under way or before it had begun. */
  | { readonly kind: 'lost'; readonly reason: string; readonly hadBegun: boolean };

interface Waiting {
  readonly settle: (asked: Asked) => void;
  hasBegun: boolean;
}

/** Variables that DuckDB and Node may need; the rest, keys above all, is none of a query's business. */
const VARIABLES = [
  'HOME',
  'LANG',
  'LC_ALL',
  'PATH',
  'LD_LIBRARY_PATH',
  'SystemRoot',
  'TEMP',
  'TMP',
  'TMPDIR',
  'TZ',
  'USERPROFILE',
];

export class SqlProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  /** The statements that it has open, and the ids of what it was told for each. */
  readonly #opened = new Map<number, Set<string>>();
  readonly #ended: Promise<void>;
  /** What ended it. */
  #lost: string | undefined;
  #killedFor: string | undefined;
  #hello: (() => void) | undefined;
  #failed: ((reason: string) => void) | undefined;
  #nextId = 1;

  /**
   * Starts a process and waits for its first word. Throws RVB_WORKER_BOOT where it says none in time, or
   * that it cannot; gives back why it died before.
   */
  static async start(
    entry: URL,
    folder: string,
    bootMs: number,
  ): Promise<SqlProcess | { readonly reason: string }> {
    const started = new SqlProcess(
      fork(entry, [folder], {
        execArgv: [],
        // Structured clones: JSON's text has no -0.
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
        env: {
          ...Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]])),
          // Each query holds a thread of the pool, and so does whatever defines things for them.
          UV_THREADPOOL_SIZE: String(SQL_PROCESS_QUERIES + 2),
        },
      }),
    );
    const died = await started.#greeted(bootMs);
    return died === undefined ? started : { reason: died };
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message: FromProcess) => this.#receive(message));
    // What goes wrong with its channel ends it; that is then what counts.
    child.on('error', () => this.kill('its channel broke'));
    child.on('disconnect', () => child.kill('SIGKILL'));
    this.#ended = new Promise((resolve) => {
      const end = (reason: string): void => {
        this.#lose(reason);
        resolve();
      };
      child.once('exit', (code, signal) => {
        const how = signal ?? `exit code ${code}`;
        // Its last words may still be in the channel.
        if (child.connected) child.once('disconnect', () => end(how));
        else end(how);
      });
      child.once('error', (error) => {
        // It could not be started; there is no exit to wait for.
        if (child.pid === undefined) end(error.message);
      });
    });
  }

  get isUp(): boolean {
    return this.#lost === undefined && this.#killedFor === undefined;
  }

  get endedByUs(): boolean {
    return this.#killedFor !== undefined;
  }

  /** What ended it. */
  get reason(): string {
    return this.#killedFor ?? this.#lost ?? 'nothing yet';
  }

  /** Runs a query. An abort interrupts it, and ends the whole process where that does not help in time. */
  ask(query: ProcessQuery, profile: DatabaseProfile, signal: AbortSignal): Promise<Asked> {
    if (this.#lost !== undefined) {
      return Promise.resolve({ kind: 'lost', reason: this.reason, hadBegun: false });
    }
    const id = this.#nextId++;
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const cancel = (): void => {
        this.#post({ kind: 'cancel', id });
        timer = setTimeout(() => this.kill('a query could not be interrupted'), SQL_CANCEL_MS);
      };
      const settle = (asked: Asked): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', cancel);
        this.#waiting.delete(id);
        this.#keepAlive(this.#waiting.size > 0);
        resolve(asked);
      };
      this.#waiting.set(id, { settle, hasBegun: false });
      this.#keepAlive(true);
      const needs = this.#tellNeeds(query, profile);
      this.#post({ kind: 'query', id, query: { ...query, needs } });
      if (signal.aborted) cancel();
      else signal.addEventListener('abort', cancel, { once: true });
    });
  }

  /** Makes room in what the process holds for a statement. */
  drop(statementId: number, sql: string): void {
    if (this.#opened.has(statementId)) this.#post({ kind: 'drop', statementId, sql });
  }

  closeStatement(statementId: number): void {
    if (this.#opened.delete(statementId)) this.#post({ kind: 'close', statementId });
  }

  /** Ends it at once. What it was doing is lost, and not its own fault. */
  kill(reason: string): void {
    this.#killedFor ??= reason;
    this.#child.kill('SIGKILL');
  }

  async close(): Promise<void> {
    this.kill(closedError().message);
    this.#keepAlive(true);
    await this.#ended;
  }

  /** Opens the statement and tells what it needs, as far as that has not been done; gives the ids. */
  #tellNeeds({ statementId, needs }: ProcessQuery, profile: DatabaseProfile): string[] {
    let told = this.#opened.get(statementId);
    if (told === undefined) {
      told = new Set();
      this.#opened.set(statementId, told);
      this.#post({ kind: 'open', statementId, profile });
    }
    const definitions: Record<string, Definition> = {};
    const ids = needs.map((need) => {
      const id = definitionId(need);
      if (told.has(id)) return id;
      told.add(id);
      definitions[id] = need;
      return id;
    });
    if (Object.keys(definitions).length > 0) {
      this.#post({ kind: 'define', statementId, definitions });
    }
    return ids;
  }

  #greeted(bootMs: number): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string): void => {
        clearTimeout(timer);
        this.kill(reason);
        const message = `the process of the SQL cells does not start: ${reason}`;
        reject(new RvbbitError('RVB_WORKER_BOOT', message, { stage: 'execute' }));
      };
      const timer = setTimeout(() => fail(`no word from it within ${bootMs} ms`), bootMs);
      this.#failed = fail;
      this.#hello = () => {
        clearTimeout(timer);
        this.#keepAlive(false);
        resolve(undefined);
      };
      void this.#ended.then(() => {
        clearTimeout(timer);
        resolve(this.reason);
      });
    });
  }

  #receive(message: FromProcess): void {
    switch (message.kind) {
      case 'hello':
        this.#hello?.();
        return;
      case 'failed':
        this.#failed?.(message.message);
        return;
      case 'begun': {
        const waiting = this.#waiting.get(message.id);
        if (waiting !== undefined) waiting.hasBegun = true;
        return;
      }
      case 'outcome':
        this.#waiting.get(message.id)?.settle({ kind: 'done', outcome: message.outcome });
    }
  }

  #lose(reason: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = reason;
    for (const { settle, hasBegun } of [...this.#waiting.values()]) {
      settle({ kind: 'lost', reason: this.reason, hadBegun: hasBegun });
    }
  }

  #post(message: ToProcess): void {
    // Where the channel is closed the process ends, and that settles what waits.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Only a query that runs keeps the engine's process alive. */
  #keepAlive(isNeeded: boolean): void {
    if (isNeeded) {
      this.#child.ref();
      this.#child.channel?.ref();
    } else {
      this.#child.unref();
      this.#child.channel?.unref();
    }
  }
}
