/**
 * The key index of a segment is the file `<segment>.keys` beside it. It lists the places of the segment's answers and
 * `cache.clear` records, and the calls that have not ended in it. So opening a folder need not read every line.
 * The index covers the first `covered` bytes of the segment; the lines after them are read. The index can always be
 * made again: an index that is damaged or belongs to another segment is reported and not used.
 */
import { crc32 } from 'node:zlib';
import { JOURNAL_LINE_MAX_BYTES } from '../../limits.ts';
import { type FileSystem, readAt, replaceFile } from './file-system.ts';
import { KeyList } from './key-list.ts';
import type { IndexDamage } from './segment-reader.ts';

/** The content of a key index: facts about the first `covered` bytes of a segment. */
export interface SegmentIndex {
  readonly covered: number;
  /** True if nothing more will be written to the segment. */
  readonly closed: boolean;
  /** The date of the earliest record, µs; Infinity if there is none. `lastAt` is that of the latest; 0 if none. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly records: number;
  readonly keys: KeyList;
  /** The places of the `cache.clear` records. Their hashes are 0. */
  readonly clears: KeyList;
  /** The places of `attempt.start` records whose calls have not ended in the segment, or that report lost calls. */
  readonly starts: KeyList;
  /**
   * The hashes of attempts that ended in the segment, if their start is in an earlier segment or in `starts`. Without
   * places: offset and length are 0.
   */
  readonly ends: KeyList;
}

const LISTS = ['keys', 'clears', 'starts', 'ends'] as const;
/** For each list: the index of the 32-bit header word that holds its length. */
const COUNTS = [2, 3, 14, 15] as const;

// Written in the machine's byte order. A machine with the other byte order reads another number and ignores the index.
const MAGIC = 0x52564b33;
const HEADER_BYTES = 64;
/** The number of bytes in an index file for each listed record. */
export const PLACE_BYTES = 24;

/** Returns the file name of a segment's index. */
export function indexName(segment: string): string {
  return segment.replace(/\.ndjson$/, '.keys');
}

/** Returns the bytes of the index file for a segment. */
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

/** Decodes the bytes of a segment's index file. Returns the index, or the reason why it cannot be used. */
export function decodeIndex(
  file: Buffer,
  segment: string,
): { readonly index: SegmentIndex } | { readonly reason: string } {
  if (file.length < HEADER_BYTES) return { reason: 'it is cut off' };
  // Copied to a new buffer, because typed arrays need aligned bytes.
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

/** True if the index's figures are possible. Readers allocate as many bytes as a listed length says. */
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

/** Reads the index of a segment; undefined if it is missing or unusable. `onDamage` gets the reason. */
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
      // The size is read after the index, because both may have grown meanwhile.
      const size = files.facts(`${folder}/${segment}`)?.size ?? Infinity;
      if ('index' in decoded && decoded.index.covered <= size) return decoded.index;
      const reason = 'reason' in decoded ? decoded.reason : 'it covers more than its segment holds';
      onDamage({ index: indexName(segment), reason });
      return undefined;
    } finally {
      files.close(file);
    }
  } catch {
    // The index was removed meanwhile or is unreadable. The segment itself is read instead.
    return undefined;
  }
}

/** Writes an index beside its segment, atomically. */
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
