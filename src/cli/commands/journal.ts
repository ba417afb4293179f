/** `rvbbit journal`: checks the journal on disk, compacts and prunes it. */
import type { RvbbitError } from '../../errors.ts';
import { Archive } from '../../journal/disk/archive.ts';
import { compactFolder } from '../../journal/disk/compact.ts';
import { DiskAnswers } from '../../journal/disk/disk-answers.ts';
import { realFileSystem } from '../../journal/disk/file-system.ts';
import { pruneFolder } from '../../journal/disk/prune.ts';
import { damageError } from '../../journal/disk/segment-reader.ts';
import { verifyFolder } from '../../journal/disk/verify.ts';
import { CliError, exitCodeOf } from '../exit-codes.ts';
import { openJournalFolder } from '../journal-folder.ts';
import type { CliOptions } from '../options.ts';
import { printRows } from '../print-rows.ts';
import { readAgeMs, readBytes } from '../read-bounds.ts';
import { say, sayError } from '../stderr.ts';

/** Segments that are compacted where `--older-than` does not say. */
const COMPACT_AFTER = '1d';
const USAGE = 'rvbbit journal verify|compact|prune';

/** Runs one of the three. Gives 1 if `verify` finds damage. */
export async function journal(words: readonly string[], options: CliOptions): Promise<number> {
  const [action, ...more] = words;
  if (more.length > 0) throw new CliError('usage', `'${more[0]}' is left over`, USAGE);
  switch (action) {
    case 'verify':
      return verify(options);
    case 'compact':
      return compact(options);
    case 'prune':
      return prune(options);
    default:
      throw new CliError(
        'usage',
        action === undefined ? 'journal needs a word' : `there is no journal ${action}`,
        USAGE,
      );
  }
}

function report(problem: RvbbitError): void {
  sayError(problem.code, problem.message);
}

async function verify(options: CliOptions): Promise<number> {
  refuse(options, ['olderThan', 'maxSize', 'dryRun'], 'verify');
  const { folder } = openJournalFolder(options);
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
  for (const problem of problems) report(problem);
  return exitCodeOf(problems.length > 0 ? ['failed'] : []);
}

async function compact(options: CliOptions): Promise<number> {
  refuse(options, ['maxSize'], 'compact');
  const { folder } = openJournalFolder(options);
  const olderThanMs = readAgeMs('--older-than', options.olderThan ?? COMPACT_AFTER);
  const answers = new DiskAnswers({
    files: realFileSystem,
    folder,
    nowMs: Date.now,
    onProblem: report,
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
      onDamage: (damage) => report(damageError(damage)),
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
    if (done.length === 0 && !options.quiet) say(`nothing is older than ${olderThanMs / 1_000} s`);
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
  const { folder } = openJournalFolder(options);
  const pruned = pruneFolder({
    files: realFileSystem,
    folder,
    nowMs: Date.now(),
    ...bounds,
    isDry: dryRun === true,
    onDamage: (damage) => report(damageError(damage)),
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
    say(`${pruned.length} files, ${bytes} bytes ${dryRun ? 'would go' : 'removed'}`);
  }
  return 0;
}

function refuse(options: CliOptions, keys: readonly (keyof CliOptions)[], action: string): void {
  for (const key of keys) {
    if (options[key] === undefined) continue;
    const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new CliError('usage', `journal ${action} has no ${flag}`, 'rvbbit journal --help');
  }
}
