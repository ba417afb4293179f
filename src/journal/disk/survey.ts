/** Lists and cleans up the files of a journal folder, for the commands that maintain it. */
import { JOURNAL_SEGMENT_ABANDONED_MS } from '../../limits.ts';
import { isAbandoned } from './abandoned.ts';
import { type FileSystem, readAt, unlessGone } from './file-system.ts';
import { indexName, readIndex, type SegmentIndex, writeIndex } from './key-index.ts';
import { parseArchiveName, parseSegmentName } from './segment-name.ts';
import {
  type Damage,
  decodeLine,
  type IndexDamage,
  type ReadLine,
  readSegment,
} from './segment-reader.ts';
import { SegmentScan, scanOn } from './segment-scan.ts';
import type { CacheClear } from './stored-record.ts';

/** A segment to which nothing more will be written. */
export interface FinishedSegment {
  readonly name: string;
  /** The size of the segment and its index. */
  readonly bytes: number;
  readonly index: SegmentIndex;
}

/** Returns the names of the folder's segments, the oldest first. Returns none if the folder does not exist. */
export function segmentNames(files: FileSystem, folder: string): string[] {
  if (files.facts(folder) === undefined) return [];
  return files
    .list(folder)
    .filter((name) => parseSegmentName(name) !== undefined)
    .sort();
}

/**
 * Reads every segment, the oldest first. If a segment is gone when its turn comes, compaction may have moved its
 * answers to a new segment. New segments are then read too, so `visit` may see an answer twice.
 */
export function readSegments(
  files: FileSystem,
  folder: string,
  visit: (line: ReadLine, segment: string) => void,
  onDamage: (damage: Damage) => void,
): void {
  const seen = new Set<string>();
  for (let isWhole = false; !isWhole; ) {
    isWhole = true;
    for (const name of segmentNames(files, folder)) {
      if (seen.has(name)) continue;
      seen.add(name);
      const read = () => readSegment(files, folder, name, 0, (line) => visit(line, name), onDamage);
      if (unlessGone(read) === undefined) isWhole = false;
    }
  }
}

/** Returns the names of the Parquet files that compaction has made, the oldest first. */
export function archiveNames(files: FileSystem, folder: string): string[] {
  if (files.facts(folder) === undefined) return [];
  return files
    .list(folder)
    .filter((name) => parseArchiveName(name) !== undefined)
    .sort();
}

/** Returns the finished segments, the oldest first. Writes missing indexes, unless `isDry`. */
export function finishedSegments(
  files: FileSystem,
  folder: string,
  nowMs: number,
  onDamage: (damage: Damage | IndexDamage) => void,
  isDry: boolean,
): FinishedSegment[] {
  return segmentNames(files, folder).flatMap((name) => {
    const facts = files.facts(`${folder}/${name}`);
    if (facts === undefined) return [];
    let index = readIndex(files, folder, name, onDamage);
    if (index?.closed !== true) {
      if (!isAbandoned(name, facts, nowMs)) return [];
      const scan = new SegmentScan();
      const torn = unlessGone(() => scanOn(files, folder, name, scan, onDamage));
      if (torn === undefined) return [];
      index = scan.index(true);
      if (!isDry) keepIndex(files, folder, name, index);
    }
    const indexBytes = files.facts(`${folder}/${indexName(name)}`)?.size ?? 0;
    return [{ name, bytes: facts.size + indexBytes, index }];
  });
}

/** Writes an index if that is possible. The index only saves time, so a full disk must not stop maintenance here. */
function keepIndex(files: FileSystem, folder: string, name: string, index: SegmentIndex): void {
  try {
    writeIndex(files, folder, name, index);
  } catch {
    // The next reader makes the index again.
  }
}

/** Reads the `cache.clear` records of a segment. */
export function clearsOf(
  files: FileSystem,
  folder: string,
  { name, index }: Pick<FinishedSegment, 'name' | 'index'>,
): CacheClear[] {
  const { clears } = index;
  if (clears.count === 0) return [];
  const file = unlessGone(() => files.openToRead(`${folder}/${name}`));
  if (file === undefined) return [];
  try {
    return Array.from({ length: clears.count }, (_, n) => {
      const bytes = readAt(files, file, clears.offset[n]!, clears.length[n]!);
      const decoded = decodeLine(bytes, 0, bytes.length);
      return 'record' in decoded && decoded.record.t === 'cache.clear' ? [decoded.record] : [];
    }).flat();
  } finally {
    files.close(file);
  }
}

/** Removes a segment and its index. */
export function removeSegment(files: FileSystem, folder: string, name: string): void {
  files.remove(`${folder}/${name}`);
  files.remove(`${folder}/${indexName(name)}`);
}

/** Removes old temporary files and indexes without a segment, which processes that died have left. */
export function removeLeftovers(files: FileSystem, folder: string, nowMs: number): void {
  const names = new Set(files.list(folder));
  for (const name of names) {
    const facts = files.facts(`${folder}/${name}`);
    if (facts === undefined || nowMs - facts.modifiedMs < JOURNAL_SEGMENT_ABANDONED_MS) continue;
    const isOrphan = name.endsWith('.keys') && !names.has(name.replace(/\.keys$/, '.ndjson'));
    if (isOrphan || name.endsWith('.tmp')) files.remove(`${folder}/${name}`);
  }
}
