/** Decides whether the writer of a segment has abandoned it, from facts that another process can see. */
import { JOURNAL_SEGMENT_ABANDONED_MS } from '../../limits.ts';
import { isGoneSince } from '../process-facts.ts';
import type { FileFacts } from './file-system.ts';
import { parseSegmentName } from './segment-name.ts';

/**
 * True if the writer's process is gone and nothing was written to the segment for an hour. The process alone is not
 * enough: the writer may run on another machine or in another container that shares the folder. But no writer continues
 * a segment after half an hour without a write.
 */
export function isAbandoned(segment: string, facts: FileFacts, nowMs: number): boolean {
  const writer = parseSegmentName(segment);
  if (writer === undefined) return false;
  const isLeft = nowMs - facts.modifiedMs > JOURNAL_SEGMENT_ABANDONED_MS;
  // The time of the last write is passed because in containers different processes may have the same pid.
  return isLeft && isGoneSince(writer.pid, facts.modifiedMs);
}
