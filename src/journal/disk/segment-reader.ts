/** Reads the lines of a segment. Uses whole lines with the right checksum and reports the other lines as damage. */
import { RvbbitError } from '../../errors.ts';
import { JOURNAL_LINE_MAX_BYTES, JOURNAL_READ_BYTES } from '../../limits.ts';
import { type FileSystem, readAt } from './file-system.ts';
import { lineJson, NEWLINE } from './line.ts';
import { checkRecord } from './record-check.ts';
import type { StoredRecord } from './stored-record.ts';

/** A line that cannot be used. */
export interface Damage {
  readonly segment: string;
  /** The number of the line, from 1; 0 if the lines before it were not counted. */
  readonly line: number;
  /** The byte offset of the line's first byte. */
  readonly offset: number;
  /** The bytes of the line, newline excluded. */
  readonly length: number;
  readonly reason: string;
}

/** A Parquet file that cannot be used. */
export interface ArchiveDamage {
  readonly archive: string;
  readonly reason: string;
}

/** A key index that cannot be used. */
export interface IndexDamage {
  /** The index's file name. */
  readonly index: string;
  readonly reason: string;
}

/** A part of a journal that cannot be used. */
export type JournalDamage = Damage | ArchiveDamage | IndexDamage;

/** One good record and the place of its line, newline excluded. */
export interface ReadLine {
  readonly record: StoredRecord;
  readonly offset: number;
  readonly length: number;
  readonly json: string;
}

/** How far the reading of a segment came. */
export interface ReadEnd {
  /** The byte offset at which the last whole line ends. */
  readonly end: number;
  /** The number of bytes after `end`: a line that was cut off, or that is being written. */
  readonly torn: number;
  readonly lines: number;
}

/** Returns the error that describes a damaged line, archive or key index. */
export function damageError(damage: JournalDamage): RvbbitError {
  if ('index' in damage) {
    return new RvbbitError(
      'RVB_JOURNAL_CORRUPT',
      `the key index ${damage.index}: ${damage.reason}; it is not used, its segment is read instead`,
      { stage: 'journal' },
    );
  }
  if ('archive' in damage) {
    // DuckDB's message has the reason in its first line. The query follows in the other lines.
    const [reason] = damage.reason.split('\n', 1);
    return new RvbbitError(
      'RVB_JOURNAL_CORRUPT',
      `the archive ${damage.archive} cannot be read: ${reason}`,
      { stage: 'journal' },
    );
  }
  const { segment, line, offset, reason } = damage;
  const place = line > 0 ? `line ${line}, byte ${offset}` : `byte ${offset}`;
  return new RvbbitError(
    'RVB_JOURNAL_CORRUPT',
    `journal segment ${segment}, ${place}: ${reason}; the record is not used, reading goes on after it`,
    { stage: 'journal' },
  );
}

/** Returns the record of the line `bytes[start, end)`, or the reason why the line cannot be used. */
export function decodeLine(
  bytes: Buffer,
  start: number,
  end: number,
): { readonly record: StoredRecord; readonly json: string } | { readonly reason: string } {
  const json = lineJson(bytes, start, end);
  if (json === undefined) return { reason: 'its checksum does not hold' };
  try {
    const checked = checkRecord(JSON.parse(json));
    return 'record' in checked ? { record: checked.record, json } : checked;
  } catch {
    return { reason: 'it is not JSON' };
  }
}

/** Reads the lines of `<folder>/<segment>` from byte `from` to the end of the file. A line must start at `from`. */
export function readSegment(
  files: FileSystem,
  folder: string,
  segment: string,
  from: number,
  visit: (line: ReadLine) => void,
  onDamage: (damage: Damage) => void,
): ReadEnd {
  const file = files.openToRead(`${folder}/${segment}`);
  try {
    return readLines(
      (position) => readAt(files, file, position, JOURNAL_READ_BYTES),
      segment,
      from,
      visit,
      onDamage,
    );
  } finally {
    files.close(file);
  }
}

/** Like `readSegment`, with a function that returns the bytes at a position, and no bytes at the end. */
export function readLines(
  read: (position: number) => Buffer,
  segment: string,
  from: number,
  visit: (line: ReadLine) => void,
  onDamage: (damage: Damage) => void,
): ReadEnd {
  let lines = 0;
  let end = from;
  let position = from;
  let parts: Buffer[] = [];
  let pending = 0;
  const settle = (bytes: Buffer, start: number, stop: number) => {
    lines += 1;
    const decoded = decodeLine(bytes, start, stop);
    const length = stop - start;
    if ('reason' in decoded) {
      const { reason } = decoded;
      onDamage({ segment, line: from === 0 ? lines : 0, offset: end, length, reason });
    } else visit({ ...decoded, offset: end, length });
    end += length + 1;
  };
  for (;;) {
    const block = read(position);
    if (block.length === 0) break;
    position += block.length;
    let start = 0;
    let stop = block.indexOf(NEWLINE);
    if (stop >= 0 && pending > 0) {
      if (pending > JOURNAL_LINE_MAX_BYTES) {
        lines += 1;
        const reason = `it is longer than ${JOURNAL_LINE_MAX_BYTES} bytes`;
        const length = pending + stop;
        onDamage({ segment, line: from === 0 ? lines : 0, offset: end, length, reason });
        end += length + 1;
      } else {
        const whole = Buffer.concat([...parts, block.subarray(0, stop)]);
        settle(whole, 0, whole.length);
      }
      parts = [];
      pending = 0;
      start = stop + 1;
      stop = block.indexOf(NEWLINE, start);
    }
    for (; stop >= 0; stop = block.indexOf(NEWLINE, start)) {
      settle(block, start, stop);
      start = stop + 1;
    }
    if (start < block.length) {
      pending += block.length - start;
      // The bytes of a line that is too long are only counted.
      if (pending <= JOURNAL_LINE_MAX_BYTES) parts.push(block.subarray(start));
      else parts = [];
    }
  }
  return { end, torn: pending, lines };
}
