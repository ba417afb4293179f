/** Whether a segment was left by its writer, by the signs that another process can see. */
import { JOURNAL_SEGMENT_ABANDONED_MS } from '../../limits.ts';
import { isGoneSince } from '../process-facts.ts';
import type { FileFacts } from './file-system.ts';
import { parseSegmentName } from './segment-name.ts';

/**
 * True where the writer's process is gone and nothing was written for an hour. Both are asked: a process
 * of another machine or container that shares the folder cannot be seen, but no writer goes on with a
 * segment that it left alone for half an hour.
 */
export function isAbandoned(segment: string, facts: FileFacts, nowMs: number): boolean {
  const writer = parseSegmentName(segment);
  if (writer === undefined) return false;
  const isLeft = nowMs - facts.modifiedMs > JOURNAL_SEGMENT_ABANDONED_MS;
  // In a container every process may have the same number.
  return isLeft && isGoneSince(writer.pid, facts.modifiedMs);
}
