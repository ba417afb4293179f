/** Refuses a journal folder that was written by an engine with another record version. */
import { RvbbitError } from '../../errors.ts';
import { JOURNAL_ANSWER_READ_BYTES } from '../../limits.ts';
import { RECORD_VERSION } from '../records.ts';
import { type FileSystem, readAt } from './file-system.ts';
import { segmentNames } from './survey.ts';

/** The beginning of a line of any version: the checksum, and the version as the first field. */
const START = /^[0-9a-f]{8} \{"v":(\d{1,9}),/;

/**
 * Throws RVB_UNSUPPORTED if the folder's oldest segment has another version. All lines of its first block must name
 * that version: a single line may be damaged, and another version may compute the checksum with another function.
 */
export function refuseOtherVersion(files: FileSystem, folder: string): void {
  const version = oldestVersion(files, folder);
  if (version === undefined || version === RECORD_VERSION) return;
  const which = version < RECORD_VERSION ? 'an earlier' : 'a later';
  throw new RvbbitError(
    'RVB_UNSUPPORTED',
    `${which} version of the engine wrote the journal in ${folder} (its records have version ${version}; this engine reads ${RECORD_VERSION}): use that engine, or move the folder away and let this one begin its own`,
    { stage: 'open' },
  );
}

/** Returns the version that all lines of the oldest segment's first block name; undefined if there is none. */
function oldestVersion(files: FileSystem, folder: string): number | undefined {
  let block: string;
  try {
    const [oldest] = segmentNames(files, folder);
    if (oldest === undefined) return undefined;
    const file = files.openToRead(`${folder}/${oldest}`);
    try {
      block = readAt(files, file, 0, JOURNAL_ANSWER_READ_BYTES).toString('latin1');
    } finally {
      files.close(file);
    }
  } catch {
    // The segment was removed meanwhile or cannot be read. Its next reader reports that.
    return undefined;
  }
  const [first = '', ...more] = block.split('\n');
  // The last piece may be an incomplete line.
  const versions = [first, ...more.slice(0, -1)].map((line) => START.exec(line)?.[1]);
  return versions.every((version) => version === versions[0]) && versions[0] !== undefined
    ? Number(versions[0])
    : undefined;
}
