/** Reads single records at their places in segments. Keeps few files open, reads blocks, reports each damage once. */
import { LRUCache } from 'lru-cache';
import type { RvbbitError } from '../../errors.ts';
import {
  JOURNAL_ANSWER_READ_BYTES,
  JOURNAL_OPEN_FILES,
  JOURNAL_READ_AHEAD_BYTES,
} from '../../limits.ts';
import { type FileSystem, readAt } from './file-system.ts';
import { damageError, decodeLine } from './segment-reader.ts';
import type { StoredRecord } from './stored-record.ts';

export interface RecordReaderOptions {
  readonly files: FileSystem;
  readonly folder: string;
  readonly onProblem: (problem: RvbbitError) => void;
}

/** A segment: its name, and the number that this process has given to it. */
export interface SegmentFile {
  readonly name: string;
  readonly id: number;
}

export class RecordReader {
  readonly #options: RecordReaderOptions;
  readonly #open = new LRUCache<number, { readonly file: number }>({
    max: JOURNAL_OPEN_FILES,
    dispose: ({ file }) => this.#options.files.close(file),
  });
  /** The places of damage that has been reported. */
  readonly #reported = new Set<string>();
  #block: { segment: number; start: number; bytes: Buffer } | undefined;

  constructor(options: RecordReaderOptions) {
    this.#options = options;
  }

  /** Returns the record at a place; undefined if it is gone or damaged. Damage is reported. */
  read(known: SegmentFile, offset: number, length: number): StoredRecord | undefined {
    let block = this.#block;
    if (
      block?.segment !== known.id ||
      offset < block.start ||
      offset + length > block.start + block.bytes.length
    ) {
      const bytes = this.#readBlock(known, offset, length);
      if (bytes === undefined) return undefined;
      block = { segment: known.id, start: offset, bytes };
      this.#block = block;
    }
    const start = offset - block.start;
    const decoded = decodeLine(block.bytes, start, start + length);
    if ('record' in decoded) return decoded.record;
    const { name: segment } = known;
    const place = `${segment}:${offset}`;
    if (!this.#reported.has(place)) {
      this.#reported.add(place);
      const { reason } = decoded;
      this.#options.onProblem(damageError({ segment, line: 0, offset, length, reason }));
    }
    return undefined;
  }

  close(): void {
    this.#open.clear();
    this.#block = undefined;
  }

  /** Returns the number of bytes to read at a place: more if the place is just after the last block. */
  #readBytes(known: SegmentFile, offset: number): number {
    const last = this.#block;
    const isNear =
      last?.segment === known.id &&
      offset >= last.start &&
      offset - last.start - last.bytes.length < JOURNAL_READ_AHEAD_BYTES;
    return isNear ? JOURNAL_READ_AHEAD_BYTES : JOURNAL_ANSWER_READ_BYTES;
  }

  #readBlock(known: SegmentFile, offset: number, length: number): Buffer | undefined {
    const { files, folder } = this.#options;
    try {
      let open = this.#open.get(known.id);
      if (open === undefined) {
        open = { file: files.openToRead(`${folder}/${known.name}`) };
        this.#open.set(known.id, open);
      }
      const wanted = Math.max(length, this.#readBytes(known, offset));
      const bytes = readAt(files, open.file, offset, wanted);
      return bytes.length < length ? undefined : bytes;
    } catch {
      // The segment was pruned or compacted meanwhile.
      return undefined;
    }
  }
}
