/** Writes records to segments of this process: buffered lines, one write a batch, rotation, a key index at the end. */
import {
  JOURNAL_BUFFER_BYTES,
  JOURNAL_SEGMENT_IDLE_MS,
  JOURNAL_SEGMENT_MAX_AGE_MS,
  JOURNAL_SEGMENT_MAX_BYTES,
} from '../../limits.ts';
import type { Random } from '../session-name.ts';
import { type FileSystem, writeAll } from './file-system.ts';
import { writeIndex } from './key-index.ts';
import { LineBuffer } from './line.ts';
import { segmentName } from './segment-name.ts';
import { SegmentScan } from './segment-scan.ts';
import type { AnswerSource, StoredRecord } from './stored-record.ts';

/** Where a record went. */
export interface WrittenPlace {
  readonly segment: string;
  readonly offset: number;
  /** Without the newline. */
  readonly length: number;
}

export interface SegmentWriterOptions {
  readonly files: FileSystem;
  readonly folder: string;
  /** Wall clock, ms. */
  readonly nowMs: () => number;
  readonly random: Random;
  /** Default 32 MiB. */
  readonly segmentMaxBytes?: number;
  /** A segment was begun. */
  readonly onSegment?: (segment: string) => void;
  /** A key index could not be written. Nothing is lost: readers make it again. */
  readonly onIndexFailure?: (error: unknown) => void;
}

interface OpenSegment {
  readonly name: string;
  readonly file: number;
  readonly openedMs: number;
  readonly scan: SegmentScan;
  writtenMs: number;
  writtenBytes: number;
  /** As many of them are on disk. */
  syncedBytes: number;
  isNamed: boolean;
}

/** One segment at a time. Any failure to write is final: the caller must not go on after it. */
export class SegmentWriter {
  readonly #options: SegmentWriterOptions;
  readonly #lines = new LineBuffer();
  #current: OpenSegment | undefined;
  /** Full segments that are not known to be on disk yet. */
  #retired: OpenSegment[] = [];
  /** Who was asked by calls that began in an earlier segment and have not ended, by attempt. */
  readonly #asked = new Map<string, AnswerSource>();

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
  }

  /** Adds a record to the buffer; it is written with the next `write`, or when the buffer is full. */
  add(record: StoredRecord): WrittenPlace {
    const segment = this.#segment();
    const offset = segment.writtenBytes + this.#lines.length;
    const length = this.#lines.add(JSON.stringify(this.#complete(record))) - 1;
    segment.scan.observe(record, offset, length);
    if (this.#lines.length >= JOURNAL_BUFFER_BYTES) this.write();
    return { segment: segment.name, offset, length };
  }

  /** No other segment is needed to know of whom an answer is: the earlier one may be archived by then. */
  #complete(record: StoredRecord): StoredRecord {
    if (record.t !== 'attempt.end' || this.#asked.size === 0) return record;
    const asked = this.#asked.get(record.attempt);
    this.#asked.delete(record.attempt);
    return asked === undefined || record.value === undefined ? record : { ...record, ...asked };
  }

  /** Hands the buffered lines to the system. */
  write(): void {
    const segment = this.#current;
    if (segment === undefined || this.#lines.length === 0) return;
    writeAll(this.#options.files, segment.file, this.#lines.bytes);
    segment.writtenBytes += this.#lines.length;
    segment.writtenMs = this.#options.nowMs();
    this.#lines.clear();
  }

  /** Resolves when everything added before the call is on disk, the segment's name included. */
  async sync(): Promise<void> {
    this.write();
    const { files, folder } = this.#options;
    const retired = [...this.#retired];
    const open = this.#current === undefined ? retired : [...retired, this.#current];
    // Maintenance may remove one that was left idle with everything in it on disk.
    const segments = open.filter(({ syncedBytes, writtenBytes }) => syncedBytes < writtenBytes);
    for (const segment of segments) {
      const { writtenBytes } = segment;
      await files.sync(segment.file);
      // A file that was removed takes every write and sync, and none of it outlives this process.
      if (!files.exists(`${folder}/${segment.name}`)) {
        throw new Error(`${segment.name} was removed while it was written`);
      }
      segment.syncedBytes = writtenBytes;
    }
    const unnamed = segments.filter((segment) => !segment.isNamed);
    if (unnamed.length > 0) {
      await files.syncFolder(folder);
      for (const segment of unnamed) segment.isNamed = true;
    }
    this.#retired = this.#retired.slice(retired.length);
    for (const segment of retired) this.#seal(segment);
  }

  /** Seals what is open. Call it after the last `sync`. */
  close(): void {
    for (const segment of this.#takeOpen()) this.#seal(segment);
  }

  /** Closes the files and leaves them as they are: after a failure. */
  abandon(): void {
    this.#lines.clear();
    for (const { file } of this.#takeOpen()) {
      try {
        this.#options.files.close(file);
      } catch {
        // The failure that led here is the one to tell.
      }
    }
  }

  #takeOpen(): readonly OpenSegment[] {
    const open = this.#current === undefined ? this.#retired : [...this.#retired, this.#current];
    this.#current = undefined;
    this.#retired = [];
    return open;
  }

  #segment(): OpenSegment {
    const { files, folder, nowMs, random, onSegment } = this.#options;
    const current = this.#current;
    if (current !== undefined && (this.#lines.length > 0 || !this.#isDone(current))) return current;
    const openedMs = nowMs();
    const name = segmentName(openedMs, process.pid, random());
    const file = files.create(`${folder}/${name}`);
    if (current !== undefined) {
      this.#retired.push(current);
      for (const { attempt, provider, model } of current.scan.openCalls()) {
        this.#asked.set(attempt, { provider, model });
      }
    }
    const scan = new SegmentScan();
    this.#current = {
      name,
      file,
      openedMs,
      scan,
      writtenMs: openedMs,
      writtenBytes: 0,
      syncedBytes: 0,
      isNamed: false,
    };
    onSegment?.(name);
    return this.#current;
  }

  /** Absolute differences: a clock that is set back must not keep a segment open. */
  #isDone({ writtenBytes, openedMs, writtenMs }: OpenSegment): boolean {
    const now = this.#options.nowMs();
    return (
      writtenBytes >= (this.#options.segmentMaxBytes ?? JOURNAL_SEGMENT_MAX_BYTES) ||
      Math.abs(now - openedMs) > JOURNAL_SEGMENT_MAX_AGE_MS ||
      Math.abs(now - writtenMs) > JOURNAL_SEGMENT_IDLE_MS
    );
  }

  #seal({ name, file, scan }: OpenSegment): void {
    const { files, folder, onIndexFailure } = this.#options;
    try {
      files.close(file);
      if (files.exists(`${folder}/${name}`)) writeIndex(files, folder, name, scan.index(true));
    } catch (thrown) {
      onIndexFailure?.(thrown);
    }
  }
}
