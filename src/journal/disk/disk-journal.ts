/** The journal on disk. It appends the records of one process to segments under `<stateDir>/journal`. */
import { messageOf, RvbbitError } from '../../errors.ts';
import { JOURNAL_ROWS_MS } from '../../limits.ts';
import { type AnswerStore, NO_ANSWERS } from '../answers.ts';
import type { LessonStore } from '../lessons.ts';
import type { JournalRecord } from '../records.ts';
import type { Random } from '../session-name.ts';
import { DiskAnswers } from './disk-answers.ts';
import { type FileSystem, realFileSystem } from './file-system.ts';
import { GroupCommit } from './group-commit.ts';
import { journalFolder } from './journal-folder.ts';
import { lessonsFile } from './lessons-file.ts';
import { refuseOtherVersion } from './other-version.ts';
import { pruneFolder } from './prune.ts';
import { SegmentWriter, type WrittenPlace } from './segment-writer.ts';
import type { CacheClear } from './stored-record.ts';
import { type HitsRecord, type RowsRecord, WaitingRecords } from './waiting-records.ts';

/** The codes of a folder in which no file can be made. */
const READ_ONLY: ReadonlySet<string | undefined> = new Set(['EROFS', 'EACCES', 'EPERM']);

/** What the journal keeps, and for how long. */
export interface JournalOptions {
  /** Keeps the prompts of calls as well. Default false. */
  readonly prompts?: boolean;
  /** Keeps answers, so that later statements can use them. Default true. */
  readonly answers?: boolean;
  /** Files whose latest record is older than this (ms) are removed when the journal closes. Default: no age limit. */
  readonly maxAgeMs?: number;
  /** When the journal closes, its oldest files are removed until the folder is small enough. Default: no size limit. */
  readonly maxBytes?: number;
  /** The size at which a segment is sealed and a new segment begins. Default 32 MiB. */
  readonly segmentMaxBytes?: number;
}

export interface DiskJournalOptions extends JournalOptions {
  /** Called for damaged records and for indexes that could not be written. */
  readonly onProblem?: (problem: RvbbitError) => void;
  readonly files?: FileSystem;
  /** The wall clock, ms since the epoch. */
  readonly nowMs?: () => number;
  readonly random?: Random;
}

/** Buffers, writes and syncs records. After a disk failure every `commit` rejects, and nothing more is written. */
export class DiskJournal {
  /** The answers of this process and of other processes. */
  readonly answers: AnswerStore;
  readonly lessons: LessonStore;
  readonly #folder: string;
  readonly #options: DiskJournalOptions;
  readonly #writer: SegmentWriter;
  readonly #commits: GroupCommit;
  readonly #answers: DiskAnswers | undefined;
  readonly #waiting = new WaitingRecords();
  #failure: RvbbitError | undefined;
  /** Why no call may go out, though stored answers are served. */
  #refusal: RvbbitError | undefined;
  #isReadOnly = false;
  #writing: NodeJS.Immediate | undefined;
  #closing: Promise<void> | undefined;

  private constructor(folder: string, options: DiskJournalOptions) {
    const files = options.files ?? realFileSystem;
    const nowMs = options.nowMs ?? Date.now;
    this.#folder = folder;
    this.#options = options;
    this.lessons = lessonsFile(files, folder);
    this.#writer = new SegmentWriter({
      files,
      folder,
      nowMs,
      random: options.random ?? Math.random,
      ...(options.segmentMaxBytes === undefined
        ? {}
        : { segmentMaxBytes: options.segmentMaxBytes }),
      onSegment: (segment) => this.#answers?.own(segment),
      onIndexFailure: (thrown) => this.#warn('write a key index', thrown),
    });
    this.#commits = new GroupCommit(() => this.#sync());
    if (options.answers !== false) {
      this.#answers = new DiskAnswers({
        files,
        folder,
        nowMs,
        onProblem: (problem) => options.onProblem?.(problem),
        flush: () => this.writeNow(),
      });
    }
    this.answers = this.#answers ?? NO_ANSWERS;
  }

  /**
   * Opens the journal and makes its folder. The first record begins the first segment. Fails with RVB_JOURNAL_WRITE, or
   * with RVB_UNSUPPORTED if the folder has another version.
   */
  static async open(stateDir: string, options: DiskJournalOptions = {}): Promise<DiskJournal> {
    const folder = journalFolder(stateDir);
    const { files = realFileSystem } = options;
    refuseOtherVersion(files, folder);
    try {
      files.makeFolder(folder);
    } catch (thrown) {
      throw new RvbbitError(
        'RVB_JOURNAL_WRITE',
        `cannot make the journal's folder ${folder}: ${messageOf(thrown)}; name another state folder`,
        { stage: 'open', cause: thrown },
      );
    }
    return new DiskJournal(folder, options);
  }

  /** Why calls cannot be recorded, if they cannot: a disk failure, or a folder that takes no files. */
  get failure(): RvbbitError | undefined {
    return this.#failure ?? this.#refusal;
  }

  /** Adds a record to the buffer. After a failure the record is dropped, and `commit` rejects. */
  append(record: JournalRecord | CacheClear): void {
    if (this.#failure !== undefined || this.#closing !== undefined) return;
    try {
      if (record.t === 'rows' || record.t === 'cache.hits') this.#wait(record);
      else this.#add(this.#admit(record));
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Holds `rows` and `cache.hits` records until the next sync. Asks for a sync with the first waiting record. */
  #wait(record: RowsRecord | HitsRecord): void {
    const isFirst = this.#waiting.isEmpty;
    this.#waiting.add(record);
    if (isFirst) this.#commits.note(JOURNAL_ROWS_MS);
    if (this.#waiting.isFull) this.#addWaiting();
  }

  #addWaiting(): void {
    for (const record of this.#waiting.take()) this.#put(record);
  }

  /**
   * Hands a record to the writer. In a folder that takes no files, stored answers are served: records are dropped, and
   * from the first record of a call on, calls are refused. Returns undefined for a dropped record.
   */
  #put(record: JournalRecord | CacheClear): WrittenPlace | undefined {
    try {
      return this.#writer.add(record);
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      const isRefused = READ_ONLY.has(code) && !this.#writer.hasSegment;
      if (!isRefused || record.t === 'cache.clear') throw thrown;
      if (record.t.startsWith('attempt')) this.#refusal ??= this.#writeError(thrown);
      else if (!this.#isReadOnly) {
        this.#isReadOnly = true;
        this.#warn('record what stored answers were used for', thrown);
      }
      return undefined;
    }
  }

  #add(record: JournalRecord | CacheClear): void {
    // The `statement.close` record must be the last record of its statement.
    if (record.t === 'statement.close') this.#addWaiting();
    const place = this.#put(record);
    if (place === undefined) return;
    this.#answers?.note(record, place);
    // A start is written before its call is sent, but it needs no sync before that.
    this.#commits.note(record.t === 'attempt.start' ? Infinity : undefined);
    if (record.t === 'attempt.end') this.#writeSoon();
  }

  /** Does the work of `Journal.takeLostCalls`. */
  takeLostCalls(callKey: string): number {
    return this.#answers?.takeLost(callKey) ?? 0;
  }

  /** Does the work of `Journal.isAskedElsewhere`. */
  isAskedElsewhere(callKey: string): boolean {
    return this.#answers?.isOut(callKey) ?? false;
  }

  /**
   * Writes the records so far, except waiting `rows` and `cache.hits`, to the operating system. They then survive a
   * crash of this process, but not a crash of the machine.
   */
  writeNow(): void {
    if (this.#failure !== undefined) return;
    try {
      this.#writer.write();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Resolves when every record so far is on disk. Rejects with RVB_JOURNAL_WRITE at and after the first failure. */
  commit(): Promise<void> {
    return this.#commits.commit();
  }

  /** Commits, seals the segment and closes the files. Rejects as `commit` does. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    clearImmediate(this.#writing);
    try {
      await this.commit();
      this.#writer.close();
      this.#prune();
    } finally {
      // Wait for the running sync first: the number of a closed file may be given to another file.
      await this.#commits.idle();
      this.#writer.abandon();
      this.#answers?.close();
    }
  }

  #prune(): void {
    const { maxAgeMs, maxBytes, files = realFileSystem, nowMs = Date.now } = this.#options;
    if (maxAgeMs === undefined && maxBytes === undefined) return;
    try {
      pruneFolder({
        files,
        folder: this.#folder,
        nowMs: nowMs(),
        ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
        ...(maxBytes === undefined ? {} : { maxBytes }),
      });
    } catch (thrown) {
      // Another process is pruning or compacting the folder, so pruning here can be left out.
      if (thrown instanceof RvbbitError && thrown.code === 'RVB_RUN_LOCKED') return;
      this.#warn('prune', thrown);
    }
  }

  async #sync(): Promise<void> {
    try {
      this.#addWaiting();
      await this.#writer.sync();
    } catch (thrown) {
      throw this.#fail(thrown);
    }
  }

  /** Writes the buffer in the next turn of the event loop. An answer that was paid for then survives a crash. */
  #writeSoon(): void {
    this.#writing ??= setImmediate(() => {
      this.#writing = undefined;
      this.writeNow();
    });
  }

  /** Makes the failure final. There is no retry: after a failed sync the system may have dropped unwritten data. */
  #fail(thrown: unknown): RvbbitError {
    this.#failure ??= this.#writeError(thrown);
    this.#commits.fail(this.#failure);
    return this.#failure;
  }

  #writeError(thrown: unknown): RvbbitError {
    return new RvbbitError(
      'RVB_JOURNAL_WRITE',
      `cannot write the journal in ${this.#folder}: ${messageOf(thrown)}; free space or name another state folder`,
      { stage: 'journal', cause: thrown },
    );
  }

  #warn(what: string, thrown: unknown): void {
    this.#options.onProblem?.(
      new RvbbitError(
        'RVB_JOURNAL_WRITE',
        `could not ${what} in ${this.#folder}: ${messageOf(thrown)}; nothing is lost by it`,
        { stage: 'journal', cause: thrown },
      ),
    );
  }

  /** Returns the record without the fields that this journal does not keep. */
  #admit(record: JournalRecord | CacheClear): JournalRecord | CacheClear {
    const { answers, prompts } = this.#options;
    if (record.t === 'attempt.end' && answers === false) {
      const { value: _value, raw: _raw, ...rest } = record;
      return rest;
    }
    if (record.t === 'attempt.start' && prompts !== true && record.prompt !== undefined) {
      const { prompt: _prompt, ...rest } = record;
      return rest;
    }
    return record;
  }
}
