/**
 * Writes records to the segments of this process: buffers lines, writes them in batches, begins new segments, and
 * writes a key index for each sealed segment.
 */
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

/** The place of a written record. */
export interface WrittenPlace {
  readonly segment: string;
  readonly offset: number;
  /** Bytes of the line, without the newline. */
  readonly length: number;
}

export interface SegmentWriterOptions {
  readonly files: FileSystem;
  readonly folder: string;
  /** The wall clock, ms since the epoch. */
  readonly nowMs: () => number;
  readonly random: Random;
  /** The size at which a new segment begins. Default 32 MiB. */
  readonly segmentMaxBytes?: number;
  readonly onSegment?: (segment: string) => void;
  /** Called when a key index could not be written. Nothing is lost: readers make the index again. */
  readonly onIndexFailure?: (error: unknown) => void;
}

interface OpenSegment {
  readonly name: string;
  readonly file: number;
  readonly openedMs: number;
  readonly scan: SegmentScan;
  writtenMs: number;
  writtenBytes: number;
  /** The number of written bytes that are known to be on disk. */
  syncedBytes: number;
  isNamed: boolean;
}

/** Writes one segment at a time. A failure to write is final: the caller must not use the writer after it. */
export class SegmentWriter {
  readonly #options: SegmentWriterOptions;
  readonly #lines = new LineBuffer();
  #current: OpenSegment | undefined;
  /** Full segments that are not known to be on disk yet. */
  #retired: OpenSegment[] = [];
  /** By attempt: the provider and model of calls that began in an earlier segment and have not ended. */
  readonly #asked = new Map<string, AnswerSource>();

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
  }

  /** Whether a segment was begun, into which records may have been written. */
  get hasSegment(): boolean {
    return this.#current !== undefined;
  }

  /** Adds a record to the buffer. It is written at the next `write`, or when the buffer is full. */
  add(record: StoredRecord): WrittenPlace {
    const segment = this.#segment();
    const offset = segment.writtenBytes + this.#lines.length;
    const length = this.#lines.add(JSON.stringify(this.#complete(record))) - 1;
    segment.scan.observe(record, offset, length);
    if (this.#lines.length >= JOURNAL_BUFFER_BYTES) this.write();
    return { segment: segment.name, offset, length };
  }

  /**
   * Adds provider and model to an answer whose call began in an earlier segment, because that segment may be archived
   * by the time the answer is read.
   */
  #complete(record: StoredRecord): StoredRecord {
    if (record.t !== 'attempt.end' || this.#asked.size === 0) return record;
    const asked = this.#asked.get(record.attempt);
    this.#asked.delete(record.attempt);
    return asked === undefined || record.value === undefined ? record : { ...record, ...asked };
  }

  /** Writes the buffered lines to the operating system. */
  write(): void {
    const segment = this.#current;
    if (segment === undefined || this.#lines.length === 0) return;
    writeAll(this.#options.files, segment.file, this.#lines.bytes);
    segment.writtenBytes += this.#lines.length;
    segment.writtenMs = this.#options.nowMs();
    this.#lines.clear();
  }

  /** Resolves when every record added before the call is on disk, and the segment's name too. */
  async sync(): Promise<void> {
    this.write();
    const { files, folder } = this.#options;
    const retired = [...this.#retired];
    const open = this.#current === undefined ? retired : [...retired, this.#current];
    // A segment that is fully on disk is skipped. Maintenance may have removed it after a long idle time.
    const segments = open.filter(({ syncedBytes, writtenBytes }) => syncedBytes < writtenBytes);
    for (const segment of segments) {
      const { writtenBytes } = segment;
      await files.sync(segment.file);
      // Writes and syncs to a removed file succeed, but its bytes are lost when this process ends.
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

  /** Seals the open segments. Call it after the last `sync`. */
  close(): void {
    for (const segment of this.#takeOpen()) this.#seal(segment);
  }

  /** Closes the files after a failure, without a write or a key index. */
  abandon(): void {
    this.#lines.clear();
    for (const { file } of this.#takeOpen()) {
      try {
        this.#options.files.close(file);
      } catch {
        // The first failure is the one to report.
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

  /** True if the segment is too large, too old or too long idle. Uses absolute differences: clocks may be set back. */
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
