/** The engine: opens a database and its worker threads, takes statements, closes everything again. */
import { EventEmitter } from 'node:events';
import { availableParallelism } from 'node:os';
import type { ParseResult, StatementNode } from '../grammar/ast.ts';
import { CallDesk } from './calls/call-desk.ts';
import { Gate } from './calls/gate/gate.ts';
import type { Cascade } from './cascade/cascade.ts';
import { checkRoot } from './cascade/resolve-path.ts';
import { summaryNotices } from './deliver/delivered.ts';
import { rowStream, type StreamListener } from './deliver/stream-rows.ts';
import { acquireDatabase, type DatabaseLease } from './duck/registry.ts';
import { type Parameters, Session } from './duck/session.ts';
import { cancelledError, RvbbitError } from './errors.ts';
import { LocalDispatcher } from './execute/local-dispatcher.ts';
import type { Statement, StatementCall } from './execute/statement.ts';
import type { JournalOptions } from './journal/disk/disk-journal.ts';
import { recordEmitter } from './journal/emit-records.ts';
import { Experience } from './journal/experience/experience.ts';
import { Journal } from './journal/journal.ts';
import type { NamePrefix } from './journal/session-name.ts';
import { MAX_DEFAULT_THREADS, RUN_TIMEOUT_MS } from './limits.ts';
import { type ConfigReader, configReader } from './model/config-file.ts';
import { Models } from './model/models.ts';
import {
  checkQueryOptions,
  checkRunOptions,
  type EngineOptions,
  type QueryOptions,
  type ResolvedOptions,
  type RunCascadeOptions,
  resolveOptions,
} from './options.ts';
import type { CallPlan } from './plan/plan.ts';
import type { ExplainReport, QueryResult, Row, RowStream } from './result.ts';
import type { RunOutcome } from './run/contract.ts';
import { kindOf, prefixOf } from './statement/names.ts';
import { OpenStatements } from './statement/open-statements.ts';
import { readScript, readStatement } from './statement/read.ts';
import { explainStatement, runStatement, streamStatement } from './statement/run.ts';
import type { JsonObject } from './util/json.ts';

/** How the calls of a single run are made. */
const CALLS: CallPlan = { budget: {}, cache: true, dedupe: true };

/**
 * One session on one database, with its worker threads. Safe to share: statements of concurrent
 * callers take turns on the connection, and their cascades run side by side on the pool.
 */
export class Engine {
  /** Emits every journal record as 'record', and under its own `t`. What a listener throws is warned of, once. */
  readonly events = new EventEmitter();
  readonly #options: ResolvedOptions;
  readonly #lease: DatabaseLease;
  readonly #session: Session;
  readonly #dispatcher: LocalDispatcher;
  readonly #statements: OpenStatements;
  readonly #models: Models;
  readonly #gate: Gate;
  readonly #journal: Journal;
  readonly #experience = new Experience();
  /** Warnings of cascades that the logger has had. */
  readonly #warned = new Set<string>();
  readonly #openedUs: number;
  #parse: ((sql: string) => ParseResult) | undefined;
  // Whoever closes the engine hears what went wrong at it.
  readonly #onAbort = () => void this.close().catch(() => {});
  #closing: Promise<void> | undefined;

  /** Opens the database; worker threads start with the first statement that needs them. */
  static async open(options: EngineOptions = {}): Promise<Engine> {
    const engine = await Engine.openLean(options);
    engine.#parse = (await import('../grammar/parse.ts')).parse;
    return engine;
  }

  /**
   * As `open`, but without `parse`: the parser takes a tenth of a process's start, and statements
   * load it themselves where they hold dialect.
   *
   * @internal
   */
  static async openLean(options: EngineOptions): Promise<Engine> {
    const threads = Math.min(MAX_DEFAULT_THREADS, availableParallelism());
    const resolved = await resolveOptions(options, threads);
    await checkRoot(resolved.cascades);
    const lease = await acquireDatabase(resolved.database);
    try {
      return new Engine(resolved, lease, await Session.open(lease));
    } catch (thrown) {
      await lease.release();
      throw thrown;
    }
  }

  private constructor(options: ResolvedOptions, lease: DatabaseLease, session: Session) {
    this.#options = options;
    this.#lease = lease;
    this.#session = session;
    this.#dispatcher = new LocalDispatcher(options);
    const readConfig = configReader(options.configFile);
    this.#models = new Models(options, readConfig);
    this.#gate = new Gate({ limitsOf: (provider) => this.#models.limitsOf(provider) });
    this.#journal = new Journal({
      ...(options.stateDir === undefined ? {} : { stateDir: options.stateDir }),
      options: () => journalOptions(options, readConfig),
      warn: (message) => options.logger.warn(message),
    });
    this.#openedUs = this.#journal.nowUs();
    this.#journal.subscribe((record) => this.#experience.observe(record));
    this.#journal.subscribe(recordEmitter(this.events, options.logger));
    this.#statements = new OpenStatements({
      session,
      dispatcher: this.#dispatcher,
      desk: new CallDesk(this.#gate, this.#journal),
      journal: this.#journal,
      random: Math.random,
    });
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Reads a script without running it. Never throws: problems are diagnostics. */
  parse(sql: string): ParseResult {
    if (this.#parse === undefined) {
      throw new RvbbitError('RVB_INTERNAL', 'this engine was opened without its parser', {
        stage: 'parse',
      });
    }
    return this.#parse(sql);
  }

  /** Runs one statement to its end. Throws `RvbbitError`, with the account of what was done as `summary`. */
  async query(
    sql: string,
    parameters?: Parameters,
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    checkQueryOptions('query', options);
    return this.#run(sql, await readStatement(sql), parameters, options);
  }

  /** Runs statements one after another and yields a result each; stops at the first that fails. */
  async *script(
    sql: string,
    parameters?: Parameters,
    options: QueryOptions = {},
  ): AsyncGenerator<QueryResult, void> {
    checkQueryOptions('script', options);
    for (const statement of await readScript(sql)) {
      yield await this.#run(sql, statement, parameters, options);
    }
  }

  /** Runs one statement and gives its rows in order, each as soon as it is known; an unread row holds the lanes back. */
  stream(sql: string, parameters?: Parameters, options: QueryOptions = {}): RowStream {
    return rowStream((listener) => this.#stream(sql, parameters, options, listener));
  }

  /**
   * What a MAP, RUN or semantic statement would do: it is read and counted, no model is asked. Only an
   * EXPLAIN ANALYZE runs it, and its report then holds what came.
   */
  async explain(
    sql: string,
    parameters?: Parameters,
    options: QueryOptions = {},
  ): Promise<ExplainReport> {
    checkQueryOptions('explain', options);
    const node = await readStatement(sql);
    const statement = this.#begin('sql', sql, parameters, options);
    return this.#statements
      .within(statement, () => explainStatement(node, statement))
      .then(({ report }) => report);
  }

  /** Loads and checks a cascade under the engine's root; each of its warnings goes to the logger once. */
  async loadCascade(path: string): Promise<Cascade> {
    const { loadCascade } = await import('./cascade/load-cascade.ts');
    const cascade = await loadCascade(this.#options.cascades, path);
    for (const warning of cascade.warnings) {
      if (!this.#warned.has(warning)) this.#options.logger.warn(warning);
      this.#warned.add(warning);
    }
    return cascade;
  }

  /** Runs a cascade once on `input`, on a worker thread; the outcome holds every cell's output. */
  async runCascade(
    path: string,
    input: JsonObject,
    options: RunCascadeOptions = {},
  ): Promise<{ outcome: RunOutcome; durationMs: number }> {
    checkRunOptions('runCascade', options);
    const { runSingle } = await import('./execute/run-single.ts');
    const cascade = await this.loadCascade(path);
    const { refuseMissingInputs } = await import('./cascade/check-inputs.ts');
    const inputs = Object.keys(input);
    refuseMissingInputs(cascade, inputs, `the input has ${inputs.join(', ') || 'nothing'}`);
    const boundModels = await this.#models.bind(cascade, { parameters: {} });
    const statement = this.#begin('udf', '', undefined, options);
    return this.#statements.within(statement, async () => {
      await this.#journal.open();
      const { origin, ledger } = statement;
      ledger.open({ sql: '', kind: 'run', origin, parallel: 1, cascade: cascade.file });
      const outcome = await runSingle(
        { ...statement, cascade, ...(boundModels === undefined ? {} : { boundModels }) },
        { input, kind: 'map', timeoutMs: RUN_TIMEOUT_MS, calls: CALLS, failFast: false },
      );
      await this.#journal.commit();
      return { outcome, durationMs: ledger.elapsedMs };
    });
  }

  /** Cancels what runs, waits for it, and gives threads, connection and database back. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    await this.#statements.close();
    await this.#dispatcher.close();
    this.#gate.close();
    await this.#session.close();
    await this.#lease.release();
    await this.#journal.close();
  }

  async #run(
    source: string,
    node: StatementNode,
    parameters: Parameters | undefined,
    options: QueryOptions,
  ): Promise<QueryResult> {
    const statement = this.#begin(prefixOf(node), source, parameters, options);
    const delivered = await this.#statements.within(statement, () => runStatement(node, statement));
    const summary = this.#statements.complete(statement);
    const notices = [...delivered.notices, ...summaryNotices(summary)];
    return { kind: kindOf(node), ...delivered, notices, summary };
  }

  async *#stream(
    sql: string,
    parameters: Parameters | undefined,
    options: QueryOptions,
    listener: StreamListener,
  ): AsyncGenerator<Row, void> {
    checkQueryOptions('stream', options);
    const node = await readStatement(sql);
    const statement = this.#begin(prefixOf(node), sql, parameters, options);
    try {
      yield* streamStatement(node, statement, (head) => listener.onHead(head));
      this.#statements.complete(statement);
    } catch (thrown) {
      throw this.#statements.fail(statement, thrown);
    } finally {
      // Reached with the statement still open only where the consumer left early.
      listener.onEnd(this.#statements.fail(statement, cancelledError()).summary!);
    }
  }

  #begin(
    prefix: NamePrefix,
    source: string,
    parameters: Parameters | undefined,
    options: QueryOptions,
  ): Statement {
    const call: StatementCall = {
      parameters,
      output: options.writes,
      source,
      origin: options.origin ?? 'api',
      valueForm: options.valueForm ?? 'js',
      cascadeRoot: this.#options.cascades,
      defaultParallel: this.#options.parallel,
      models: this.#models,
      experience: this.#experience,
      openedUs: this.#openedUs,
      ...(this.#options.stateDir === undefined ? {} : { stateDir: this.#options.stateDir }),
      ...(options.resumes === undefined ? {} : { resumes: options.resumes }),
      ...(options.resumeParallel === undefined ? {} : { resumeParallel: options.resumeParallel }),
    };
    return this.#statements.begin(prefix, call, options);
  }
}

/** Options count above the configuration file. */
async function journalOptions(
  { journal }: ResolvedOptions,
  readConfig: ConfigReader,
): Promise<JournalOptions> {
  const config = await readConfig();
  return { ...config?.journal, ...journal };
}
