/** How far a MAP or RUN is, folded from the journal's records and nothing else. */
import type { JournalRecord } from '../journal/records.ts';
import type { StatementKind } from '../result.ts';
import { visible } from './text/escape.ts';

/** One statement's way, in rows. */
export interface Progress {
  readonly caller: string;
  readonly kind: StatementKind;
  readonly cascade: string;
  /** Microseconds since the epoch; of the reading of the rows once that is done. */
  readonly since: number;
  /** Unknown until the rows are read. */
  readonly total: number | undefined;
  readonly done: number;
  readonly failed: number;
  /** Model calls that went out, their tokens, and the cost of those with a known price. */
  readonly calls: number;
  readonly tokens: number;
  readonly costMicroUsd: number;
  readonly closed: boolean;
  /** Where no call gets leave to go out: whose, since when, and until when a 429 holds them; microseconds since the epoch. */
  readonly held?: { readonly provider: string; readonly since: number; readonly until?: number };
}

/** The progress after a record. Statements that run no cascade leave it as it was. */
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
      return { ...progress, calls: progress.calls + 1 };
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

/** Rows a second so far and the seconds that are left at that rate; undefined while nothing is known. */
function paceOf(
  { since, done, total }: Progress,
  nowMicros: number,
): { readonly rowsPerSecond: number; readonly etaSeconds: number } | undefined {
  const seconds = (nowMicros - since) / 1e6;
  if (done === 0 || total === undefined || seconds <= 0) return undefined;
  const rowsPerSecond = done / seconds;
  return { rowsPerSecond, etaSeconds: (total - done) / rowsPerSecond };
}

/** The progress in words, e.g. `63/200 rows, 2 failed, 8.2 rows/s, ETA 17s`. */
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

/** For whom a statement waits; of a 429 the time that is left, of limits the time so far. */
function heldText(
  { provider, since, until }: NonNullable<Progress['held']>,
  nowMicros: number,
): string {
  const micros = until === undefined ? nowMicros - since : until - nowMicros;
  const why = until === undefined ? 'limits' : '429';
  return `waiting for ${visible(provider)}: ${durationText(micros / 1e6)} (${why})`;
}

/** A rate with as many digits as matter. */
export function rateText(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}

/** Seconds as `17s`, `2m05s`, `1h03m`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const pad = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${pad(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${pad(Math.floor((whole % 3600) / 60))}m`;
}
