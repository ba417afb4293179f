/** Durations in cascade files: written as in the dialect, and longer than 0. */
import { parseDurationMs } from '../../grammar/duration.ts';

/**
 * Returns the whole milliseconds of `500ms 30s 5m 2h 1d` or of a number of seconds; undefined if the value is not a
 * duration above 0.
 */
export function durationMs(value: string | number): number | undefined {
  const ms = Math.round(parseDurationMs(value) ?? 0);
  return ms > 0 && Number.isSafeInteger(ms) ? ms : undefined;
}
