/** Reads everything in a journal folder and reports what cannot be used. */
import { messageOf, RvbbitError } from '../../errors.ts';
import type { Archive } from './archive.ts';
import { type FileSystem, unlessGone } from './file-system.ts';
import { readIndex } from './key-index.ts';
import type { KeyList } from './key-list.ts';
import { damageError } from './segment-reader.ts';
import { SegmentScan, scanOn } from './segment-scan.ts';
import { archiveNames, segmentNames } from './survey.ts';

/** The result of verifying one file. */
export interface VerifiedFile {
  readonly name: string;
  readonly bytes: number;
  readonly records: number;
  readonly answers: number;
  /** The bytes of a last line that was cut off or is being written. They are not damage. */
  readonly tornBytes: number;
  readonly problems: readonly RvbbitError[];
}

/** Reads a segment, and its key index where it has one. */
export function verifySegment(files: FileSystem, folder: string, name: string): VerifiedFile {
  const problems: RvbbitError[] = [];
  const scan = new SegmentScan();
  const bytes = files.facts(`${folder}/${name}`)?.size ?? 0;
  // The index is read before the lines, so that it cannot cover a line that the scan has not read.
  const index = readIndex(files, folder, name, (damage) => problems.push(damageError(damage)));
  const tornBytes = scanOn(files, folder, name, scan, (damage) =>
    problems.push(damageError(damage)),
  );
  const isRight =
    index === undefined ||
    problems.length > 0 ||
    (index.covered <= scan.covered &&
      beginsWith(scan.keys, index.keys) &&
      beginsWith(scan.clears, index.clears));
  if (!isRight) {
    problems.push(
      new RvbbitError(
        'RVB_JOURNAL_CORRUPT',
        `the key index of journal segment ${name} does not fit its lines: remove the .keys file, it is made again`,
        { stage: 'journal' },
      ),
    );
  }
  return { name, bytes, records: scan.records, answers: scan.keys.count, tornBytes, problems };
}

/** Verifies every segment and archive. Skips a file that another process removes before it is read. */
export async function verifyFolder(
  files: FileSystem,
  folder: string,
  openArchive: () => Promise<Archive>,
): Promise<VerifiedFile[]> {
  const verified = segmentNames(files, folder).flatMap(
    (name) => unlessGone(() => verifySegment(files, folder, name)) ?? [],
  );
  const archives = archiveNames(files, folder);
  if (archives.length === 0) return verified;
  const archive = await openArchive();
  try {
    for (const name of archives) {
      const file = await verifyArchive(files, folder, name, archive);
      if (file !== undefined) verified.push(file);
    }
  } finally {
    await archive.close();
  }
  return verified;
}

/** Verifies an archive; undefined if another process has pruned it after it was listed. */
async function verifyArchive(
  files: FileSystem,
  folder: string,
  name: string,
  archive: Archive,
): Promise<VerifiedFile | undefined> {
  const facts = { name, bytes: files.facts(`${folder}/${name}`)?.size ?? 0 };
  try {
    const records = await archive.check(`${folder}/${name}`);
    return { ...facts, records, answers: 0, tornBytes: 0, problems: [] };
  } catch (thrown) {
    if (!files.exists(`${folder}/${name}`)) return undefined;
    const problem = damageError({ archive: name, reason: messageOf(thrown) });
    return { ...facts, records: 0, answers: 0, tornBytes: 0, problems: [problem] };
  }
}

function beginsWith(list: KeyList, start: KeyList): boolean {
  if (list.count < start.count) return false;
  for (let n = 0; n < start.count; n += 1) {
    if (
      list.at[n] !== start.at[n] ||
      list.high[n] !== start.high[n] ||
      list.low[n] !== start.low[n] ||
      list.offset[n] !== start.offset[n] ||
      list.length[n] !== start.length[n]
    ) {
      return false;
    }
  }
  return true;
}
