/** Durations in cascade files: as the dialect writes them, and longer than nothing. */
import { parseDurationMs } from '../../grammar/duration.ts';

/** Whole milliseconds of `500ms 30s 5m 2h 1d` or of a number of seconds; undefined if it is no duration above 0. */
export function durationMs(value: string | number): number | undefined {
  const ms = Math.round(parseDurationMs(value) ?? 0);
  return ms > 0 && Number.isSafeInteger(ms) ? ms : undefined;
}
