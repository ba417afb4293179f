/** What an agent can do: the tools of the MCP server, without the protocol. */
import type { StatementNode } from '../../../grammar/ast.ts';
import { statementParts } from '../../../grammar/semantic/statement-parts.ts';
import { Purse } from '../../calls/purse.ts';
import { findCascades } from '../../cascade/find-cascades.ts';
import type { Engine } from '../../engine.ts';
import type { EngineSession } from '../../engine-session.ts';
import { messageOf, RvbbitError } from '../../errors.ts';
import { signatureOf, spellingsOf } from '../../operators/check-call.ts';
import { loadOperators } from '../../operators/load-operators.ts';
import type { QueryOptions } from '../../options.ts';
import type { ExplainReport, Summary } from '../../result.ts';
import { readStatement } from '../../statement/read.ts';
import { dollars } from '../../util/dollars.ts';
import type { Json, JsonObject } from '../../util/json.ts';
import { BoundedRows } from './bounded-rows.ts';

/** The rows of a result without `maxRows`. */
export const AGENT_ROWS = 200;
/** The bytes of a result's rows, as JSON. More would fill an agent's context. */
const AGENT_BYTES = 64 * 1024;
/** The model calls of a session without `maxCalls`. */
export const AGENT_CALLS = 1_000;
/** Tables, cascades and operators that a list names. */
const LIST_MAX = 500;
/** Statements that print to the process's standard output, which carries the protocol. */
const PRINTS = /^\s*(?:PRAGMA|SET|CALL|RESET)\b[^;]*(?:profil|progress_bar|logging|log_)/i;

/** The options of an agent's session. */
export interface AgentOptions {
  /** The cascade roots. */
  readonly cascades: readonly string[];
  readonly readWrite: boolean;
  readonly maxRows?: number | undefined;
  readonly maxCalls?: number | undefined;
  readonly maxCostMicroUsd?: number | undefined;
}

/** One agent's session: a session of the engine, and what it may still spend. */
export class AgentSession {
  readonly #session: EngineSession;
  readonly #options: AgentOptions;
  readonly #purse: Purse;

  private constructor(session: EngineSession, purse: Purse, options: AgentOptions) {
    this.#session = session;
    this.#purse = purse;
    this.#options = options;
  }

  /** Opens a session of the engine. */
  static async open(engine: Engine, options: AgentOptions): Promise<AgentSession> {
    const { maxCalls = AGENT_CALLS, maxCostMicroUsd, readWrite } = options;
    const purse = new Purse({
      calls: maxCalls,
      ...(maxCostMicroUsd === undefined ? {} : { costMicroUsd: maxCostMicroUsd }),
    });
    const session = await engine.session({ readOnly: !readWrite, purse });
    return new AgentSession(session, purse, options);
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /**
   * Runs a statement. What may cost more than is left is refused with RVB_BUDGET before its first call. At a bound of
   * the result the statement ends, so that no call is bought for rows that nobody sees.
   */
  async query(sql: string, { maxRows, signal, onProgress }: QueryCall): Promise<JsonObject> {
    if (PRINTS.test(sql)) {
      throw new RvbbitError(
        'RVB_UNSUPPORTED',
        'this setting makes DuckDB print to standard output, which carries the protocol here; EXPLAIN ANALYZE shows times as rows',
        { stage: 'plan' },
      );
    }
    const node = await readStatement(sql);
    await this.#refuseBeyondPurse(node, sql, signal);
    const most = this.#options.maxRows ?? AGENT_ROWS;
    const rows = new BoundedRows({ rows: Math.min(maxRows ?? most, most), bytes: AGENT_BYTES });
    const options: QueryOptions = {
      signal,
      valueForm: 'json',
      origin: 'mcp',
      ...(onProgress === undefined ? {} : { onProgress }),
    };
    return writes(node) ? this.#runWhole(sql, rows, options) : this.#readFirst(sql, rows, options);
  }

  /** Says what a statement would read, ask and cost. Nothing is asked. */
  async explain(text: string, signal: AbortSignal): Promise<JsonObject> {
    // An EXPLAIN ANALYZE would run the statement.
    const sql = explainedBy(await readStatement(text), text)?.sql ?? text;
    const report = await this.#forecast(sql, signal);
    if (report === undefined) {
      const plan = await this.#session.query(`EXPLAIN ${sql}`, undefined, {
        signal,
        valueForm: 'json',
        origin: 'mcp',
      });
      const text = plan.rows.map((row) => Object.values(row).at(-1)).join('\n');
      return { statement: 'plain SQL', calls: 0, cost_usd: 0, plan: text, left: this.#left() };
    }
    const { renderReport } = await import('../../explain/report/render-report.ts');
    const { rows, calls, cached, cost, tokensIn, tokensOut, seconds, refusal, statement } = report;
    const beyond = this.#beyondPurse(report);
    return {
      statement,
      rows_read: rows,
      calls: { least: calls.least, expected: calls.expected, most: calls.most },
      stored_answers: cached.expected,
      tokens: { in: tokensIn.expected, out: tokensOut.expected },
      cost_usd: {
        low: usd(cost.low),
        expected: usd(cost.expected),
        high: usd(cost.high),
        status: cost.status,
      },
      seconds: seconds.expected,
      would_run: refusal === null && beyond === undefined,
      ...(refusal === null ? {} : { refusal }),
      ...(beyond === undefined ? {} : { beyond_budget: beyond }),
      left: this.#left(),
      plan: renderReport(report, 'text').join('\n'),
    };
  }

  /** Lists tables and views with their columns. */
  async listTables(like: string | undefined, signal: AbortSignal): Promise<JsonObject> {
    const { rows } = await this.#session.query(
      `SELECT c.database_name || '.' || c.schema_name || '.' || c.table_name AS name,
  CASE WHEN bool_or(t.table_name IS NULL) THEN 'view' ELSE 'table' END AS kind,
  any_value(t.estimated_size) AS rows,
  list(c.column_name || ' ' || c.data_type ORDER BY c.column_index) AS columns
FROM duckdb_columns() AS c LEFT JOIN duckdb_tables() AS t USING (database_name, schema_name, table_name)
WHERE NOT c.internal AND NOT starts_with(c.table_name, 'rvb_') AND c.database_name NOT LIKE 'rvbbit%'
  AND c.table_name ILIKE $1
GROUP BY name ORDER BY name LIMIT ${LIST_MAX + 1}`,
      [like === undefined ? '%' : `%${like}%`],
      { signal, valueForm: 'json-numbers', origin: 'mcp' },
    );
    return listed('tables', rows as readonly JsonObject[]);
  }

  /** Lists the cascades under the root, each with what it reads. A broken one has its error. */
  async listCascades(loadCascade: Engine['loadCascade']): Promise<JsonObject> {
    const files = await findCascades(this.#options.cascades);
    const entries: JsonObject[] = [];
    for (const file of files.slice(0, LIST_MAX + 1)) {
      entries.push(
        await loadCascade(file).then(
          ({ description, requiredInputs, inputsSchema }): JsonObject => ({
            cascade: file,
            ...(description === undefined ? {} : { description }),
            required_columns: [...requiredInputs],
            ...(inputsSchema === undefined ? {} : { inputs: inputsSchema['properties'] ?? {} }),
          }),
          (thrown: unknown): JsonObject => ({ cascade: file, broken: messageOf(thrown) }),
        ),
      );
    }
    return listed('cascades', entries);
  }

  /** Lists the semantic operators, as they are written. */
  async listOperators(): Promise<JsonObject> {
    const { operators, broken } = await loadOperators(this.#options.cascades);
    const entries = [...operators.values()]
      .filter(({ name }) => !broken.has(name))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((operator): JsonObject => {
        const { description } = operator.cascade;
        return {
          name: operator.name,
          written: spellingsOf(operator).join('; ') || signatureOf(operator),
          returns: operator.returns,
          ...(description === undefined ? {} : { description }),
        };
      });
    return listed('operators', entries);
  }

  /** Reads rows as they come, and ends the statement at a bound. */
  async #readFirst(sql: string, rows: BoundedRows, options: QueryOptions): Promise<JsonObject> {
    const stream = this.#session.stream(sql, undefined, options);
    stream.summary.catch(() => {});
    for await (const row of stream) if (!rows.take(row)) break;
    const columns = await stream.columns;
    return this.#result({ columns, notices: stream.notices, rows, summary: await stream.summary });
  }

  async #runWhole(sql: string, rows: BoundedRows, options: QueryOptions): Promise<JsonObject> {
    const result = await this.#session.query(sql, undefined, options);
    for (const row of result.rows) if (!rows.take(row)) break;
    const { columns, notices, summary, rowCount } = result;
    return { ...this.#result({ columns, notices, rows, summary }), row_count: rowCount };
  }

  #result({ columns, notices, rows, summary }: Told): JsonObject {
    const { cut } = rows;
    const { calls, rows: account, costMicroUsd, failures } = summary;
    const told = notices.map(({ message }) => message);
    return {
      columns: columns.map(({ name, type }) => `${name} ${type}`),
      rows: rows.rows,
      ...(cut === undefined ? {} : { cut }),
      ...(told.length === 0 ? {} : { notices: told }),
      ...(account.failed === 0
        ? {}
        : { failed_rows: account.failed, first_failure: failures[0]?.message ?? null }),
      ...(calls.sent + calls.cacheHits === 0
        ? {}
        : {
            calls: { sent: calls.sent, stored_answers: calls.cacheHits },
            cost_usd: usd(costMicroUsd),
            left: this.#left(),
          }),
    };
  }

  async #refuseBeyondPurse(node: StatementNode, sql: string, signal: AbortSignal): Promise<void> {
    const explained = explainedBy(node, sql);
    if (explained?.analyze === false) return;
    const report = await this.#forecast(explained?.sql ?? sql, signal);
    const beyond = report === undefined ? undefined : this.#beyondPurse(report);
    if (beyond === undefined) return;
    throw new RvbbitError(
      'RVB_BUDGET',
      `nothing was asked: ${beyond}; read fewer rows (LIMIT), or set max_calls or max_cost in the statement to stop within what is left`,
      { stage: 'plan' },
    );
  }

  /** Returns undefined for plain SQL, which asks no model. */
  async #forecast(sql: string, signal: AbortSignal): Promise<ExplainReport | undefined> {
    try {
      return await this.#session.explain(sql, undefined, { signal, origin: 'mcp' });
    } catch (thrown) {
      if (thrown instanceof RvbbitError && thrown.code === 'RVB_UNSUPPORTED') return undefined;
      throw thrown;
    }
  }

  /** Says in which way a statement may cost more than is left; undefined if it cannot. */
  #beyondPurse({ calls, cost, guards }: ExplainReport): string | undefined {
    const { calls: callsLeft = Infinity, costMicroUsd: costLeft = Infinity } = this.#purse.left;
    // What nothing bounds is taken as expected; the purse then stops the statement when it is empty.
    const mostCalls = Math.min(calls.most ?? calls.expected, guards.maxCalls ?? Infinity);
    if (mostCalls > callsLeft) {
      return `it may make ${mostCalls} model calls (${calls.expected} expected), and this session has ${callsLeft} left`;
    }
    if (mostCalls === 0) return undefined;
    const forecast = cost.high ?? cost.expected;
    if (forecast === null && costLeft < Infinity) {
      return 'it asks a model without a price, and this session may spend a limited amount';
    }
    // The forecast's cost is that of all calls, also of those that the statement's own max_calls cuts off.
    const share = mostCalls / (calls.most ?? calls.expected);
    const mostCost = Math.min((forecast ?? 0) * share, guards.maxCostMicroUsd ?? Infinity);
    if (mostCost > costLeft) {
      const about = cost.high === null ? 'about ' : '';
      return `it may cost ${about}${dollars(mostCost)}, and this session has ${dollars(costLeft)} left`;
    }
    return undefined;
  }

  #left(): JsonObject {
    const { calls, costMicroUsd } = this.#purse.left;
    return {
      ...(calls === undefined ? {} : { calls }),
      ...(costMicroUsd === undefined ? {} : { cost_usd: usd(costMicroUsd) }),
    };
  }
}

/** How a statement is run. */
export interface QueryCall {
  readonly maxRows?: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: QueryOptions['onProgress'] | undefined;
}

interface Told {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly notices: readonly { readonly message: string }[];
  readonly rows: BoundedRows;
  readonly summary: Summary;
}

/** True if the statement writes something, and so must run to its end. */
function writes(node: StatementNode): boolean {
  switch (node.kind) {
    case 'CreateTable':
    case 'Insert':
    case 'Run':
      return true;
    case 'Map':
      return node.options.some(({ key }) => key.value === 'as_table');
    default:
      return false;
  }
}

/** The statement within an EXPLAIN, with the annotations before it; undefined if the statement is none. */
function explainedBy(
  node: StatementNode,
  sql: string,
): { readonly sql: string; readonly analyze: boolean } | undefined {
  const { start, end } = node.span;
  const before = sql.slice(0, start);
  if (node.kind === 'Explain') {
    return { sql: before + sql.slice(node.body.span.start, end), analyze: node.analyze };
  }
  if (node.kind !== 'Sql') return undefined;
  const parts = statementParts(node.text);
  if (parts.kind !== 'explain') return undefined;
  const { body, analyze } = parts;
  return { sql: before + node.text.slice(body.start, body.end), analyze };
}

function listed(what: string, entries: readonly JsonObject[]): JsonObject {
  if (entries.length <= LIST_MAX) return { [what]: [...entries] };
  return {
    [what]: entries.slice(0, LIST_MAX),
    cut: `only the first ${LIST_MAX} are here; query duckdb_tables(), or narrow the list`,
  };
}

function usd(microUsd: number | null): Json {
  return microUsd === null ? null : microUsd / 1e6;
}
