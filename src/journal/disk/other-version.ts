/** Refuses a journal folder that an engine with another form of records has written. */
import { RvbbitError } from '../../errors.ts';
import { JOURNAL_ANSWER_READ_BYTES } from '../../limits.ts';
import { RECORD_VERSION } from '../records.ts';
import { type FileSystem, readAt } from './file-system.ts';
import { segmentNames } from './survey.ts';

/** How a line of any version begins: its checksum, and the version as the first field. */
const START = /^[0-9a-f]{8} \{"v":(\d{1,9}),/;

/**
 * Throws RVB_UNSUPPORTED where the folder's oldest segment is of another version. That is seen by all lines of its first
 * block: one line may be damaged, and the checksum of another version may be another function.
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

/** The version that all lines of the first block name; undefined where they differ, or there is no line to see it by. */
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
    // Removed meanwhile, or not to be read: whoever reads it next tells.
    return undefined;
  }
  const [first = '', ...more] = block.split('\n');
  // The last piece may be a line's first bytes.
  const versions = [first, ...more.slice(0, -1)].map((line) => START.exec(line)?.[1]);
  return versions.every((version) => version === versions[0]) && versions[0] !== undefined
    ? Number(versions[0])
    : undefined;
}
