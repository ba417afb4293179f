/** A session of an engine: one connection to its database, on which statements run. */
import type { StatementNode } from '../grammar/ast.ts';
import type { Cascade } from './cascade/cascade.ts';
import { summaryNotices } from './deliver/delivered.ts';
import { rowStream, type StreamListener } from './deliver/stream-rows.ts';
import type { Parameters, Session } from './duck/session.ts';
import { cancelledError } from './errors.ts';
import type { Statement, StatementCall } from './execute/statement.ts';
import type { Experience } from './journal/experience/experience.ts';
import type { NamePrefix } from './journal/session-name.ts';
import { RUN_TIMEOUT_MS } from './limits.ts';
import type { Models } from './model/models.ts';
import {
  checkQueryOptions,
  checkRunOptions,
  type QueryOptions,
  type ResolvedOptions,
  type RunCascadeOptions,
} from './options.ts';
import type { CallPlan } from './plan/plan.ts';
import type { ExplainReport, QueryResult, Row, RowStream } from './result.ts';
import type { RunOutcome } from './run/contract.ts';
import { kindOf, prefixOf } from './statement/names.ts';
import { type EngineParts, OpenStatements } from './statement/open-statements.ts';
import { readScript, readStatement } from './statement/read.ts';
import { explainStatement, runStatement, streamStatement } from './statement/run.ts';
import type { JsonObject } from './util/json.ts';

/** How the calls of a single run are made. */
const CALLS: CallPlan = { budget: {}, cache: true, dedupe: true };

/** What the sessions of an engine share. */
export interface SharedParts extends Omit<EngineParts, 'session'> {
  readonly options: ResolvedOptions;
  readonly models: Models;
  readonly experience: Experience;
  readonly openedUs: number;
  readonly loadCascade: (path: string) => Promise<Cascade>;
}

/**
 * Temporary tables, settings and transactions are the session's own; threads, limits, journal and cache are the
 * engine's. Safe to share: statements of one session take turns on its connection, and their cascades run side by
 * side; statements of several sessions do not wait for each other.
 */
export class EngineSession {
  readonly #shared: SharedParts;
  readonly #session: Session;
  readonly #statements: OpenStatements;
  readonly #onClose: () => void;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(shared: SharedParts, session: Session, onClose: () => void = () => {}) {
    this.#shared = shared;
    this.#session = session;
    this.#onClose = onClose;
    this.#statements = new OpenStatements({ ...shared, session });
  }

  /** Runs one statement to its end. Throws `RvbbitError`, with the account of what was done as `summary`. */
  async query(
    sql: string,
    parameters?: Parameters,
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    checkQueryOptions('query', parameters, options);
    return this.#run(sql, await readStatement(sql), parameters, options);
  }

  /** Runs statements one after another and yields a result each; stops at the first that fails. */
  async *script(
    sql: string,
    parameters?: Parameters,
    options: QueryOptions = {},
  ): AsyncGenerator<QueryResult, void> {
    checkQueryOptions('script', parameters, options);
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
    checkQueryOptions('explain', parameters, options);
    const node = await readStatement(sql);
    const statement = this.#begin('sql', sql, parameters, options);
    return this.#statements
      .within(statement, () => explainStatement(node, statement))
      .then(({ report }) => report);
  }

  /** Runs a cascade once on `input`, on a worker thread; the outcome holds every cell's output. */
  async runCascade(
    path: string,
    input: JsonObject,
    options: RunCascadeOptions = {},
  ): Promise<{ outcome: RunOutcome; durationMs: number }> {
    checkRunOptions('runCascade', options);
    const { runSingle } = await import('./execute/run-single.ts');
    const { journal, loadCascade, models } = this.#shared;
    const cascade = await loadCascade(path);
    const { refuseMissingInputs } = await import('./cascade/check-inputs.ts');
    const inputs = Object.keys(input);
    refuseMissingInputs(cascade, inputs, `the input has ${inputs.join(', ') || 'nothing'}`);
    const { model } = options;
    const boundModels = await models.bind(cascade, {
      parameters: {},
      ...(model === undefined ? {} : { model }),
    });
    const statement = this.#begin('udf', '', undefined, options);
    return this.#statements.within(statement, async () => {
      await journal.open();
      const { origin, ledger } = statement;
      ledger.open({ sql: '', kind: 'run', origin, parallel: 1, cascade: cascade.file });
      const outcome = await runSingle(
        { ...statement, cascade, ...(boundModels === undefined ? {} : { boundModels }) },
        { input, kind: 'map', timeoutMs: RUN_TIMEOUT_MS, calls: CALLS, failFast: false },
      );
      await journal.commit();
      return { outcome, durationMs: ledger.elapsedMs };
    });
  }

  /** Cancels what runs, waits for it, and closes the connection; an open transaction is rolled back. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    try {
      await this.#statements.close();
      await this.#session.close();
    } finally {
      this.#onClose();
    }
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
  ): AsyncGenerator<readonly Row[], void> {
    checkQueryOptions('stream', parameters, options);
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
    const { options: engine, models, experience, openedUs } = this.#shared;
    const call: StatementCall = {
      parameters,
      output: options.writes,
      source,
      origin: options.origin ?? 'api',
      valueForm: options.valueForm ?? 'js',
      cascadeRoot: engine.cascades,
      defaultParallel: engine.parallel,
      threads: engine.threads,
      models,
      experience,
      openedUs,
      ...(engine.stateDir === undefined ? {} : { stateDir: engine.stateDir }),
      ...(options.resumes === undefined ? {} : { resumes: options.resumes }),
      ...(options.resumeParallel === undefined ? {} : { resumeParallel: options.resumeParallel }),
    };
    return this.#statements.begin(prefix, call, options);
  }
}
