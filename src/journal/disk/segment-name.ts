/**
 * Makes and parses the names of segments and archives: `<utc>-<pid>-<random>.ndjson`, e.g.
 * `20260131T235959.123Z-4242-9f3ac1d2.ndjson`, and the same with `.parquet`.
 */

const FORM = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d\.\d{3})Z-(\d+)-[0-9a-f]{8}\.(ndjson|parquet)$/;

/** The facts in a segment's name. */
export interface SegmentFacts {
  readonly createdMs: number;
  /** The pid of the process that writes the segment. */
  readonly pid: number;
}

/** The facts in an archive's name. */
export interface ArchiveFacts {
  /** The date of its latest record, ms since the epoch. */
  readonly lastMs: number;
}

/** Returns a new segment name. `random` in [0, 1) distinguishes segments of one process and one millisecond. */
export function segmentName(nowMs: number, pid: number, random: number): string {
  return `${stem(nowMs, pid, random)}.ndjson`;
}

/** Returns a new archive name, which begins with the date of the archive's latest record. */
export function archiveName(lastMs: number, pid: number, random: number): string {
  return `${stem(lastMs, pid, random)}.parquet`;
}

/** Parses a segment name; undefined if it is not a segment name. */
export function parseSegmentName(name: string): SegmentFacts | undefined {
  const parsed = parse(name);
  return parsed?.kind === 'ndjson' ? { createdMs: parsed.dateMs, pid: parsed.pid } : undefined;
}

/** Parses an archive name; undefined if it is not an archive name. */
export function parseArchiveName(name: string): ArchiveFacts | undefined {
  const parsed = parse(name);
  return parsed?.kind === 'parquet' ? { lastMs: parsed.dateMs } : undefined;
}

function stem(dateMs: number, pid: number, random: number): string {
  const utc = new Date(dateMs).toISOString().replaceAll(/[-:]/g, '');
  const tail = Math.floor(random * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
  return `${utc}-${pid}-${tail}`;
}

function parse(name: string): { kind: string; dateMs: number; pid: number } | undefined {
  const match = FORM.exec(name);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, pid, kind = ''] = match;
  return {
    kind,
    dateMs: Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`),
    pid: Number(pid),
  };
}
