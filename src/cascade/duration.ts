/** Durations as the dialect writes them: `500ms 30s 5m 2h 1d`, or seconds. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of a duration, undefined if it is not one. A bare number counts seconds. */
export function durationMs(value: string | number): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*$/.exec(String(value));
  if (match === null) return undefined;
  const ms = Math.round(Number(match[1]) * UNIT_MS[match[2] ?? 's']!);
  return ms > 0 && Number.isSafeInteger(ms) ? ms : undefined;
}
