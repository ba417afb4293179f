/**
 * Compaction moves the records of old segments to a Parquet file. It also copies the answers that can still be found to
 * a new segment. Both files get their final names before the first old segment is removed, so a kill at any moment
 * loses nothing. If a compaction is interrupted, the next compaction removes the segments that are left.
 */
import { messageOf, RvbbitError } from '../../errors.ts';
import { COMPACT_BATCH_BYTES, JOURNAL_BUFFER_BYTES } from '../../limits.ts';
import type { Random } from '../session-name.ts';
import type { Archive } from './archive.ts';
import { type FileSystem, unlessGone, writeAll } from './file-system.ts';
import { lockFolder } from './folder-lock.ts';
import { writeIndex } from './key-index.ts';
import { LineBuffer } from './line.ts';
import { archiveName, segmentName } from './segment-name.ts';
import {
  type Damage,
  type IndexDamage,
  type JournalDamage,
  type ReadLine,
  readSegment,
} from './segment-reader.ts';
import { SegmentScan } from './segment-scan.ts';
import {
  type AnswerSource,
  answerKey,
  askedOf,
  type KeptAnswer,
  type StoredRecord,
} from './stored-record.ts';
import {
  archiveNames,
  type FinishedSegment,
  finishedSegments,
  removeLeftovers,
  removeSegment,
} from './survey.ts';

/** Returns true if the answer at a place can still be found: its key has no newer answer, and it is not cleared. */
export type IsCurrent = (callKey: string, at: number, segment: string, offset: number) => boolean;

export interface CompactOptions {
  readonly files: FileSystem;
  readonly folder: string;
  readonly nowMs: number;
  readonly random: Random;
  /** Segments whose last record is older than this many milliseconds are compacted. */
  readonly olderThanMs: number;
  readonly isCurrent: IsCurrent;
  readonly openArchive: () => Promise<Archive>;
  /** If true, the result says what would be compacted, and nothing is changed. */
  readonly isDry?: boolean;
  /** Called for each damage. A damaged segment or an unreadable archive stays as it is. */
  readonly onDamage: (damage: JournalDamage) => void;
}

/** The result of the compaction of one batch of segments. */
export interface Compacted {
  readonly segments: readonly string[];
  readonly bytes: number;
  /** The name of the Parquet file. Absent in a dry run, and if the segments held only kept answers. */
  readonly archive?: string;
  /** The number of answers that were copied to a new segment. */
  readonly answers: number;
}

/** Compacts a folder. Fails with RVB_RUN_LOCKED or RVB_JOURNAL_WRITE; a failure loses no records. */
export async function compactFolder(options: CompactOptions): Promise<Compacted[]> {
  if (options.isDry) {
    return batches(options).map((batch) => ({
      ...factsOf(batch),
      answers: countCurrent(options, batch),
    }));
  }
  try {
    return await compactLocked(options);
  } catch (thrown) {
    if (thrown instanceof RvbbitError) throw thrown;
    throw new RvbbitError(
      'RVB_JOURNAL_WRITE',
      `cannot compact the journal in ${options.folder}: ${messageOf(thrown)}; nothing is lost, free space and try again`,
      { stage: 'journal', cause: thrown },
    );
  }
}

async function compactLocked(options: CompactOptions): Promise<Compacted[]> {
  const { files, folder, nowMs } = options;
  const unlock = lockFolder(files, folder, nowMs);
  try {
    const archive = await options.openArchive();
    try {
      await removeArchived(options, archive);
      const done: Compacted[] = [];
      removeLeftovers(files, folder, nowMs);
      for (const batch of batches(options)) done.push(await compactBatch(options, archive, batch));
      return done;
    } finally {
      await archive.close();
    }
  } finally {
    unlock();
  }
}

/** Removes segments that an earlier, interrupted compaction had put into an archive but not removed. */
async function removeArchived(options: CompactOptions, archive: Archive): Promise<void> {
  const { files, folder, onDamage } = options;
  for (const name of archiveNames(files, folder)) {
    let archived: string[] = [];
    try {
      archived = await archive.segmentsIn(`${folder}/${name}`);
    } catch (thrown) {
      onDamage({ archive: name, reason: messageOf(thrown) });
    }
    for (const segment of archived) removeSegment(files, folder, segment);
  }
}

function batches(options: CompactOptions): FinishedSegment[][] {
  const { files, folder, nowMs, olderThanMs, isDry = false } = options;
  const damaged = new Set<string>();
  const onDamage = (damage: Damage | IndexDamage) => {
    if ('segment' in damage) damaged.add(damage.segment);
    options.onDamage(damage);
  };
  const found: FinishedSegment[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const segment of finishedSegments(files, folder, nowMs, onDamage, isDry)) {
    const { name, index } = segment;
    // A `cache.clear` must stay findable, and there are few of them.
    if (nowMs - index.lastAt / 1_000 <= olderThanMs || index.clears.count > 0) continue;
    const read = unlessGone(() => readSegment(files, folder, name, 0, () => undefined, onDamage));
    if (read === undefined || damaged.has(name)) continue;
    if (bytes + segment.bytes > COMPACT_BATCH_BYTES) {
      found.push([]);
      bytes = 0;
    }
    found.at(-1)!.push(segment);
    bytes += segment.bytes;
  }
  // Compacting a single segment that holds only kept answers would write the same segment again.
  return found.filter(
    (batch) => batch.length > 1 || batch.some(({ index }) => index.records > index.keys.count),
  );
}

function factsOf(batch: readonly FinishedSegment[]): Pick<Compacted, 'segments' | 'bytes'> {
  return {
    segments: batch.map(({ name }) => name),
    bytes: batch.reduce((sum, segment) => sum + segment.bytes, 0),
  };
}

/** Returns the number of answers in the batch that can still be found. */
function countCurrent(options: CompactOptions, batch: readonly FinishedSegment[]): number {
  const { files, folder, isCurrent } = options;
  let count = 0;
  for (const { name } of batch) {
    const visit = ({ record, offset }: ReadLine) => {
      const key = answerKey(record);
      if (key !== undefined && isCurrent(key, record.at, name, offset)) count += 1;
    };
    unlessGone(() => readSegment(files, folder, name, 0, visit, () => undefined));
  }
  return count;
}

async function compactBatch(
  options: CompactOptions,
  archive: Archive,
  batch: readonly FinishedSegment[],
): Promise<Compacted> {
  const { files, folder, nowMs, random } = options;
  const lastAt = batch.reduce((last, { index }) => Math.max(last, index.lastAt), 0);
  const kept = segmentName(nowMs, process.pid, random());
  const archivedTo = archiveName(lastAt / 1_000, process.pid, random());
  const scan = new SegmentScan();
  const archived = await copyRecords(options, archive, batch, kept, scan);
  if (archived > 0) {
    const temporary = `${folder}/${archivedTo}.tmp`;
    files.close(files.create(temporary));
    await archive.write(temporary);
    await syncFile(files, temporary);
  }
  if (scan.records > 0) {
    files.rename(`${folder}/${kept}.tmp`, `${folder}/${kept}`);
    writeIndex(files, folder, kept, scan.index(true));
    await files.syncFolder(folder);
  } else files.remove(`${folder}/${kept}.tmp`);
  if (archived > 0) {
    files.rename(`${folder}/${archivedTo}.tmp`, `${folder}/${archivedTo}`);
    await files.syncFolder(folder);
  }
  for (const { name } of batch) removeSegment(files, folder, name);
  return {
    ...factsOf(batch),
    ...(archived > 0 ? { archive: archivedTo } : {}),
    answers: scan.records,
  };
}

/** Adds records to the archive and writes current answers to `<kept>.tmp`. Returns the number of archived records. */
async function copyRecords(
  options: CompactOptions,
  archive: Archive,
  batch: readonly FinishedSegment[],
  kept: string,
  scan: SegmentScan,
): Promise<number> {
  const { files, folder } = options;
  const file = files.create(`${folder}/${kept}.tmp`);
  try {
    const lines = new LineBuffer();
    const models = new Map<string, AnswerSource>();
    let archived = 0;
    for (const { name } of batch) {
      for (const line of linesOf(options, name)) {
        const { record, json } = line;
        if (record.t === 'attempt.start') models.set(record.attempt, record);
        const answer = keptAnswer(record, models);
        if (record.t === 'attempt.end') models.delete(record.attempt);
        if (
          answer !== undefined &&
          options.isCurrent(answer.callKey, answer.at, name, line.offset)
        ) {
          const length = lines.add(JSON.stringify(answer));
          scan.observe(answer, scan.covered, length - 1);
        }
        if (lines.length >= JOURNAL_BUFFER_BYTES) {
          writeAll(files, file, lines.bytes);
          lines.clear();
        }
        // An `answer` is a copy of a record that is already in an archive.
        if (record.t === 'answer') continue;
        archived += 1;
        await archive.add({ segment: name, record, json });
      }
    }
    writeAll(files, file, lines.bytes);
    await files.sync(file);
    return archived;
  } finally {
    files.close(file);
  }
}

function linesOf({ files, folder, onDamage }: CompactOptions, segment: string): ReadLine[] {
  const lines: ReadLine[] = [];
  readSegment(files, folder, segment, 0, (line) => lines.push(line), onDamage);
  return lines;
}

function keptAnswer(
  record: StoredRecord,
  models: ReadonlyMap<string, AnswerSource>,
): KeptAnswer | undefined {
  if (record.t === 'answer') return record;
  if (record.t !== 'attempt.end') return undefined;
  const { v, seq, at, session, caller, callKey, value } = record;
  if (callKey === undefined || value === undefined) return undefined;
  const { tokensIn, tokensOut, costMicroUsd } = record;
  return {
    ...{ v, seq, at, session, caller, t: 'answer', callKey, value },
    ...{ tokensIn, tokensOut, costMicroUsd },
    ...askedOf(record, models),
  };
}

async function syncFile(files: FileSystem, path: string): Promise<void> {
  const file = files.openToRead(path);
  try {
    await files.sync(file);
  } finally {
    files.close(file);
  }
}
