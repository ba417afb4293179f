/** Reads durations as statements and files write them. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Returns the milliseconds of `500ms`, `30s`, `5m`, `2h`, `1d` or a number of seconds; undefined for other text. */
export function parseDurationMs(value: string | number): number | undefined {
  if (typeof value === 'number') {
    return value >= 0 && Number.isFinite(value * 1_000) ? value * 1_000 : undefined;
  }
  const match = /^([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*(ms|s|m|h|d)?$/i.exec(value.trim());
  if (match === null) return undefined;
  const ms = Number(match[1]) * UNIT_MS[(match[2] ?? 's').toLowerCase()]!;
  return Number.isFinite(ms) ? ms : undefined;
}
