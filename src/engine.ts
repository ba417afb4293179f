/** The engine: text → Statement → bound → Plan → runs → rows. Each step lives in the folder of its name. */
import { EventEmitter } from 'node:events';
import { availableParallelism } from 'node:os';
import type { ExplainStatement, ParseResult, SqlStatement, Statement } from '../grammar/ast.ts';
import type { RunOutcome } from '../workers/protocol.ts';
import { bindStatement } from './bind/bind-statement.ts';
import { type CascadeStatement, resolveTarget } from './bind/resolve-target.ts';
import type { Cascade } from './cascade/cascade.ts';
import { loadCascade } from './cascade/load-cascade.ts';
import { deliverExplain, explain } from './deliver/deliver-explain.ts';
import { deliverMap, streamMap } from './deliver/deliver-map.ts';
import { deliverRun } from './deliver/deliver-run.ts';
import { type Delivered, deliverReader, NOTHING } from './deliver/delivered.ts';
import { rowStream, type StreamHead } from './deliver/stream-rows.ts';
import { acquireDatabase, type DatabaseLease } from './duck/registry.ts';
import { type Parameters, Session } from './duck/session.ts';
import { RvbbitError } from './errors.ts';
import { LocalDispatcher } from './execute/local-dispatcher.ts';
import { runSingle } from './execute/run-single.ts';
import type { StatementEnv, StatementScope } from './execute/statement-env.ts';
import { type Grammar, loadGrammar, readScript } from './grammar.ts';
import { Journal } from './journal/journal.ts';
import type { NamePrefix } from './journal/session-name.ts';
import type { JsonObject } from './json.ts';
import { MAX_DEFAULT_THREADS, RUN_TIMEOUT_MS } from './limits.ts';
import {
  type EngineOptions,
  type QueryOptions,
  type ResolvedOptions,
  resolveOptions,
} from './options.ts';
import type { Plan } from './plan/plan.ts';
import { planStatement } from './plan/plan-statement.ts';
import type {
  ExplainReport,
  QueryResult,
  Row,
  RowStream,
  StatementKind,
  Summary,
} from './result.ts';
import { StatementScopes } from './scope.ts';

/** A statement's plan and what its execution works with; nothing where there is nothing to do. */
interface Planned {
  readonly plan: Plan;
  readonly env: StatementEnv;
}

/**
 * One session on one database with its worker threads. Safe to share: statements of concurrent
 * callers take turns on the connection, and their cascades run side by side on the pool.
 */
export class Engine {
  /** Emits every journal record as 'record', and under its own `t`. */
  readonly events = new EventEmitter();
  readonly #options: ResolvedOptions;
  readonly #lease: DatabaseLease;
  readonly #session: Session;
  readonly #grammar: Grammar;
  readonly #dispatcher: LocalDispatcher;
  readonly #scopes: StatementScopes;
  readonly #onAbort = () => void this.close();
  #closing: Promise<void> | undefined;

  /** Opens the database; worker threads start with the first statement that needs them. */
  static async open(options: EngineOptions = {}): Promise<Engine> {
    const threads = Math.min(MAX_DEFAULT_THREADS, Math.max(1, availableParallelism()));
    const resolved = resolveOptions(options, threads);
    const [lease, grammar] = await Promise.all([acquireDatabase(resolved.database), loadGrammar()]);
    try {
      return new Engine(resolved, lease, await Session.open(lease), grammar);
    } catch (thrown) {
      await lease.release();
      throw thrown;
    }
  }

  private constructor(
    options: ResolvedOptions,
    lease: DatabaseLease,
    session: Session,
    grammar: Grammar,
  ) {
    this.#options = options;
    this.#lease = lease;
    this.#session = session;
    this.#grammar = grammar;
    this.#dispatcher = new LocalDispatcher(options);
    const journal = new Journal();
    journal.subscribe((record) => {
      this.events.emit('record', record);
      this.events.emit(record.t, record);
    });
    this.#scopes = new StatementScopes({
      session,
      dispatcher: this.#dispatcher,
      journal,
      random: Math.random,
    });
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Reads a script without running it. Never throws: problems are diagnostics. */
  parse(sql: string): ParseResult {
    return this.#grammar.parse(sql);
  }

  /** Runs one statement to its end. Throws `RvbbitError`, with the account of what was done as `summary`. */
  query(sql: string, parameters?: Parameters, options: QueryOptions = {}): Promise<QueryResult> {
    return this.#run(this.#readOne(sql), parameters, options);
  }

  /** Runs statements one after another and yields a result each; stops at the first that fails. */
  async *script(
    sql: string,
    parameters?: Parameters,
    options: QueryOptions = {},
  ): AsyncGenerator<QueryResult> {
    for (const statement of readScript(this.#grammar, sql)) {
      yield await this.#run(statement, parameters, options);
    }
  }

  /** Runs one statement and gives its rows in order, each as soon as it is known; an unread row holds the lanes back. */
  stream(sql: string, parameters?: Parameters, options: QueryOptions = {}): RowStream {
    return rowStream((onHead) => this.#stream(sql, parameters, options, onHead));
  }

  /** What a MAP or RUN would do: its query is read and counted, no cascade runs. */
  async explain(
    sql: string,
    parameters?: Parameters,
    options: QueryOptions = {},
  ): Promise<ExplainReport> {
    const statement = this.#readOne(sql);
    const body = statement.kind === 'Explain' ? statement.body : statement;
    if (!isCascadeStatement(body)) {
      throw new RvbbitError('RVB_UNSUPPORTED', 'explain takes a RVBBIT MAP or RUN; ask DuckDB with EXPLAIN for the rest', { stage: 'plan' });
    }
    return this.#scoped('sql', parameters, options, async (scope) => {
      const planned = await this.#plan(body, scope, 'explain', sql, options);
      return explain(planned.plan, planned.env);
    });
  }

  /** Loads and checks a cascade under the engine's root. */
  loadCascade(path: string): Promise<Cascade> {
    return loadCascade(this.#options.cascades, path);
  }

  /** Runs a cascade once on `input`, on a worker thread; the outcome holds every cell's output. */
  async runCascade(
    path: string,
    input: JsonObject,
    options: Pick<QueryOptions, 'signal'> = {},
  ): Promise<{ outcome: RunOutcome; durationMs: number }> {
    const cascade = await this.loadCascade(path);
    return this.#scoped('udf', undefined, options, async (scope) => {
      scope.ledger.open({ sql: '', kind: 'run', origin: 'api', parallel: 1, cascade: cascade.file });
      const env = { ...scope, cascade };
      const outcome = await runSingle(env, { input, kind: 'map', timeoutMs: RUN_TIMEOUT_MS, failFast: false });
      return { outcome, durationMs: scope.ledger.elapsedMs };
    });
  }

  /** Cancels what runs, waits for it, and gives threads, connection and database back. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    await this.#scopes.close();
    await this.#dispatcher.close();
    await this.#session.close();
    await this.#lease.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #readOne(sql: string): Statement {
    const [statement, ...more] = readScript(this.#grammar, sql);
    if (statement === undefined) {
      throw new RvbbitError('RVB_SYNTAX', 'there is no statement in the text', { stage: 'parse' });
    }
    if (more.length > 0) {
      throw new RvbbitError(
        'RVB_MULTIPLE_STATEMENTS',
        `the text holds ${more.length + 1} statements, and query() takes one; use script()`,
        { stage: 'parse' },
      );
    }
    return statement;
  }

  #run(
    statement: Statement,
    parameters: Parameters | undefined,
    options: QueryOptions,
  ): Promise<QueryResult> {
    return this.#scoped(prefixOf(statement), parameters, options, async (scope) => {
      const delivered = await this.#deliver(statement, scope, options);
      return { kind: kindOf(statement), ...delivered, summary: this.#scopes.complete(scope) };
    });
  }

  /** The way of a statement. */
  async #deliver(
    statement: Statement,
    scope: StatementScope,
    options: QueryOptions,
  ): Promise<Delivered> {
    const form = options.valueForm ?? 'js';
    switch (statement.kind) {
      case 'Sql':
        return this.#deliverSql(statement, scope, options);
      case 'Explain':
        return this.#deliverExplain(statement, scope, options);
      case 'Map':
      case 'Run':
      case 'CreateTable':
      case 'Insert': {
        const planned = await this.#plan(statement, scope, kindOf(statement), '', options);
        if (planned.done) return NOTHING;
        const { plan, env } = planned;
        return plan.kind === 'map' ? deliverMap(plan, env, form) : deliverRun(plan, env);
      }
      case 'ShowJobs':
      case 'AwaitJob':
      case 'CancelJob':
        throw later('job statements');
    }
  }
}
