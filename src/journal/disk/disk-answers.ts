/** Finds the answers of a journal folder by key, reads them from their segments and caches them in memory. */
import type { RvbbitError } from '../../errors.ts';
import {
  ANSWERS_INDEX_ENTRIES,
  JOURNAL_INDEX_AFTER_BYTES,
  JOURNAL_REFRESH_MS,
} from '../../limits.ts';
import { type AnswerStore, MemoryAnswers, type StoredAnswer } from '../answers.ts';
import { isAbandoned } from './abandoned.ts';
import { Cleared } from './cleared.ts';
import type { FileFacts, FileSystem } from './file-system.ts';
import { hashKey } from './key-hash.ts';
import { indexName, PLACE_BYTES, readIndex, type SegmentIndex, writeIndex } from './key-index.ts';
import { type AnswerPlace, KeyTable } from './key-table.ts';
import { RecordReader } from './record-reader.ts';
import { parseSegmentName } from './segment-name.ts';
import { damageError } from './segment-reader.ts';
import { SegmentScan, scanOn } from './segment-scan.ts';
import type { WrittenPlace } from './segment-writer.ts';
import { answerKey, answerOf, type CacheClear, type StoredRecord } from './stored-record.ts';
import { UnendedCalls } from './unended-calls.ts';

export interface DiskAnswersOptions {
  readonly files: FileSystem;
  readonly folder: string;
  /** The wall clock, ms since the epoch. */
  readonly nowMs: () => number;
  readonly onProblem: (problem: RvbbitError) => void;
  /** Writes this process's buffered lines to the operating system, so that they can be read back. */
  readonly flush: () => void;
}

/** What this process knows of one segment. */
interface KnownSegment {
  readonly name: string;
  readonly id: number;
  /** True if this process writes the segment. Its answers then come through `note` and are not read from the file. */
  readonly isOwn: boolean;
  readTo: number;
  /** True if the file need not be read any further. */
  isClosed: boolean;
}

/** Records of another process within this time mean that it works on the same folder now. */
const SHARED_MS = 5_000;
/** The shortest time between two searches meanwhile, so that two processes seldom begin the same call. */
const SHARED_REFRESH_MS = 5;

/**
 * Loads the folder at the first search. Looks for new records of other processes at most every 100 ms, and more often
 * while another process writes.
 */
export class DiskAnswers implements AnswerStore {
  readonly #options: DiskAnswersOptions;
  readonly #warm = new MemoryAnswers();
  readonly #table = new KeyTable(ANSWERS_INDEX_ENTRIES);
  readonly #cleared = new Cleared();
  #clears = 0;
  readonly #unended = new UnendedCalls();
  readonly #segments: KnownSegment[] = [];
  readonly #byName = new Map<string, KnownSegment>();
  readonly #records: RecordReader;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** When new records of another process were last seen. */
  #sharedMs = Number.NEGATIVE_INFINITY;

  constructor(options: DiskAnswersOptions) {
    this.#options = options;
    this.#records = new RecordReader(options);
  }

  get changes(): number {
    this.#look();
    return this.#clears + this.#table.replaced;
  }

  /** The number of keys whose place is known. */
  get size(): number {
    return this.#table.size;
  }

  find(callKey: string, notBefore = 0): StoredAnswer | undefined {
    this.#look();
    const warm = this.#warm.find(callKey);
    if (warm !== undefined && warm.at >= notBefore && !this.#cleared.covers(callKey, warm.at)) {
      return warm;
    }
    const { high, low } = hashKey(callKey);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const place = this.#table.get(high, low);
      if (place === undefined || place.at < notBefore) return undefined;
      if (this.#cleared.covers(callKey, place.at)) return undefined;
      const answer = this.#read(callKey, place);
      if (answer !== undefined) {
        this.#warm.put(callKey, answer);
        return answer;
      }
      // Compaction may have moved the answer since the last look at the folder.
      this.#lookedMs = Number.NEGATIVE_INFINITY;
      this.#look();
    }
    return undefined;
  }

  /** Does the work of `Journal.takeLostCalls`. */
  takeLost(callKey: string): number {
    const { high, low } = hashKey(callKey);
    return this.#unended.takeLost(callKey, this.#table.get(high, low)?.at ?? 0);
  }

  /** Does the work of `Journal.isAskedElsewhere`. */
  isOut(callKey: string): boolean {
    this.#look();
    return this.#unended.isOut(callKey, this.#options.nowMs());
  }

  /** True if the answer at a place can still be found: its key has no newer known answer, and it is not cleared. */
  isCurrent(callKey: string, at: number, segment: string, offset: number): boolean {
    this.#look();
    const { high, low } = hashKey(callKey);
    const place = this.#table.get(high, low);
    const isNewest =
      place === undefined ||
      (place.offset === offset && this.#segments[place.segment]?.name === segment);
    return isNewest && !this.#cleared.covers(callKey, at);
  }

  /** Notes that this process has begun a segment. Its answers come through `note`. */
  own(segment: string): void {
    this.#known(segment, true);
  }

  /** Notes a record that this process has just written. */
  note(record: StoredRecord, { segment, offset, length }: WrittenPlace): void {
    if (record.t === 'cache.clear') this.#clear(record);
    const key = answerKey(record);
    if (key === undefined) return;
    const { high, low } = hashKey(key);
    this.#table.set(high, low, this.#known(segment, true).id, offset, length, record.at);
    this.#warm.put(key, answerOf(record)!);
  }

  close(): void {
    this.#records.close();
  }

  #known(name: string, isOwn: boolean): KnownSegment {
    let known = this.#byName.get(name);
    if (known === undefined) {
      known = { name, id: this.#segments.length, isOwn, readTo: 0, isClosed: isOwn };
      this.#segments.push(known);
      this.#byName.set(name, known);
    }
    return known;
  }

  /** Loads new segments, and the new lines of segments that have grown. */
  #look(): void {
    const nowMs = performance.now();
    const isShared = nowMs - this.#sharedMs < SHARED_MS;
    if (nowMs - this.#lookedMs < (isShared ? SHARED_REFRESH_MS : JOURNAL_REFRESH_MS)) return;
    this.#lookedMs = nowMs;
    const { files, folder } = this.#options;
    let names: string[];
    try {
      names = files.list(folder);
    } catch {
      // Without the folder the store still finds the answers in memory.
      return;
    }
    for (const known of this.#segments) if (!known.isClosed) this.#loadQuietly(known);
    const fresh = names.filter((name) => !this.#byName.has(name) && parseSegmentName(name));
    this.#reserve(fresh);
    // The newest segment comes first: if there are too many answers, the oldest are left out.
    for (const name of fresh.sort().reverse()) this.#loadQuietly(this.#known(name, false));
  }

  /** Allocates room for the answers of the segments in one step. Estimates it from the sizes of their index files. */
  #reserve(names: readonly string[]): void {
    const { files, folder } = this.#options;
    try {
      const sizes = names.map((name) => files.facts(`${folder}/${indexName(name)}`)?.size ?? 0);
      this.#table.reserve(sizes.reduce((sum, size) => sum + size / PLACE_BYTES, 0));
    } catch {
      // Without this the table still grows when it needs to.
    }
  }

  #loadQuietly(known: KnownSegment): void {
    try {
      const facts = this.#options.files.facts(`${this.#options.folder}/${known.name}`);
      if (facts === undefined) known.isClosed = true;
      else if (known.readTo === 0) this.#loadFirst(known, facts);
      else if (facts.size > known.readTo) {
        this.#sharedMs = performance.now();
        this.#loadTail(known);
      }
    } catch {
      // The segment was removed meanwhile or cannot be read now. The next look tries again.
    }
  }

  #loadFirst(known: KnownSegment, facts: FileFacts): void {
    const { files, folder, nowMs, onProblem } = this.#options;
    let isDamaged = false;
    const index = readIndex(files, folder, known.name, (damage) => {
      isDamaged = true;
      onProblem(damageError(damage));
    });
    if (index !== undefined) this.#take(known, index);
    if (index?.closed) {
      known.isClosed = true;
      return;
    }
    if (nowMs() - facts.modifiedMs < SHARED_MS) this.#sharedMs = performance.now();
    const scan = new SegmentScan(index);
    this.#scanTail(known, scan);
    const isClosed = isAbandoned(known.name, facts, nowMs());
    known.isClosed = isClosed;
    const beyond = scan.covered - (index?.covered ?? 0);
    if (!isClosed && !isDamaged && beyond < JOURNAL_INDEX_AFTER_BYTES) return;
    try {
      writeIndex(files, folder, known.name, scan.index(isClosed));
    } catch {
      // The folder may be read-only. Searching it works without the index.
    }
  }

  #loadTail(known: KnownSegment): void {
    const scan = new SegmentScan();
    scan.covered = known.readTo;
    this.#scanTail(known, scan);
  }

  /** Reads the segment from where `scan` ends, and notes its answers, clears and unended calls. */
  #scanTail(known: KnownSegment, scan: SegmentScan): void {
    const { files, folder, onProblem } = this.#options;
    scanOn(
      files,
      folder,
      known.name,
      scan,
      (damage) => onProblem(damageError(damage)),
      ({ record, offset, length }) => {
        if (record.t === 'cache.clear') this.#clear(record);
        const key = answerKey(record);
        if (key === undefined) return;
        const { high, low } = hashKey(key);
        this.#table.set(high, low, known.id, offset, length, record.at);
      },
    );
    for (const start of scan.openStarts()) this.#unended.begun(start, known.name);
    for (const hash of scan.openEnds()) this.#unended.ended(hash);
    known.readTo = scan.covered;
  }

  /** Notes the answers, clears and unended calls that an index lists. */
  #take(known: KnownSegment, { keys, clears, starts, ends, covered }: SegmentIndex): void {
    const { high, low, offset, length, at } = keys;
    for (let n = 0; n < keys.count && !this.#table.isFull; n += 1) {
      this.#table.set(high[n]!, low[n]!, known.id, offset[n]!, length[n]!, at[n]!);
    }
    for (let n = 0; n < clears.count; n += 1) {
      const record = this.#records.read(known, clears.offset[n]!, clears.length[n]!);
      if (record?.t === 'cache.clear') this.#clear(record);
    }
    for (const { offset, length } of starts.places()) {
      const record = this.#records.read(known, offset, length);
      if (record?.t === 'attempt.start') this.#unended.begun(record, known.name);
    }
    for (const hash of ends.places()) this.#unended.ended(hash);
    known.readTo = covered;
  }

  #clear(record: CacheClear): void {
    this.#cleared.add(record);
    this.#clears += 1;
  }

  #read(callKey: string, { segment, offset, length }: AnswerPlace): StoredAnswer | undefined {
    const known = this.#segments[segment]!;
    if (known.isOwn) this.#options.flush();
    const record = this.#records.read(known, offset, length);
    // Either another key has the same hash, or the index does not fit the segment.
    if (record === undefined || answerKey(record) !== callKey) return undefined;
    return answerOf(record);
  }
}
