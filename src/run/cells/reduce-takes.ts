/** Reduces several values of one cell to one value. The lists here are never empty. */
import { canonicalJson } from '../../cascade/plain-json.ts';
import type { Json } from '../../util/json.ts';

/**
 * Returns the most frequent value; objects are equal whatever the order of their keys. If several values are equally
 * frequent, the one that came first wins.
 */
export function voteOf(values: readonly Json[]): Json {
  const votes = new Map<string, { readonly value: Json; count: number }>();
  for (const value of values) {
    const text = canonicalJson(value);
    const entry = votes.get(text);
    if (entry === undefined) votes.set(text, { value, count: 1 });
    else entry.count += 1;
  }
  let best: { readonly value: Json; readonly count: number } | undefined;
  for (const entry of votes.values()) {
    if (best === undefined || entry.count > best.count) best = entry;
  }
  return best!.value;
}

/** Returns the middle number, or the mean of the two middle numbers if their count is even. */
export function medianOf(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle]!;
  if (sorted.length % 2 === 1) return upper;
  const lower = sorted[middle - 1]!;
  const sum = lower + upper;
  return Number.isFinite(sum) ? sum / 2 : lower / 2 + upper / 2;
}

/** True if all values are equal, so that no choice is needed. */
export function areEqual(values: readonly Json[]): boolean {
  return new Set(values.map(canonicalJson)).size === 1;
}
