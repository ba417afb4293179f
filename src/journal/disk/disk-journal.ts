/** The journal on disk: one process's records, appended to segments under `<stateDir>/journal`. */
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
import { SegmentWriter } from './segment-writer.ts';
import type { CacheClear } from './stored-record.ts';
import { type HitsRecord, type RowsRecord, WaitingRecords } from './waiting-records.ts';

/** What is kept, and for how long. */
export interface JournalOptions {
  /** Keeps the prompts of calls as well. Default false. */
  readonly prompts?: boolean;
  /** Keeps answers, so that later statements find them. Default true. */
  readonly answers?: boolean;
  /** Segments whose last record is older (ms) are removed when the journal is closed. Default: none is. */
  readonly maxAgeMs?: number;
  /** The oldest segments are removed when the journal is closed, until the folder is no larger. Default: any size. */
  readonly maxBytes?: number;
  /** Bytes at which a segment is sealed and another begun. Default 32 MiB. */
  readonly segmentMaxBytes?: number;
}

export interface DiskJournalOptions extends JournalOptions {
  /** Told of damaged records and of indexes that could not be written. */
  readonly onProblem?: (problem: RvbbitError) => void;
  readonly files?: FileSystem;
  /** Wall clock, ms. */
  readonly nowMs?: () => number;
  readonly random?: Random;
}

/** Buffers, writes and syncs. Once the disk has failed, every `commit` says so and nothing more is written. */
export class DiskJournal {
  /** Answers of this and of earlier processes. */
  readonly answers: AnswerStore;
  readonly lessons: LessonStore;
  readonly #folder: string;
  readonly #options: DiskJournalOptions;
  readonly #writer: SegmentWriter;
  readonly #commits: GroupCommit;
  readonly #answers: DiskAnswers | undefined;
  readonly #waiting = new WaitingRecords();
  #failure: RvbbitError | undefined;
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
   * Opens the journal and makes its folder; a segment is begun with the first record. Fails with RVB_JOURNAL_WRITE, or
   * with RVB_UNSUPPORTED where the folder is of another version.
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

  /** What the disk failed with, if it has. */
  get failure(): RvbbitError | undefined {
    return this.#failure;
  }

  /** Adds a record to the lines that wait. After a failure it is dropped; `commit` has said so. */
  append(record: JournalRecord | CacheClear): void {
    if (this.#failure !== undefined || this.#closing !== undefined) return;
    try {
      if (record.t === 'rows' || record.t === 'cache.hits') this.#wait(record);
      else this.#add(this.#admit(record));
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Rows and hits wait for the next sync; they are one record more of those that it serves. */
  #wait(record: RowsRecord | HitsRecord): void {
    const isFirst = this.#waiting.isEmpty;
    this.#waiting.add(record);
    if (isFirst) this.#commits.note(JOURNAL_ROWS_MS);
    if (this.#waiting.isFull) this.#addWaiting();
  }

  #addWaiting(): void {
    for (const record of this.#waiting.take()) this.#writer.add(record);
  }

  #add(record: JournalRecord | CacheClear): void {
    // The last word on a statement is its closing.
    if (record.t === 'statement.close') this.#addWaiting();
    const place = this.#writer.add(record);
    this.#answers?.note(record, place);
    // A start is written before its call goes out; it need not be on disk before that.
    this.#commits.note(record.t === 'attempt.start' ? Infinity : undefined);
    if (record.t === 'attempt.end') this.#writeSoon();
  }

  /** As `Journal.takeLostCalls`. */
  takeLostCalls(callKey: string): number {
    return this.#answers?.takeLost(callKey) ?? 0;
  }

  /** Hands the records so far, rows apart, to the system: they outlive this process, though not the machine. */
  writeNow(): void {
    if (this.#failure !== undefined) return;
    try {
      this.#writer.write();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Resolves when every record so far is on disk; rejects with RVB_JOURNAL_WRITE, from the first failure on always. */
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
      // No file is closed under a sync that still runs: its number may be another file's by then.
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
      // Another process prunes, which does as well.
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

  /** A call that has ended was paid: with the next turn of the loop its answer outlives this process. */
  #writeSoon(): void {
    this.#writing ??= setImmediate(() => {
      this.#writing = undefined;
      this.writeNow();
    });
  }

  /** Nothing is tried again: after a failed sync the system may have dropped what it had not written. */
  #fail(thrown: unknown): RvbbitError {
    this.#failure ??= new RvbbitError(
      'RVB_JOURNAL_WRITE',
      `cannot write the journal in ${this.#folder}: ${messageOf(thrown)}; free space or name another state folder`,
      { stage: 'journal', cause: thrown },
    );
    this.#commits.fail(this.#failure);
    return this.#failure;
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

  /** The record without what this journal does not keep. */
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
