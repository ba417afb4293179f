/** What the tests of compaction, pruning and verification share. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { Archive } from '../../src/journal/disk/archive.ts';
import {
  type Compacted,
  type CompactOptions,
  compactFolder,
} from '../../src/journal/disk/compact.ts';
import { DiskAnswers } from '../../src/journal/disk/disk-answers.ts';
import { DiskJournal } from '../../src/journal/disk/disk-journal.ts';
import { realFileSystem } from '../../src/journal/disk/file-system.ts';
import { FaultyFileSystem } from './faulty-file-system.ts';
import { answered, keyOf, started } from './support.ts';

const MAIN = fileURLToPath(new URL('../../bundle/rvbbit.js', import.meta.url));
/** Keys of a folder that is filled, … */
export const KEYS = 40;
/** … and answers to them. */
export const ASKED = 60;

/** 60 answers to 40 keys in several sealed segments. */
export async function fill(stateDir: string): Promise<void> {
  const journal = await DiskJournal.open(stateDir, {
    files: new FaultyFileSystem(Number.POSITIVE_INFINITY, 'EIO').files,
    segmentMaxBytes: 8_000,
  });
  for (let n = 0; n < ASKED; n += 1) {
    journal.append(started(n, keyOf(n % KEYS)));
    journal.append(answered(n, keyOf(n % KEYS), `text ${n}`));
    if (n % 10 === 9) await journal.commit();
  }
  await journal.close();
}

/** Compacts a state folder as the command does, whatever the age of its segments. */
export async function compact(
  stateDir: string,
  options: Partial<CompactOptions> = {},
): Promise<Compacted[]> {
  const folder = join(stateDir, 'journal');
  const answers = new DiskAnswers({
    files: realFileSystem,
    folder,
    nowMs: Date.now,
    onProblem: () => undefined,
    flush: () => undefined,
  });
  try {
    return await compactFolder({
      files: realFileSystem,
      folder,
      nowMs: Date.now(),
      random: Math.random,
      olderThanMs: 0,
      isCurrent: (key, at, segment, offset) => answers.isCurrent(key, at, segment, offset),
      openArchive: () => Archive.open(),
      onDamage: () => assert.unreachable(),
      ...options,
    });
  } finally {
    answers.close();
  }
}

/** Runs the command. */
export function cli(
  args: readonly string[],
  killAfterMs?: number,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const timer =
    killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  return new Promise((resolve) => {
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}
