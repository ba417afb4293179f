/** Removes the oldest files of a journal folder by age or total size, but no segment that is still written. */
import { messageOf, RvbbitError } from '../../errors.ts';
import type { FileSystem } from './file-system.ts';
import { lockFolder } from './folder-lock.ts';
import { parseArchiveName } from './segment-name.ts';
import type { Damage, IndexDamage } from './segment-reader.ts';
import {
  archiveNames,
  clearsOf,
  type FinishedSegment,
  finishedSegments,
  removeLeftovers,
  removeSegment,
  segmentNames,
} from './survey.ts';

export interface PruneOptions {
  readonly files: FileSystem;
  readonly folder: string;
  readonly nowMs: number;
  /** Files whose latest record is older than this many milliseconds are removed. */
  readonly maxAgeMs?: number;
  /** The oldest files are removed until the folder holds at most this many bytes. */
  readonly maxBytes?: number;
  /** If true, the result says what would be removed, and nothing is removed. */
  readonly isDry?: boolean;
  readonly onDamage?: (damage: Damage | IndexDamage) => void;
}

/** A file that was removed, or would be removed in a dry run. */
export interface PrunedFile {
  readonly name: string;
  readonly bytes: number;
  /** The date of its latest record, ms since the epoch. */
  readonly lastMs: number;
}

interface Candidate extends PrunedFile {
  readonly segment?: FinishedSegment;
}

/**
 * Prunes a folder and returns the removed files, the oldest first. Fails with RVB_RUN_LOCKED, or with RVB_JOURNAL_WRITE
 * if the folder cannot be changed.
 */
export function pruneFolder(options: PruneOptions): PrunedFile[] {
  try {
    return pruneLocked(options);
  } catch (thrown) {
    if (thrown instanceof RvbbitError) throw thrown;
    throw new RvbbitError(
      'RVB_JOURNAL_WRITE',
      `cannot prune the journal in ${options.folder}: ${messageOf(thrown)}`,
      { stage: 'journal', cause: thrown },
    );
  }
}

function pruneLocked(options: PruneOptions): PrunedFile[] {
  const { files, folder, nowMs, isDry = false } = options;
  const unlock = isDry ? () => undefined : lockFolder(files, folder, nowMs);
  try {
    const going = choose(options);
    if (!isDry) {
      for (const { name, segment } of going) {
        if (segment === undefined) files.remove(`${folder}/${name}`);
        else removeSegment(files, folder, name);
      }
      removeLeftovers(files, folder, nowMs);
    }
    return going.map(({ name, bytes, lastMs }) => ({ name, bytes, lastMs }));
  } finally {
    unlock();
  }
}

function choose(options: PruneOptions): Candidate[] {
  const { files, folder, nowMs, maxAgeMs, maxBytes, isDry = false } = options;
  const segments = finishedSegments(
    files,
    folder,
    nowMs,
    options.onDamage ?? (() => undefined),
    isDry,
  );
  const candidates: Candidate[] = [
    ...segments.map((segment) => ({
      name: segment.name,
      bytes: segment.bytes,
      lastMs: segment.index.lastAt / 1_000,
      segment,
    })),
    ...archiveNames(files, folder).map((name) => ({
      name,
      bytes: files.facts(`${folder}/${name}`)?.size ?? 0,
      lastMs: parseArchiveName(name)!.lastMs,
    })),
  ].sort((a, b) => a.lastMs - b.lastMs);
  let total = files
    .list(folder)
    .reduce((sum, name) => sum + (files.facts(`${folder}/${name}`)?.size ?? 0), 0);
  const going: Candidate[] = [];
  for (const candidate of candidates) {
    const isOld = maxAgeMs !== undefined && nowMs - candidate.lastMs > maxAgeMs;
    const isTooMuch = maxBytes !== undefined && total > maxBytes;
    if (!isOld && !isTooMuch) continue;
    going.push(candidate);
    total -= candidate.bytes;
  }
  return withoutNeededClears(options, segments, going);
}

/** Leaves out segments whose `cache.clear` records are still needed: without them cleared answers would come back. */
function withoutNeededClears(
  { files, folder }: PruneOptions,
  segments: readonly FinishedSegment[],
  going: readonly Candidate[],
): Candidate[] {
  const goes = new Set(going.map(({ name }) => name));
  const stays = segments.filter(({ name, index }) => !goes.has(name) && index.keys.count > 0);
  const finished = new Set(segments.map(({ name }) => name));
  const hasOpen = segmentNames(files, folder).some((name) => !finished.has(name));
  const earliest = stays.reduce((first, { index }) => Math.min(first, index.firstAt), Infinity);
  return going.filter(
    ({ segment }) =>
      segment === undefined ||
      segment.index.clears.count === 0 ||
      !(hasOpen || clearsOf(files, folder, segment).some(({ before }) => before > earliest)),
  );
}
