/** Collects the content of a key index from records as they are written or read. */
import type { FileSystem } from './file-system.ts';
import { hashAttempt, hashKey, type KeyHash } from './key-hash.ts';
import type { SegmentIndex } from './key-index.ts';
import { KeyList, type KeyPlace } from './key-list.ts';
import { type Damage, type ReadLine, readSegment } from './segment-reader.ts';
import { answerKey, type StartRecord, type StoredRecord } from './stored-record.ts';

/** The `attempt.start` record of a call, and the place of its line. */
interface StartedCall {
  readonly start: StartRecord;
  readonly offset: number;
  readonly length: number;
}

/** The content of a key index. It grows with its segment. */
export class SegmentScan {
  readonly keys: KeyList = new KeyList(0);
  readonly clears: KeyList = new KeyList(0);
  /** The calls that have begun and not ended since the scan began, by attempt. */
  readonly #started = new Map<string, StartedCall>();
  /** The starts that stay in the index when their calls end: starts that report lost calls, and those of `base`. */
  readonly #lasting: KeyList = new KeyList(0);
  readonly #ends: KeyList = new KeyList(0);
  /** The starts since the scan began that report lost calls. */
  readonly #telling: StartRecord[] = [];
  /** The number of ends that the `base` index holds. */
  readonly #knownEnds: number;
  covered = 0;
  firstAt: number = Number.POSITIVE_INFINITY;
  lastAt = 0;
  records = 0;

  /** The scan begins where the earlier index `base` ends. Without `base` it begins at the segment's first byte. */
  constructor(base?: SegmentIndex) {
    this.#knownEnds = base?.ends.count ?? 0;
    if (base === undefined) return;
    for (const place of base.keys.places()) this.keys.add(place);
    for (const place of base.clears.places()) this.clears.add(place);
    for (const place of base.starts.places()) this.#lasting.add(place);
    for (const place of base.ends.places()) this.#ends.add(place);
    this.covered = base.covered;
    this.firstAt = base.firstAt;
    this.lastAt = base.lastAt;
    this.records = base.records;
  }

  observe(record: StoredRecord, offset: number, length: number): void {
    const { at } = record;
    this.records += 1;
    this.firstAt = Math.min(this.firstAt, at);
    this.lastAt = Math.max(this.lastAt, at);
    this.covered = offset + length + 1;
    const key = answerKey(record);
    if (key !== undefined) this.keys.add(placeOf(hashKey(key), at, offset, length));
    else if (record.t === 'cache.clear') this.clears.add({ high: 0, low: 0, at, offset, length });
    if (record.t === 'attempt.start') {
      this.#started.set(record.attempt, { start: record, offset, length });
      if (record.again !== undefined) {
        this.#telling.push(record);
        this.#lasting.add(placeOf(hashAttempt(record.attempt), at, offset, length));
      }
    } else if (record.t === 'attempt.end') this.#end(record.attempt, at);
  }

  /** Yields the starts of the calls that have begun and not ended since the scan began. */
  *openCalls(): Generator<StartRecord> {
    for (const { start } of this.#started.values()) yield start;
  }

  /** Yields the starts since the scan began that later records may refer to: open calls, and reports of lost calls. */
  *openStarts(): Generator<StartRecord> {
    yield* this.#telling;
    for (const start of this.openCalls()) if (start.again === undefined) yield start;
  }

  /** Yields the attempts that ended since the scan began and whose start is in `openStarts` or was not seen. */
  *openEnds(): Generator<KeyHash> {
    let n = 0;
    for (const place of this.#ends.places()) {
      n += 1;
      if (n > this.#knownEnds) yield place;
    }
  }

  #end(attempt: string, at: number): void {
    const started = this.#started.get(attempt);
    this.#started.delete(attempt);
    if (started !== undefined && started.start.again === undefined) return;
    this.#ends.add(placeOf(hashAttempt(attempt), at, 0, 0));
  }

  index(closed: boolean): SegmentIndex {
    const { covered, firstAt, lastAt, records, keys, clears } = this;
    const starts = new KeyList(this.#lasting.count + this.#started.size);
    for (const place of this.#lasting.places()) starts.add(place);
    for (const { start, offset, length } of this.#started.values()) {
      if (start.again !== undefined) continue;
      starts.add(placeOf(hashAttempt(start.attempt), start.at, offset, length));
    }
    return { covered, closed, firstAt, lastAt, records, keys, clears, starts, ends: this.#ends };
  }
}

/** Builds the object without a spread, because a spread would make a new V8 hidden class for every record. */
function placeOf({ high, low }: KeyHash, at: number, offset: number, length: number): KeyPlace {
  return { high, low, at, offset, length };
}

/**
 * Reads a segment from where `scan` ends to the segment's last whole line. Returns the number of bytes after that line:
 * a line that was cut off, or that is being written.
 */
export function scanOn(
  files: FileSystem,
  folder: string,
  segment: string,
  scan: SegmentScan,
  onDamage: (damage: Damage) => void,
  visit: (line: ReadLine) => void = () => undefined,
): number {
  const { end, torn } = readSegment(
    files,
    folder,
    segment,
    scan.covered,
    (line) => {
      scan.observe(line.record, line.offset, line.length);
      visit(line);
    },
    onDamage,
  );
  scan.covered = end;
  return torn;
}
