/** `rvbbit journal`: verifies, compacts or prunes the journal on disk. */
import { Archive } from '../../journal/disk/archive.ts';
import { compactFolder } from '../../journal/disk/compact.ts';
import { DiskAnswers } from '../../journal/disk/disk-answers.ts';
import { realFileSystem } from '../../journal/disk/file-system.ts';
import { pruneFolder } from '../../journal/disk/prune.ts';
import { verifyFolder } from '../../journal/disk/verify.ts';
import { existingJournal } from '../existing-journal.ts';
import { CliError, exitCodeOf, noAction, refuseWord } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { refuseOptions } from '../options.ts';
import { printRows } from '../print-rows.ts';
import { readAgeMs, readBytes } from '../read-bounds.ts';
import { reportError } from '../report.ts';
import { reportDamage } from '../report-damage.ts';
import { say } from '../stderr.ts';
import { counted } from '../text/counted.ts';

/** The age from which segments are compacted, without `--older-than`. */
const COMPACT_AFTER = '1d';
const USAGE = 'rvbbit journal verify|compact|prune';

/** Runs `verify`, `compact` or `prune`. Returns 1 if `verify` finds damage. */
export async function journal(words: readonly string[], options: CliOptions): Promise<number> {
  const [action, ...more] = words;
  refuseWord(more[0], USAGE);
  switch (action) {
    case 'verify':
      return verify(options);
    case 'compact':
      return compact(options);
    case 'prune':
      return prune(options);
    default:
      throw noAction('journal', action, USAGE);
  }
}

async function verify(options: CliOptions): Promise<number> {
  refuseOptions('journal', 'verify', options, ['olderThan', 'maxSize', 'dryRun']);
  const { folder } = existingJournal(options);
  const verified = await verifyFolder(realFileSystem, folder, () => Archive.open());
  await printRows(
    {
      file: 'VARCHAR',
      bytes: 'BIGINT',
      records: 'BIGINT',
      answers: 'BIGINT',
      torn_bytes: 'BIGINT',
      problems: 'BIGINT',
    },
    verified.map(({ name, bytes, records, answers, tornBytes, problems }) => ({
      file: name,
      bytes,
      records,
      answers,
      torn_bytes: tornBytes,
      problems: problems.length,
    })),
    options,
  );
  const problems = verified.flatMap((file) => file.problems);
  for (const problem of problems) reportError(problem);
  return exitCodeOf(problems.length > 0 ? ['failed'] : []);
}

async function compact(options: CliOptions): Promise<number> {
  refuseOptions('journal', 'compact', options, ['maxSize']);
  const olderThan = options.olderThan ?? COMPACT_AFTER;
  const olderThanMs = readAgeMs('--older-than', olderThan);
  const { folder } = existingJournal(options);
  const answers = new DiskAnswers({
    files: realFileSystem,
    folder,
    nowMs: Date.now,
    onProblem: reportError,
    flush: () => undefined,
  });
  try {
    const done = await compactFolder({
      files: realFileSystem,
      folder,
      nowMs: Date.now(),
      random: Math.random,
      olderThanMs,
      isCurrent: (key, at, segment, offset) => answers.isCurrent(key, at, segment, offset),
      openArchive: () => Archive.open(),
      onDamage: reportDamage,
      isDry: options.dryRun === true,
    });
    const columns = { archive: 'VARCHAR', segments: 'BIGINT', bytes: 'BIGINT', answers: 'BIGINT' };
    const rows = done.map(({ archive, segments, bytes, answers: kept }) => ({
      archive: archive ?? null,
      segments: segments.length,
      bytes,
      answers: kept,
    }));
    await printRows(columns, rows, options);
    if (done.length === 0 && !options.quiet) say(`nothing is older than ${olderThan}`);
    return 0;
  } finally {
    answers.close();
  }
}

async function prune(options: CliOptions): Promise<number> {
  if (options.olderThan === undefined && options.maxSize === undefined) {
    throw new CliError(
      'usage',
      'prune needs --older-than or --max-size',
      'rvbbit journal prune --older-than 90d',
    );
  }
  const { olderThan, maxSize, dryRun } = options;
  const bounds = {
    ...(olderThan === undefined ? {} : { maxAgeMs: readAgeMs('--older-than', olderThan) }),
    ...(maxSize === undefined ? {} : { maxBytes: readBytes('--max-size', maxSize) }),
  };
  const { folder } = existingJournal(options);
  const pruned = pruneFolder({
    files: realFileSystem,
    folder,
    nowMs: Date.now(),
    ...bounds,
    isDry: dryRun === true,
    onDamage: reportDamage,
  });
  await printRows(
    { file: 'VARCHAR', bytes: 'BIGINT', last: 'TIMESTAMP' },
    pruned.map(({ name, bytes, lastMs }) => ({
      file: name,
      bytes,
      last: new Date(lastMs).toISOString(),
    })),
    options,
  );
  if (!options.quiet) {
    const bytes = pruned.reduce((sum, file) => sum + file.bytes, 0);
    const what = `${counted(pruned.length, 'file')}, ${counted(bytes, 'byte')}`;
    say(`${what} ${dryRun ? 'would go' : 'removed'}`);
  }
  return 0;
}
