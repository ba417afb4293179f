/** A session of an engine: one connection to the engine's database, which runs statements. */
import type { StatementNode } from '../grammar/ast.ts';
import type { Purse } from './calls/purse.ts';
import type { Cascade } from './cascade/cascade.ts';
import { type Delivered, summaryNotices } from './deliver/delivered.ts';
import { rowStream, type StreamListener } from './deliver/stream-rows.ts';
import type { Parameters } from './duck/parameters.ts';
import type { Session } from './duck/session.ts';
import { cancelledError } from './errors.ts';
import type { Statement, StatementCall } from './execute/statement.ts';
import type { JobExecution, JobOutcome, JobRunner } from './jobs/job-runner.ts';
import type { Experience } from './journal/experience/experience.ts';
import type { NamePrefix } from './journal/session-name.ts';
import { RUN_TIMEOUT_MS } from './limits.ts';
import type { Models } from './model/models.ts';
import {
  checkDescribeOptions,
  checkQueryOptions,
  checkRunOptions,
  type DescribeOptions,
  type QueryOptions,
  type ResolvedOptions,
  type RunCascadeOptions,
} from './options.ts';
import type { CallPlan } from './plan/plan.ts';
import type { ExplainReport, QueryResult, Row, RowStream, StatementDescription } from './result.ts';
import type { RunOutcome } from './run/contract.ts';
import { kindOf, prefixOf } from './statement/names.ts';
import { type EngineParts, OpenStatements } from './statement/open-statements.ts';
import { readScript, readStatement } from './statement/read.ts';
import { explainStatement, runStatement, streamStatement } from './statement/run.ts';
import type { JsonObject } from './util/json.ts';

/** The plan for the calls of a single run. */
const CALLS: CallPlan = { budget: {}, cache: true, dedupe: true };

/**
 * The parts that all sessions of an engine share.
 *
 * @internal
 */
export interface SharedParts extends Omit<EngineParts, 'session'> {
  readonly options: ResolvedOptions;
  readonly models: Models;
  readonly experience: Experience;
  readonly openedUs: number;
  readonly loadCascade: (path: string) => Promise<Cascade>;
  readonly cascadeRoots: () => Promise<readonly string[]>;
  /** Undefined without a state folder. */
  readonly jobs?: () => Promise<JobRunner>;
}

/**
 * A session has its own temporary tables, settings and transactions. It uses the engine's threads, limits, journal and
 * cache. Safe to share: statements of one session take turns on its connection, and their cascades run side by side.
 * Statements of different sessions do not wait for each other.
 */
export class EngineSession {
  readonly #shared: SharedParts;
  readonly #session: Session;
  readonly #statements: OpenStatements;
  readonly #onClose: (() => void) | undefined;
  readonly #purse: Purse | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Without `onClose` it is the engine's own session, which closes with the engine.
   *
   * @internal
   */
  constructor(
    shared: SharedParts,
    session: Session,
    { onClose, purse }: { onClose?: () => void; purse?: Purse | undefined } = {},
  ) {
    this.#shared = shared;
    this.#session = session;
    this.#onClose = onClose;
    this.#purse = purse;
    const owner = onClose === undefined ? 'engine' : 'session';
    this.#statements = new OpenStatements({ ...shared, session }, owner);
  }

  /**
   * Runs one statement to its end. Throws `RvbbitError`, whose `summary` is the account of what was done. `T` is the type
   * that the caller expects of a row; the engine does not check it.
   */
  async query<T extends object = Row>(
    sql: string,
    parameters?: Parameters,
    options: QueryOptions = {},
  ): Promise<QueryResult<T>> {
    checkQueryOptions('query', parameters, options);
    const result = await this.#run(sql, await readStatement(sql), parameters, options);
    return result as QueryResult<object> as QueryResult<T>;
  }

  /**
   * Does the same as `query` for a result that is expected to be short. Of a longer one, `laterRows` yields the rows.
   *
   * @internal
   */
  async queryShort(
    sql: string,
    parameters: Parameters | undefined,
    options: QueryOptions,
    rowsAtOnce: number,
  ): Promise<QueryResult & Pick<Delivered, 'laterRows'>> {
    checkQueryOptions('query', parameters, options);
    return this.#run(sql, await readStatement(sql), parameters, options, rowsAtOnce);
  }

  /** Runs statements one after another and yields the result of each. Stops at the first statement that fails. */
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

  /**
   * Runs one statement and yields each row in order as soon as it is known. Unread rows hold the lanes back. `T` is the
   * type that the caller expects of a row, as for `query`.
   */
  stream<T extends object = Row>(
    sql: string,
    parameters?: Parameters,
    options: QueryOptions = {},
  ): RowStream<T> {
    const stream = rowStream((listener) => this.#stream(sql, parameters, options, listener));
    return stream as RowStream<object> as RowStream<T>;
  }

  /**
   * Returns what a MAP, RUN or semantic statement would do. Its rows are read and counted, but no model is asked. Only
   * an EXPLAIN ANALYZE runs the statement; its report then also holds the actual figures.
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

  /**
   * Returns the parameters and the columns of one statement of any kind. The statement does not run: no row is read, no
   * model is asked, and the journal has no record of it.
   */
  async describe(sql: string, options: DescribeOptions = {}): Promise<StatementDescription> {
    checkDescribeOptions('describe', options);
    const node = await readStatement(sql);
    const { signal } = options;
    const stop = signal === undefined ? {} : { signal };
    const statement = this.#begin(prefixOf(node), sql, undefined, stop, true);
    return this.#statements.within(statement, async () => {
      const { describeStatement } = await import('./statement/describe.ts');
      return describeStatement(node, statement, options);
    });
  }

  /**
   * Runs a text that a server of this package wrote: what a client said stands in it as quoted literals and names alone. A
   * read-only session runs it too, and the journal has no record of it.
   *
   * @internal
   */
  async runOwn(sql: string): Promise<void> {
    await this.#session.run(sql, { own: true, changes: true });
  }

  /**
   * Runs a job once, or goes on with it.
   *
   * @internal
   */
  async runJob({ job, rows, isFirst, signal, onProgress }: JobExecution): Promise<JobOutcome> {
    const { id, sql, origin, parallel } = job;
    const prefix = prefixOf(await readStatement(sql));
    const statement = this.#begin(prefix, sql, undefined, {
      ...{ origin, signal, onProgress },
      ...(parallel === undefined ? {} : { resumeParallel: parallel }),
      ...(isFirst ? { session: id } : { resumes: id }),
    });
    const { rows: given, columns } = await this.#statements.within(statement, async () => {
      const { runJob } = await import('./statement/jobs.ts');
      return runJob(job, rows, statement);
    });
    const [row] = given;
    const report = row === undefined ? undefined : row[columns[0]!.name];
    return {
      summary: this.#statements.complete(statement),
      ...(report === undefined ? {} : { report: JSON.parse(String(report)) as JsonObject }),
    };
  }

  /** Runs a cascade once on `input`, on a worker thread. The outcome holds every cell's output. */
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

  /** Cancels the running statements, waits for their end, and closes the connection. Rolls back an open transaction. */
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
      this.#onClose?.();
    }
  }

  async #run(
    source: string,
    node: StatementNode,
    parameters: Parameters | undefined,
    options: QueryOptions,
    rowsAtOnce?: number,
  ): Promise<QueryResult & Pick<Delivered, 'laterRows'>> {
    const statement = this.#begin(prefixOf(node), source, parameters, { ...options, rowsAtOnce });
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
      // The statement is still open here only if the consumer stopped early.
      listener.onEnd(this.#statements.fail(statement, cancelledError()).summary!);
    }
  }

  #begin(
    prefix: NamePrefix,
    source: string,
    parameters: Parameters | undefined,
    options: QueryOptions & Pick<StatementCall, 'rowsAtOnce'> & { readonly session?: string },
    isSilent = false,
  ): Statement {
    const { options: engine, models, experience, openedUs, cascadeRoots, jobs } = this.#shared;
    const call: StatementCall = {
      parameters,
      output: options.writes,
      source,
      origin: options.origin ?? 'api',
      valueForm: options.valueForm ?? 'js',
      rowsAtOnce: options.rowsAtOnce,
      cascadeRoots,
      defaultParallel: engine.parallel,
      threads: engine.threads,
      models,
      experience,
      openedUs,
      ...(jobs === undefined ? {} : { jobs }),
      ...(this.#purse === undefined ? {} : { purse: this.#purse }),
      ...(engine.stateDir === undefined ? {} : { stateDir: engine.stateDir }),
      ...(options.resumes === undefined ? {} : { resumes: options.resumes }),
      ...(options.resumeParallel === undefined ? {} : { resumeParallel: options.resumeParallel }),
    };
    return this.#statements.begin(prefix, call, { ...options, isSilent });
  }
}
