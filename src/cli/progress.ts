/** Computes the progress of a MAP or RUN from the journal's records alone. */
import { isCall } from '../journal/account.ts';
import type { JournalRecord } from '../journal/records.ts';
import type { StatementKind } from '../result.ts';
import { visible } from './text/escape.ts';

/** The progress of one statement, in rows. */
export interface Progress {
  readonly caller: string;
  readonly kind: StatementKind;
  readonly cascade: string;
  /** When the statement began or, once its rows are read, when they were read; in microseconds since the epoch. */
  readonly since: number;
  /** The number of rows; undefined until the rows are read. */
  readonly total: number | undefined;
  readonly done: number;
  readonly failed: number;
  /** The number of model calls sent. `tokens` and `costMicroUsd` sum up their tokens and their known costs. */
  readonly calls: number;
  readonly tokens: number;
  readonly costMicroUsd: number;
  readonly closed: boolean;
  /**
   * Set while no call gets a permit: the provider, since when the calls wait, and until when a 429 holds them, in
   * microseconds since the epoch.
   */
  readonly held?: { readonly provider: string; readonly since: number; readonly until?: number };
}

/** Returns the progress after a record. A statement that runs no cascade does not change the progress. */
export function foldProgress(
  progress: Progress | undefined,
  record: JournalRecord,
): Progress | undefined {
  if (record.t === 'statement.open') {
    if (record.cascade === undefined) return progress;
    const { caller, kind, cascade, at } = record;
    return {
      caller,
      kind,
      cascade,
      since: at,
      total: undefined,
      done: 0,
      failed: 0,
      calls: 0,
      tokens: 0,
      costMicroUsd: 0,
      closed: false,
    };
  }
  if (progress === undefined || record.caller !== progress.caller) return progress;
  switch (record.t) {
    case 'statement.read':
      return { ...progress, total: record.rows, since: record.at };
    case 'rows':
      return {
        ...progress,
        done: progress.done + record.ok + record.null + record.failed + record.skipped,
        failed: progress.failed + record.failed,
      };
    case 'attempt.start':
      return isCall(record) ? { ...progress, calls: progress.calls + 1 } : progress;
    case 'attempt.end':
      return {
        ...progress,
        tokens: progress.tokens + record.tokensIn + record.tokensOut,
        costMicroUsd: progress.costMicroUsd + (record.costMicroUsd ?? 0),
      };
    case 'calls.held': {
      const { provider, heldMs, at } = record;
      const until = heldMs === undefined ? {} : { until: at + heldMs * 1_000 };
      return { ...progress, held: { provider, since: at, ...until } };
    }
    case 'calls.released': {
      const { held: _, ...rest } = progress;
      return rest;
    }
    case 'statement.close':
      return { ...progress, closed: true };
    default:
      return progress;
  }
}

/** Returns the rows per second so far, and the seconds left at that rate; undefined while these are unknown. */
function paceOf(
  { since, done, total }: Progress,
  nowMicros: number,
): { readonly rowsPerSecond: number; readonly etaSeconds: number } | undefined {
  const seconds = (nowMicros - since) / 1e6;
  if (done === 0 || total === undefined || seconds <= 0) return undefined;
  const rowsPerSecond = done / seconds;
  return { rowsPerSecond, etaSeconds: (total - done) / rowsPerSecond };
}

/** Describes the progress, e.g. `63/200 rows, 2 failed, 8.2 rows/s, ETA 17s`. */
export function progressText(progress: Progress, nowMicros: number): string {
  if (progress.total === undefined) return 'reading rows';
  const parts = [`${progress.done}/${progress.total} rows`];
  if (progress.failed > 0) parts.push(`${progress.failed} failed`);
  if (progress.calls > 0) {
    parts.push(`${progress.calls} calls`, `${progress.tokens} tokens`);
    if (progress.costMicroUsd > 0) parts.push(`$${(progress.costMicroUsd / 1e6).toFixed(4)}`);
  }
  const pace = paceOf(progress, nowMicros);
  if (pace !== undefined) {
    parts.push(`${rateText(pace.rowsPerSecond)} rows/s`, `ETA ${durationText(pace.etaSeconds)}`);
  }
  if (progress.held !== undefined) parts.push(heldText(progress.held, nowMicros));
  return parts.join(', ');
}

/** Describes which provider a statement waits for: after a 429 with the time left, at limits with the time so far. */
function heldText(
  { provider, since, until }: NonNullable<Progress['held']>,
  nowMicros: number,
): string {
  const micros = until === undefined ? nowMicros - since : until - nowMicros;
  const why = until === undefined ? 'limits' : '429';
  return `waiting for ${visible(provider)}: ${durationText(micros / 1e6)} (${why})`;
}

/** Returns a rate with one decimal below 10, and as a whole number from 10 on. */
export function rateText(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}

/** Formats seconds as `17s`, `2m05s` or `1h03m`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const pad = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${pad(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${pad(Math.floor((whole % 3600) / 60))}m`;
}
