/** Turns a statement's records into a timeline: bars on lanes, each with a start and an end. */
import { isCall } from '../journal/account.ts';
import type { JournalRecord } from '../journal/records.ts';

/**
 * `start-up`: the time before the first call. `refused`: answered 429. `back-off`: waits before a retry. `queue`: waits for
 * the limiter. `hit`: cache hits.
 */
export type BarKind = 'start-up' | 'call' | 'refused' | 'failed' | 'back-off' | 'queue' | 'hit';

/** A bar of a timeline. Times are µs since the statement began. */
export interface Bar {
  /** The number of the lane, from 1; 0 for cache hits, which occupy no lane. */
  readonly lane: number;
  readonly fromUs: number;
  readonly toUs: number;
  readonly kind: BarKind;
  /** A text for people. It may contain an error message of a provider. */
  readonly label: string;
  /** The duration of a call, as its client measured it. Absent for other bars. */
  readonly durationMs?: number;
  /** The cost of a call; null if its price is not known. Absent for other bars. */
  readonly costMicroUsd?: number | null;
}

export interface Timeline {
  /** The start of the statement, µs since the epoch. */
  readonly startUs: number;
  /** The end of the statement, µs since `startUs`. */
  readonly endUs: number;
  readonly lanes: number;
  readonly bars: readonly Bar[];
}

/** Bars that share one lane. The lane is occupied from the first bar to the last, including gaps. */
type Chain = Omit<Bar, 'lane'>[];

type RecordOf<K extends JournalRecord['t']> = Extract<JournalRecord, { t: K }>;

/** Returns the records of one kind. */
export function ofKind<K extends JournalRecord['t']>(
  records: readonly JournalRecord[],
  kind: K,
): RecordOf<K>[] {
  return records.filter((record): record is RecordOf<K> => record.t === kind);
}

/** Returns the start and the end of a statement, µs since the epoch. */
export function spanOf(records: readonly JournalRecord[]): { fromUs: number; toUs: number } {
  const times = records.map(({ at }) => at);
  const first = times.reduce((least, at) => Math.min(least, at), Infinity);
  const last = times.reduce((most, at) => Math.max(most, at), 0);
  const [open] = ofKind(records, 'statement.open');
  const [close] = ofKind(records, 'statement.close');
  const fromUs = open?.at ?? first;
  // A statement may be opened again, later than it began. So its duration also counts.
  const byAccount = close === undefined ? fromUs : close.at - close.summary.durationMs * 1_000;
  return { fromUs: Math.min(fromUs, byAccount), toUs: close?.at ?? last };
}

/**
 * Returns the timeline of one statement. Its records may be in any order. A call, the back-off after it and its retry
 * share a lane, so a run keeps its lane while it retries. If no call failed or waited, the lanes are those of the
 * records.
 */
export function timelineOf(records: readonly JournalRecord[]): Timeline {
  const { fromUs, toUs } = spanOf(records);
  const ends = new Map(ofKind(records, 'attempt.end').map((end) => [end.attempt, end]));
  const starts = ofKind(records, 'attempt.start').sort((a, b) => a.at - b.at || a.seq - b.seq);
  const costs = costsOfShared(starts, ends);
  const chains: Chain[] = [];
  /** The chains whose last call failed. The key is the call key and the number of the next try. */
  const failed = new Map<string, Chain[]>();
  for (const start of starts) {
    const end = ends.get(start.attempt);
    if (end?.outcome === 'not_sent' || !isCall(start)) continue;
    const queuedUs = Math.round((start.queuedMs ?? 0) * 1_000);
    const bar = callBar(start, end, { fromUs, toUs });
    const { shared } = start;
    const call =
      shared === undefined ? bar : { ...bar, costMicroUsd: costs.get(shared.call) ?? null };
    const waiting = failed.get(`${start.callKey} ${start.n}`)?.shift();
    const chain = waiting ?? [];
    if (waiting === undefined) chains.push(chain);
    const last = chain.at(-1)?.toUs;
    const queuedFrom = Math.max(call.fromUs - queuedUs, last ?? 0);
    if (last !== undefined && queuedFrom > last) {
      const label = `back-off before try ${start.n}`;
      chain.push({ fromUs: last, toUs: queuedFrom, kind: 'back-off', label });
    }
    if (queuedUs > 0 && call.fromUs > queuedFrom) {
      const label = `held by the limiter before ${asked(start)}`;
      chain.push({ fromUs: queuedFrom, toUs: call.fromUs, kind: 'queue', label });
    }
    chain.push(call);
    if (end?.outcome !== 'failed') continue;
    const next = `${start.callKey} ${start.n + 1}`;
    failed.set(next, [...(failed.get(next) ?? []), chain]);
  }
  const hits = ofKind(records, 'cache.hits').map((record) => hitBar(record, fromUs));
  const laid = onLanes(chains);
  return {
    startUs: fromUs,
    endUs: toUs - fromUs,
    lanes: laid.lanes,
    bars: [...hits, ...laid.bars],
  };
}

/**
 * Puts each chain on the lane with the smallest number that is free when the chain begins. Each lane begins with a bar of
 * the start-up, which ends for all of them when the first chain begins.
 */
export function onLanes(chains: readonly Chain[]): Pick<Timeline, 'lanes' | 'bars'> {
  const freeFrom: number[] = [];
  const bars: Bar[] = [];
  const inOrder = [...chains].sort((a, b) => a[0]!.fromUs - b[0]!.fromUs);
  const startUpUs = inOrder[0]?.[0]?.fromUs ?? 0;
  for (const chain of inOrder) {
    const free = freeFrom.findIndex((from) => from <= chain[0]!.fromUs);
    const lane = free === -1 ? freeFrom.length : free;
    if (free === -1 && startUpUs > 0) {
      const label = `start-up, ${Math.round(startUpUs / 1_000)} ms`;
      bars.push({ lane: lane + 1, fromUs: 0, toUs: startUpUs, kind: 'start-up', label });
    }
    freeFrom[lane] = chain.at(-1)!.toUs;
    for (const bar of chain) bars.push({ lane: lane + 1, ...bar });
  }
  return { lanes: freeFrom.length, bars };
}

/** Returns the cost of each shared call: the sum over its questions; null without a price. */
function costsOfShared(
  starts: readonly RecordOf<'attempt.start'>[],
  ends: ReadonlyMap<string, RecordOf<'attempt.end'>>,
): ReadonlyMap<string, number | null> {
  const costs = new Map<string, number | null>();
  for (const { attempt, shared } of starts) {
    if (shared === undefined) continue;
    const cost = ends.get(attempt)?.costMicroUsd ?? null;
    const sum = costs.get(shared.call) ?? 0;
    costs.set(shared.call, cost === null ? null : sum + cost);
  }
  return costs;
}

function asked({ cell, cascade, provider, model, n, shared }: RecordOf<'attempt.start'>): string {
  const of = cascade === undefined ? cell : `${cascade}: ${cell}`;
  const questions = shared === undefined ? '' : `, ${shared.of} questions`;
  return `${of}, ${provider}/${model}${n > 1 ? `, try ${n}` : ''}${questions}`;
}

function callBar(
  start: RecordOf<'attempt.start'>,
  end: RecordOf<'attempt.end'> | undefined,
  span: { readonly fromUs: number; readonly toUs: number },
): Omit<Bar, 'lane'> {
  const endUs = span.toUs - span.fromUs;
  // A call that is cut off may settle after its statement.
  const within = (at: number) => Math.max(0, Math.min(at - span.fromUs, endUs));
  const fromUs = within(start.at);
  if (end === undefined) {
    const label = `${asked(start)}: its end is not in the journal`;
    return { fromUs, toUs: endUs, kind: 'failed', label };
  }
  const kind = end.outcome === 'ok' ? 'call' : end.status === 429 ? 'refused' : 'failed';
  const { durationMs, costMicroUsd, error } = end;
  const status = kind === 'call' || end.status === undefined ? '' : `: HTTP ${end.status}`;
  const said = error === undefined ? '' : `: ${error.code}: ${error.message}`;
  return {
    fromUs,
    toUs: Math.max(fromUs, within(end.at)),
    kind,
    label: `${asked(start)}, ${Math.round(durationMs)} ms${status}${said}`,
    durationMs,
    costMicroUsd,
  };
}

function hitBar({ at, count, cell }: RecordOf<'cache.hits'>, startUs: number): Bar {
  const label = `${cell}: ${count} stored ${count === 1 ? 'answer' : 'answers'}`;
  const atUs = Math.max(0, at - startUs);
  return { lane: 0, fromUs: atUs, toUs: atUs, kind: 'hit', label };
}
