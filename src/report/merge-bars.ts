/** Merges neighbouring bars, so that a drawing has fewer bars. */
import type { Bar, BarKind } from './timeline.ts';

/**
 * Returns at most `most` bars, or one for each lane beside its start-up. Merges two bars if the gap between them is too small to see and
 * either they have the same kind or the later bar is too short to see. A start-up stays a bar of its own. The limit for
 * this doubles until few enough bars are left.
 */
export function mergedBars(bars: readonly Bar[], endUs: number, most: number): readonly Bar[] {
  let merged = bars;
  for (let leastUs = endUs / 2_000; merged.length > most && leastUs <= endUs * 2; leastUs *= 2) {
    merged = merge(bars, leastUs);
  }
  return merged;
}

interface Growing {
  readonly first: Bar;
  toUs: number;
  count: number;
  readonly timeUs: Map<BarKind, number>;
}

function merge(bars: readonly Bar[], leastUs: number): Bar[] {
  const done: Growing[] = [];
  const open = new Map<number, Growing>();
  for (const bar of [...bars].sort((a, b) => a.fromUs - b.fromUs)) {
    const growing = open.get(bar.lane);
    const lengthUs = bar.toUs - bar.fromUs;
    if (growing !== undefined && bar.fromUs - growing.toUs <= leastUs) {
      const isShort = lengthUs < leastUs && growing.first.kind !== 'start-up';
      if (bar.kind === kindOf(growing) || isShort) {
        growing.toUs = Math.max(growing.toUs, bar.toUs);
        growing.count += 1;
        growing.timeUs.set(bar.kind, (growing.timeUs.get(bar.kind) ?? 0) + lengthUs);
        continue;
      }
    }
    const next = { first: bar, toUs: bar.toUs, count: 1, timeUs: new Map([[bar.kind, lengthUs]]) };
    open.set(bar.lane, next);
    done.push(next);
  }
  return done.map((growing) => {
    const { first, toUs, count } = growing;
    if (count === 1) return first;
    const { lane, fromUs } = first;
    return { lane, fromUs, toUs, kind: kindOf(growing), label: `${count} bars side by side` };
  });
}

/** Returns the kind that took the most time in a merged bar. */
function kindOf({ timeUs }: Growing): BarKind {
  return [...timeUs].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
}
