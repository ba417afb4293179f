/** The engine: opens a database and its worker threads, opens sessions, and closes everything again. */
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { availableParallelism } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import type { ParseResult } from '../grammar/ast.ts';
import { CallDesk } from './calls/call-desk.ts';
import { Gate } from './calls/gate/gate.ts';
import type { Cascade } from './cascade/cascade.ts';
import { checkRoots, rootsOf } from './cascade/resolve-path.ts';
import type { Parameters } from './duck/parameters.ts';
import { acquireDatabase, type DatabaseLease } from './duck/registry.ts';
import { Session } from './duck/session.ts';
import { EngineSession, type SharedParts } from './engine-session.ts';
import { cancelledError, closedError, RvbbitError } from './errors.ts';
import { LocalDispatcher } from './execute/local-dispatcher.ts';
import { hasJobs } from './jobs/job-folder.ts';
import type { JobRunner } from './jobs/job-runner.ts';
import type { JournalOptions } from './journal/disk/disk-journal.ts';
import { recordEmitter } from './journal/emit-records.ts';
import { Experience } from './journal/experience/experience.ts';
import { Journal } from './journal/journal.ts';
import { JOB_START_MS, MAX_DEFAULT_THREADS } from './limits.ts';
import { type ConfigReader, configReader } from './model/config-file.ts';
import { Models } from './model/models.ts';
import { socketShare } from './model/socket-share.ts';
import {
  checkSessionOptions,
  type EngineOptions,
  type QueryOptions,
  type ResolvedOptions,
  type RunCascadeOptions,
  resolveOptions,
  type SessionOptions,
} from './options.ts';
import type { ExplainReport, QueryResult, Row, RowStream } from './result.ts';
import type { RunOutcome } from './run/contract.ts';
import type { JsonObject } from './util/json.ts';
import { Semaphore } from './util/semaphore.ts';

/** The default time that `session` waits while the largest number of sessions is open. */
const SESSION_WAIT_MS = 10_000;

/**
 * A database with worker threads, and one session for the calls of the engine itself. Safe to share: statements of
 * concurrent callers take turns on that session's connection, and their cascades run side by side on the pool.
 */
export class Engine {
  /** Emits every journal record as 'record', and under the record's own `t`. Warns, once, if a listener throws. */
  readonly events = new EventEmitter();
  readonly #options: ResolvedOptions;
  readonly #lease: DatabaseLease;
  readonly #shared: SharedParts;
  readonly #dispatcher: LocalDispatcher;
  readonly #gate: Gate;
  readonly #journal: Journal;
  readonly #own: EngineSession;
  readonly #sessions = new Set<EngineSession>();
  readonly #places: Semaphore;
  /** The warnings of cascades that were already logged. */
  readonly #warned = new Set<string>();
  readonly #readConfig: ConfigReader;
  #jobs: Promise<JobRunner> | undefined;
  #jobsTimer: NodeJS.Timeout | undefined;
  #roots: Promise<readonly string[]> | undefined;
  #parse: ((sql: string) => ParseResult) | undefined;
  // Errors are ignored here, because every caller of `close` gets them.
  readonly #onAbort = () => void this.close().catch(() => {});
  readonly #ending = new AbortController();
  #closing: Promise<void> | undefined;

  /** Opens the database. Worker threads start with the first statement that needs them. */
  static async open(options: EngineOptions = {}): Promise<Engine> {
    const loadParser = async () => import('../grammar/parse.ts');
    const engine = await Engine.#open(options, { ahead: loadParser });
    engine.#parse = (await loadParser()).parse;
    return engine;
  }

  /**
   * Does the same as `open`, but without `parse`. Loading the parser takes a tenth of a process's start, and statements
   * that hold dialect load it themselves. `startsThreads`: a worker thread starts and what runs cascades is loaded, while
   * DuckDB opens the database.
   *
   * @internal
   */
  static async openLean(options: EngineOptions, startsThreads = false): Promise<Engine> {
    const ahead = async () => {
      if (startsThreads) await import('./statement/cascade.ts');
    };
    return Engine.#open(options, { startsThreads, ahead });
  }

  /** `ahead` loads what the first statement needs. If that fails, the statement says so. */
  static async #open(
    options: EngineOptions,
    { startsThreads = false, ahead }: { startsThreads?: boolean; ahead(): Promise<unknown> },
  ): Promise<Engine> {
    const threads = Math.min(MAX_DEFAULT_THREADS, availableParallelism());
    const resolved = await resolveOptions(options, threads);
    if (resolved.signal?.aborted === true) throw cancelledError();
    await checkRoots(resolved.cascades ?? []);
    const dispatcher = new LocalDispatcher(resolved);
    if (startsThreads) dispatcher.start();
    let lease: DatabaseLease | undefined;
    try {
      const opening = acquireDatabase(resolved.database, resolved);
      await Promise.all([opening, ahead().catch(() => {})]);
      lease = await opening;
      return new Engine(resolved, lease, await Session.open(lease), dispatcher);
    } catch (thrown) {
      await dispatcher.close();
      await lease?.release();
      throw thrown;
    }
  }

  private constructor(
    options: ResolvedOptions,
    lease: DatabaseLease,
    session: Session,
    dispatcher: LocalDispatcher,
  ) {
    this.#options = options;
    const { stateDir } = options;
    this.#lease = lease;
    this.#places = new Semaphore(options.sessions);
    this.#dispatcher = dispatcher;
    const readConfig = configReader(options.configFile);
    this.#readConfig = readConfig;
    const models = new Models(options, readConfig);
    this.#gate = new Gate({
      limitsOf: (provider) => models.limitsOf(provider),
      contextOf: (provider, model) => models.contextOf(provider, model),
      callsOfThread: () => socketShare.each,
    });
    this.#journal = new Journal({
      ...(options.stateDir === undefined ? {} : { stateDir: options.stateDir }),
      options: () => journalOptions(options, readConfig),
      warn: (message) => options.logger.warn(message),
    });
    const experience = new Experience();
    this.#journal.subscribe((record) => experience.observe(record));
    this.#journal.subscribe(recordEmitter(this.events, options.logger));
    this.#shared = {
      options,
      models,
      experience,
      openedUs: this.#journal.nowUs(),
      dispatcher: this.#dispatcher,
      desk: new CallDesk(this.#gate, this.#journal),
      journal: this.#journal,
      random: Math.random,
      loadCascade: (path) => this.loadCascade(path),
      cascadeRoots: () => this.#cascadeRoots(),
      ...(stateDir === undefined ? {} : { jobs: () => this.#runner(stateDir) }),
    };
    if (stateDir !== undefined && hasJobs(stateDir)) {
      const takeUp = async () => (await this.#runner(stateDir)).wake(0);
      this.#jobsTimer = setTimeout(takeUp, JOB_START_MS).unref();
    }
    this.#own = new EngineSession(this.#shared, session);
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Parses a script without running it. Problems are diagnostics, and are not thrown. */
  parse(sql: string): ParseResult {
    if (this.#parse === undefined) {
      throw new RvbbitError('RVB_INTERNAL', 'this engine was opened without its parser', {
        stage: 'parse',
      });
    }
    return this.#parse(sql);
  }

  /**
   * Opens a session with its own connection, for example one for each request of a service. If as many sessions are
   * open as the option `sessions` allows, waits in turn until a session is closed. Throws RVB_LIMIT after `timeoutMs`.
   */
  async session(options: SessionOptions = {}): Promise<EngineSession> {
    checkSessionOptions('session', options);
    const leave = await this.#place(options);
    try {
      const { readOnly: isReadOnly = false, keepsPrepared = false, heldBytes, purse } = options;
      const connected = await Session.open(this.#lease, { isReadOnly, keepsPrepared, heldBytes });
      const onClose = () => {
        this.#sessions.delete(session);
        leave();
      };
      const session = new EngineSession(this.#shared, connected, { onClose, purse });
      this.#sessions.add(session);
      if (this.#closing === undefined) return session;
      await session.close();
      throw closedError();
    } catch (thrown) {
      leave();
      throw thrown;
    }
  }

  /** `query` of the engine's own session. */
  query<T extends object = Row>(
    sql: string,
    parameters?: Parameters,
    options: QueryOptions = {},
  ): Promise<QueryResult<T>> {
    return this.#own.query<T>(sql, parameters, options);
  }

  /** `script` of the engine's own session. */
  script(
    sql: string,
    parameters?: Parameters,
    options: QueryOptions = {},
  ): AsyncGenerator<QueryResult, void> {
    return this.#own.script(sql, parameters, options);
  }

  /** `stream` of the engine's own session. */
  stream<T extends object = Row>(
    sql: string,
    parameters?: Parameters,
    options: QueryOptions = {},
  ): RowStream<T> {
    return this.#own.stream<T>(sql, parameters, options);
  }

  /** `explain` of the engine's own session. */
  explain(
    sql: string,
    parameters?: Parameters,
    options: QueryOptions = {},
  ): Promise<ExplainReport> {
    return this.#own.explain(sql, parameters, options);
  }

  /** `runCascade` of the engine's own session. */
  runCascade(
    path: string,
    input: JsonObject,
    options: RunCascadeOptions = {},
  ): Promise<{ outcome: RunOutcome; durationMs: number }> {
    return this.#own.runCascade(path, input, options);
  }

  /** Loads and checks a cascade under the engine's root. Logs each of its warnings once. */
  async loadCascade(path: string): Promise<Cascade> {
    const { loadCascade } = await import('./cascade/load-cascade.ts');
    const cascade = await loadCascade(await this.#cascadeRoots(), path);
    for (const warning of cascade.warnings) {
      if (!this.#warned.has(warning)) this.#options.logger.warn(warning);
      this.#warned.add(warning);
    }
    return cascade;
  }

  #cascadeRoots(): Promise<readonly string[]> {
    this.#roots ??= cascadeRoots(this.#options, this.#readConfig);
    return this.#roots;
  }

  /** Returns what runs the jobs of this database. */
  #runner(stateDir: string): Promise<JobRunner> {
    this.#jobs ??= this.#newRunner(stateDir);
    return this.#jobs;
  }

  async #newRunner(stateDir: string): Promise<JobRunner> {
    const { path } = this.#lease;
    const { JobRunner } = await import('./jobs/job-runner.ts');
    return new JobRunner({
      stateDir,
      database: path ?? `:memory:${randomUUID()}`,
      isInMemory: path === undefined,
      settings: async () => ({ ...(await this.#readConfig())?.jobs, ...this.#options.jobs }),
      run: async (execution) => {
        const { isReadOnly } = execution.job;
        const connected = await Session.open(this.#lease, { isReadOnly });
        const session = new EngineSession(this.#shared, connected, { onClose: () => {} });
        try {
          return await session.runJob(execution);
        } finally {
          await session.close();
        }
      },
      warn: (message) => this.#options.logger.warn(message),
    });
  }

  /** Cancels the running statements, waits for their end, and releases threads, connections and database. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#ending.abort();
    clearTimeout(this.#jobsTimer);
    await (await this.#jobs)?.close();
    await Promise.all([this.#own, ...this.#sessions].map((session) => session.close()));
    await this.#dispatcher.close();
    this.#gate.close();
    await this.#lease.release();
    await this.#journal.close();
  }

  /** Waits for a place among the sessions. Returns the function that gives the place up. */
  async #place({ signal, timeoutMs = SESSION_WAIT_MS }: SessionOptions): Promise<() => void> {
    if (this.#closing !== undefined) throw closedError();
    const free = this.#places.tryAcquire();
    if (free !== undefined) return free;
    const wait = new AbortController();
    let isLate = false;
    // AbortSignal.timeout would not keep the process alive during the wait.
    const timer = setTimeout(() => {
      isLate = true;
      wait.abort();
    }, timeoutMs);
    const ends = [this.#ending.signal, ...(signal === undefined ? [] : [signal])];
    const onEnd = () => wait.abort();
    for (const end of ends) end.addEventListener('abort', onEnd, { once: true });
    if (signal?.aborted === true) wait.abort();
    try {
      return await this.#places.acquire(wait.signal);
    } catch (thrown) {
      if (this.#ending.signal.aborted) throw closedError();
      if (!isLate) throw thrown;
      throw new RvbbitError(
        'RVB_LIMIT',
        `${this.#options.sessions} sessions are open, as many as the option sessions allows, and none was closed within ${timeoutMs} ms; close each session when its work is done, or allow more`,
        { stage: 'open' },
      );
    } finally {
      clearTimeout(timer);
      for (const end of ends) end.removeEventListener('abort', onEnd);
    }
  }
}

/** Returns the journal's options. Those of the engine override those of the configuration file. */
async function journalOptions(
  { journal }: ResolvedOptions,
  readConfig: ConfigReader,
): Promise<JournalOptions> {
  const config = await readConfig();
  return { ...config?.journal, ...journal };
}

/** Returns the cascade roots: those of the engine, else of the configuration file, else the working folder. */
async function cascadeRoots(
  { cascades, configFile = '' }: ResolvedOptions,
  readConfig: ConfigReader,
): Promise<readonly string[]> {
  if (cascades !== undefined) return cascades;
  const written = (await readConfig())?.cascades ?? undefined;
  if (written === undefined) return ['.'];
  const roots = rootsOf(written).map((root) =>
    isAbsolute(root) ? root : join(dirname(configFile), root),
  );
  await checkRoots(roots);
  return roots;
}
