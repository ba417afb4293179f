/** Whether a segment will still be written to, by the signs that another process can see. */
import { JOURNAL_SEGMENT_ABANDONED_MS } from '../../limits.ts';
import type { FileFacts } from './file-system.ts';
import { isRunning, parseSegmentName } from './segment-name.ts';

/**
 * True where the writer's process is gone and nothing was written for an hour. Both are asked: a process
 * of another machine or container that shares the folder cannot be seen, but no writer goes on with a
 * segment that it left alone for half an hour. A number that another process was given since only
 * keeps the segment open for longer.
 */
export function isAbandoned(segment: string, facts: FileFacts, nowMs: number): boolean {
  const writer = parseSegmentName(segment);
  if (writer === undefined) return false;
  return nowMs - facts.modifiedMs > JOURNAL_SEGMENT_ABANDONED_MS && !isRunning(writer.pid);
}
