/** Compacts a state folder as the command does, whatever the age of its segments. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Archive } from '../../src/journal/disk/archive.ts';
import {
  type Compacted,
  type CompactOptions,
  compactFolder,
} from '../../src/journal/disk/compact.ts';
import { DiskAnswers } from '../../src/journal/disk/disk-answers.ts';
import { realFileSystem } from '../../src/journal/disk/file-system.ts';

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
