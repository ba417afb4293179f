/** Names of segments: `<utc>-<pid>-<random>.ndjson`, e.g. `20260131T235959.123Z-4242-9f3ac1d2.ndjson`. */

const FORM = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d\.\d{3})Z-(\d+)-[0-9a-f]{8}\.ndjson$/;

/** What a segment's name tells. */
export interface SegmentFacts {
  readonly createdMs: number;
  /** The process that writes it. */
  readonly pid: number;
}

/** A new name; `random` in [0, 1) keeps two of one process and one millisecond apart. */
export function segmentName(nowMs: number, pid: number, random: number): string {
  const utc = new Date(nowMs).toISOString().replaceAll(/[-:]/g, '');
  const tail = Math.floor(random * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
  return `${utc}-${pid}-${tail}.ndjson`;
}

/** Reads a name; undefined if it is not a segment's. */
export function parseSegmentName(name: string): SegmentFacts | undefined {
  const match = FORM.exec(name);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, pid] = match;
  return {
    createdMs: Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`),
    pid: Number(pid),
  };
}
