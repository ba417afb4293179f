/**
 * The key index of a segment, `<segment>.keys` beside it: where its answers and its `cache.clear` records stand, and
 * which of its calls have not ended in it, so that opening a folder need not read every line. It covers the first
 * `covered` bytes; what stands beyond them is read. It can always be made again: one that is damaged, or is another
 * segment's, is named and not used.
 */
import { crc32 } from 'node:zlib';
import { JOURNAL_LINE_MAX_BYTES } from '../../limits.ts';
import { type FileSystem, readAt, replaceFile } from './file-system.ts';
import { KeyList } from './key-list.ts';
import type { IndexDamage } from './segment-reader.ts';

/** What is known of a segment's first bytes. */
export interface SegmentIndex {
  readonly covered: number;
  /** Nothing will be written to the segment any more. */
  readonly closed: boolean;
  /** Dates of the earliest and the latest record, µs; Infinity and 0 where there is none. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly records: number;
  readonly keys: KeyList;
  /** Places of `cache.clear` records; their hashes are 0. */
  readonly clears: KeyList;
  /** Places of the `attempt.start` records whose calls have not ended in the segment, or that tell of lost calls. */
  readonly starts: KeyList;
  /** Attempts that ended in the segment and began in an earlier one, or whose start is listed; no places. */
  readonly ends: KeyList;
}

const LISTS = ['keys', 'clears', 'starts', 'ends'] as const;
/** Where in the header the lengths of the lists stand, in words. */
const COUNTS = [2, 3, 14, 15] as const;

// Written in the machine's own byte order: another machine's index has another magic number and is passed over.
const MAGIC = 0x52564b33;
const HEADER_BYTES = 64;
/** What an index file holds of each answer. */
export const PLACE_BYTES = 24;

/** The index's file name. */
export function indexName(segment: string): string {
  return segment.replace(/\.ndjson$/, '.keys');
}

/** The index of the segment of that name, as the bytes of its file. */
export function encodeIndex(index: SegmentIndex, segment: string): Buffer {
  const places = LISTS.reduce((sum, name) => sum + index[name].count, 0);
  const bytes = new ArrayBuffer(HEADER_BYTES + PLACE_BYTES * places);
  const floats = new Float64Array(bytes, 0, 8);
  const words = new Uint32Array(bytes, 0, 16);
  words[0] = MAGIC;
  words[4] = index.closed ? 1 : 0;
  words[5] = crc32(segment);
  floats[3] = index.covered;
  floats[4] = index.firstAt;
  floats[5] = index.lastAt;
  floats[6] = index.records;
  let start = HEADER_BYTES;
  for (const [n, name] of LISTS.entries()) {
    const list = index[name];
    words[COUNTS[n]!] = list.count;
    copyInto(viewList(bytes, start, list.count), list);
    start += PLACE_BYTES * list.count;
  }
  words[1] = crc32(new Uint8Array(bytes, 8));
  return Buffer.from(bytes);
}

/** Reads the index of the segment of that name back, or says why it cannot be used. */
export function decodeIndex(
  file: Buffer,
  segment: string,
): { readonly index: SegmentIndex } | { readonly reason: string } {
  if (file.length < HEADER_BYTES) return { reason: 'it is cut off' };
  // A buffer of its own: typed arrays need it aligned.
  const bytes = new Uint8Array(file).buffer;
  const floats = new Float64Array(bytes, 0, 8);
  const words = new Uint32Array(bytes, 0, 16);
  const counts = COUNTS.map((word) => words[word]!);
  const places = counts.reduce((sum, count) => sum + count, 0);
  if (words[0] !== MAGIC) return { reason: 'its form is not known' };
  if (bytes.byteLength !== HEADER_BYTES + PLACE_BYTES * places) return { reason: 'it is cut off' };
  if (words[1] !== crc32(new Uint8Array(bytes, 8))) {
    return { reason: 'its checksum does not hold' };
  }
  if (words[5] !== crc32(segment)) return { reason: 'it is the index of another segment' };
  let start = HEADER_BYTES;
  const [keys, clears, starts, ends] = counts.map((count) => {
    const list = viewList(bytes, start, count);
    start += PLACE_BYTES * count;
    return list;
  });
  const index: SegmentIndex = {
    covered: floats[3]!,
    closed: words[4] === 1,
    firstAt: floats[4]!,
    lastAt: floats[5]!,
    records: floats[6]!,
    keys: keys!,
    clears: clears!,
    starts: starts!,
    ends: ends!,
  };
  return isPossible(index) ? { index } : { reason: 'it names places that cannot be' };
}

/** Whether an index can be that of any segment: whoever reads a place asks for as many bytes as it says. */
function isPossible(index: SegmentIndex): boolean {
  const { covered, firstAt, lastAt, records } = index;
  return (
    [covered, lastAt, records].every((figure) => Number.isSafeInteger(figure) && figure >= 0) &&
    firstAt >= 0 &&
    LISTS.every((name) => isWithin(index[name], covered))
  );
}

function isWithin({ at, offset, length, count }: KeyList, covered: number): boolean {
  for (let n = 0; n < count; n += 1) {
    if (offset[n]! + length[n]! > covered || length[n]! > JOURNAL_LINE_MAX_BYTES) return false;
    if (!(at[n]! >= 0 && at[n]! <= Number.MAX_SAFE_INTEGER)) return false;
  }
  return true;
}

/** Reads the index of a segment from `folder`; undefined if there is none that can be used, and why is told. */
export function readIndex(
  files: FileSystem,
  folder: string,
  segment: string,
  onDamage: (damage: IndexDamage) => void,
): SegmentIndex | undefined {
  const path = `${folder}/${indexName(segment)}`;
  const facts = files.facts(path);
  if (facts === undefined) return undefined;
  try {
    const file = files.openToRead(path);
    try {
      const decoded = decodeIndex(readAt(files, file, 0, facts.size), segment);
      // Asked after the index was read: the segment may have grown with it.
      const size = files.facts(`${folder}/${segment}`)?.size ?? Infinity;
      if ('index' in decoded && decoded.index.covered <= size) return decoded.index;
      const reason = 'reason' in decoded ? decoded.reason : 'it covers more than its segment holds';
      onDamage({ index: indexName(segment), reason });
      return undefined;
    } finally {
      files.close(file);
    }
  } catch {
    // Removed meanwhile, or unreadable: the segment itself is read instead.
    return undefined;
  }
}

/** Puts an index beside its segment: whole or not at all. */
export function writeIndex(
  files: FileSystem,
  folder: string,
  segment: string,
  index: SegmentIndex,
): void {
  replaceFile(files, `${folder}/${indexName(segment)}`, encodeIndex(index, segment));
}

function viewList(bytes: ArrayBuffer, start: number, count: number): KeyList {
  const list = new KeyList(0);
  list.at = new Float64Array(bytes, start, count);
  list.high = new Uint32Array(bytes, start + 8 * count, count);
  list.low = new Uint32Array(bytes, start + 12 * count, count);
  list.offset = new Uint32Array(bytes, start + 16 * count, count);
  list.length = new Uint32Array(bytes, start + 20 * count, count);
  list.count = count;
  return list;
}

function copyInto(view: KeyList, { at, high, low, offset, length, count }: KeyList): void {
  view.at.set(at.subarray(0, count));
  view.high.set(high.subarray(0, count));
  view.low.set(low.subarray(0, count));
  view.offset.set(offset.subarray(0, count));
  view.length.set(length.subarray(0, count));
}
