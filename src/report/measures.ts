/** Computes figures of a timeline: durations and costs of its calls, its least possible time, its shares of time. */
import type { Bar, BarKind, Timeline } from './timeline.ts';

/** A step of a line: from the time `atUs` on, the line has the value `value`. */
export interface Step {
  readonly atUs: number;
  readonly value: number;
}

/** Returns the bars during which a call is in flight. */
export function callsOf({ bars }: Timeline): Bar[] {
  return bars.filter(({ kind }) => kind === 'call' || kind === 'refused' || kind === 'failed');
}

/** Returns the duration (ms) and kind of each call that has ended. */
export function latenciesOf(timeline: Timeline): { readonly ms: number; readonly kind: BarKind }[] {
  return callsOf(timeline).flatMap(({ durationMs, kind }) =>
    durationMs === undefined ? [] : [{ ms: durationMs, kind }],
  );
}

/** Returns the value below which this share of the values lies; undefined if there are no values. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** Returns the time (ms) that each call took within the statement, whether it has ended or not. */
function durationsOf(timeline: Timeline): number[] {
  return callsOf(timeline).map(({ durationMs = Infinity, fromUs, toUs }) =>
    Math.min(durationMs, (toUs - fromUs) / 1_000),
  );
}

/** Returns the sum of the calls' times (ms): what they would take one after another. */
export function callsMs(timeline: Timeline): number {
  return durationsOf(timeline).reduce((sum, ms) => sum + ms, 0);
}

/**
 * Returns the least time (ms) that these calls need on `lanes` lanes in any order: the sum of their durations divided
 * by `lanes`, or the longest duration if that is more.
 */
export function boundMs(timeline: Timeline, lanes: number): number {
  const even = callsMs(timeline) / Math.max(1, lanes);
  return durationsOf(timeline).reduce((most, one) => Math.max(most, one), even);
}

/** Returns the time (ms) from the start of the statement to its first call; 0 if there is no call. */
export function startUpMs({ bars }: Timeline): number {
  return (bars.find(({ kind }) => kind === 'start-up')?.toUs ?? 0) / 1_000;
}

/** Returns the micro-USD spent over time; empty if no call has a known price. */
export function costSteps(timeline: Timeline): Step[] {
  const priced = callsOf(timeline)
    .filter(({ costMicroUsd }) => typeof costMicroUsd === 'number')
    .sort((a, b) => a.toUs - b.toUs);
  if (priced.length === 0) return [];
  let value = 0;
  const steps = priced.map(({ toUs, costMicroUsd }) => {
    value += costMicroUsd ?? 0;
    return { atUs: toUs, value };
  });
  return [{ atUs: 0, value: 0 }, ...steps, { atUs: timeline.endUs, value }];
}

/** Returns the number of in-flight calls over time. */
export function inFlightSteps(timeline: Timeline): Step[] {
  const changes = callsOf(timeline)
    .flatMap(({ fromUs, toUs }) => [
      { atUs: fromUs, by: 1 },
      { atUs: toUs, by: -1 },
    ])
    .sort((a, b) => a.atUs - b.atUs || a.by - b.by);
  let value = 0;
  const steps = changes.map(({ atUs, by }) => {
    value += by;
    return { atUs, value };
  });
  return [{ atUs: 0, value: 0 }, ...steps, { atUs: timeline.endUs, value: 0 }];
}

/** Reduces the steps to about `count`: the first, the last, and the largest of each group of neighbouring steps. */
export function thinned(steps: readonly Step[], count: number): readonly Step[] {
  if (steps.length <= count) return steps;
  const size = Math.ceil(steps.length / count);
  const largest = Array.from({ length: Math.ceil(steps.length / size) }, (_, n) =>
    steps
      .slice(n * size, (n + 1) * size)
      .reduce((most, step) => (step.value > most.value ? step : most)),
  );
  return [steps[0]!, ...largest, steps.at(-1)!];
}

/**
 * Returns the share of the lanes' total time that each kind of bar took. `idle` is the rest. Lanes that never had a call
 * count, and their start-up too.
 */
export function timeShares(timeline: Timeline, lanes: number): Map<BarKind | 'idle', number> {
  const allLanes = Math.max(1, lanes, timeline.lanes);
  const wholeUs = Math.max(1, timeline.endUs) * allLanes;
  const timesUs = new Map<BarKind | 'idle', number>();
  for (const { kind, fromUs, toUs } of timeline.bars) {
    timesUs.set(kind, (timesUs.get(kind) ?? 0) + toUs - fromUs);
  }
  if (timesUs.has('start-up')) timesUs.set('start-up', startUpMs(timeline) * 1_000 * allLanes);
  const takenUs = [...timesUs.values()].reduce((sum, time) => sum + time, 0);
  timesUs.set('idle', Math.max(0, wholeUs - takenUs));
  return new Map([...timesUs].map(([kind, time]) => [kind, time / wholeUs]));
}
