/** Runs each statement of a workload under every strategy and notes one observation for each of these runs. */
import { createHash } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { splitStatements } from '../../grammar/split.ts';
import type { EngineSession } from '../engine-session.ts';
import { messageOf, RvbbitError } from '../errors.ts';
import type { JournalRecord } from '../journal/records.ts';
import type { ExplainReport, QueryResult, Strategy } from '../result.ts';
import { packageVersion } from '../util/version.ts';
import type { Observation } from './observation.ts';
import { shapeOf } from './shape.ts';

/** The strategies to compare. The engine's default is first: the rows of the others are compared with its rows. */
export const COLLECTED: readonly Strategy[] = [
  'batch',
  'static',
  'wave',
  'union_all',
  'sequential',
];

export interface Collecting {
  /** A session that nothing else uses: statements that write run in its transactions, which are rolled back. */
  readonly session: EngineSession;
  /** The engine's events. They report its model calls. */
  readonly events: EventEmitter;
  /** SQL texts, in order. */
  readonly workload: readonly string[];
  /** The model of every call. It overrides the models that cascades and statements name. */
  readonly model: string;
  /** The observations of an earlier collection, by `keyOf`. They are not made again. */
  readonly done: ReadonlyMap<string, Observation>;
  readonly signal: AbortSignal;
  note(observation: Observation): void;
  onProgress(done: number, total: number): void;
}

export interface CollectedPlain {
  readonly count: number;
  readonly failures: readonly string[];
}

export function keyOf({ query, strategy }: Pick<Observation, 'query' | 'strategy'>): string {
  return `${query} ${strategy}`;
}

/** Runs the workload. Continues after a failed statement; ends early when `signal` aborts. Plain SQL runs once. */
export async function collect(collecting: Collecting): Promise<CollectedPlain> {
  const { session, workload, signal, onProgress } = collecting;
  const failures: string[] = [];
  let plain = 0;
  for (const [index, sql] of workload.entries()) {
    if (signal.aborted) break;
    onProgress(index, workload.length);
    const report = await foresee(session, sql, signal);
    if (report === 'plain') {
      plain += 1;
      await session.query(sql, undefined, { signal }).catch((thrown: unknown) => {
        failures.push(`statement ${index + 1}: ${messageOf(thrown)}`);
      });
      continue;
    }
    await observeAll(sql, index, report, collecting);
  }
  return { count: plain, failures };
}

/** Returns the result of EXPLAIN; `plain` for plain SQL; undefined if EXPLAIN fails, as the statement then will too. */
async function foresee(
  session: EngineSession,
  sql: string,
  signal: AbortSignal,
): Promise<ExplainReport | 'plain' | undefined> {
  try {
    return await session.explain(sql, undefined, { signal });
  } catch (thrown) {
    const isPlain =
      thrown instanceof RvbbitError && thrown.code === 'RVB_UNSUPPORTED' && thrown.stage === 'plan';
    // A statement that DuckDB runs but EXPLAIN cannot read, e.g. ATTACH, is plain too.
    return isPlain || !mayAsk(sql) ? 'plain' : undefined;
  }
}

function mayAsk(sql: string): boolean {
  return splitStatements(sql).some(({ dialect }) => dialect) || /\bselect\b|\bfrom\b/i.test(sql);
}

async function observeAll(
  sql: string,
  index: number,
  report: ExplainReport | undefined,
  collecting: Collecting,
): Promise<void> {
  const { session, done, signal, note } = collecting;
  const query = createHash('sha256').update(`${index}\n${sql}`).digest('hex').slice(0, 16);
  const shape = shapeOf(sql);
  // A statement that writes is rolled back for all strategies but the last: each strategy finds the same data.
  const isWriter = /^(?:create|insert|update|delete|merge|copy)/.test(shape);
  const strategies = isWriter ? [...COLLECTED.slice(1), COLLECTED[0]!] : COLLECTED;
  let expected: string | undefined;
  for (const strategy of strategies) {
    const isLast = strategy === strategies.at(-1);
    const known = done.get(keyOf({ query, strategy }));
    // A known statement that writes still runs under the last strategy: later statements read its tables.
    if (known !== undefined && !(isWriter && isLast)) continue;
    if (signal.aborted) return;
    if (isWriter && !isLast) await session.query('BEGIN');
    const observed = await observe(sql, strategy, collecting);
    if (isWriter && !isLast) await session.query('ROLLBACK');
    if (signal.aborted) return;
    const { rowsHash, meanCallMs, result, ...ending } = observed;
    const differs = rowsHash !== undefined && expected !== undefined && rowsHash !== expected;
    expected ??= rowsHash;
    const summary = result?.summary;
    const rows = report?.rows ?? (summary?.rows.in || null);
    const resultRows = result?.rowCount ?? null;
    if (known !== undefined) continue;
    note({
      query,
      shape,
      sql,
      strategy,
      ...ending,
      ...(differs ? { outcome: 'differs' as const } : {}),
      parallel: report?.parallel ?? null,
      rows,
      distinct: report?.distinctInputs.expected ?? null,
      result_rows: resultRows,
      selectivity: resultRows === null || rows === null || rows === 0 ? null : resultRows / rows,
      calls: summary?.calls.sent ?? null,
      retried: summary?.calls.retried ?? null,
      tokens_in: summary?.tokens.in ?? null,
      tokens_out: summary?.tokens.out ?? null,
      cost_micro_usd: summary?.costMicroUsd ?? null,
      duration_ms: summary?.durationMs ?? null,
      mean_call_ms: meanCallMs,
      expected_calls: report?.calls.expected ?? null,
      at: Date.now() * 1_000,
      engine: packageVersion(),
    });
  }
}

interface Observed extends Pick<Observation, 'outcome' | 'reason' | 'message'> {
  readonly result?: QueryResult;
  readonly meanCallMs: number | null;
  /** The hash of all rows in their order. Present if every row has an answer. */
  readonly rowsHash?: string;
}

/** Runs a statement under a strategy, without stored answers: each strategy makes all its calls. */
async function observe(
  sql: string,
  strategy: Strategy,
  { session, events, model, signal }: Collecting,
): Promise<Observed> {
  const calls = { answered: 0, ms: 0 };
  const onRecord = (record: JournalRecord) => {
    if (record.t !== 'attempt.end' || record.outcome !== 'ok') return;
    calls.answered += 1;
    calls.ms += record.durationMs;
  };
  events.on('record', onRecord);
  const told = `-- @ strategy: ${strategy}\n-- @ model: ${model}\n-- @ cache: false\n`;
  const mean = () => (calls.answered === 0 ? null : calls.ms / calls.answered);
  try {
    const result = await session.query(told + sql, undefined, { signal });
    const { summary, rows } = result;
    if (summary.strategy !== strategy && summary.strategy !== 'none') {
      const message = `the statement itself says strategy = '${summary.strategy}'`;
      return { outcome: 'refused', reason: 'own strategy', message, meanCallMs: mean() };
    }
    const isWhole = summary.status === 'complete' && summary.rows.failed === 0;
    return {
      outcome: isWhole ? 'ok' : 'incomplete',
      reason: isWhole ? null : (summary.reason ?? summary.failures[0]?.code ?? null),
      message: null,
      result,
      meanCallMs: mean(),
      ...(isWhole ? { rowsHash: hashOf(rows) } : {}),
    };
  } catch (thrown) {
    const code = thrown instanceof RvbbitError ? thrown.code : 'error';
    const isRefused = code === 'RVB_UNSUPPORTED' || code === 'RVB_LIMIT';
    return {
      outcome: isRefused ? 'refused' : 'failed',
      reason: code,
      message: messageOf(thrown),
      meanCallMs: mean(),
    };
  } finally {
    events.off('record', onRecord);
  }
}

function hashOf(rows: QueryResult['rows']): string {
  const hash = createHash('sha256');
  for (const row of rows) {
    hash.update(
      `${JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))}\n`,
    );
  }
  return hash.digest('hex');
}
