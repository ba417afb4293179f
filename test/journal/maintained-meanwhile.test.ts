/** Processes that go on while another one compacts or prunes their folder. */
import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Archive } from '../../src/journal/disk/archive.ts';
import { DiskJournal } from '../../src/journal/disk/disk-journal.ts';
import { type FileSystem, realFileSystem } from '../../src/journal/disk/file-system.ts';
import { listAnswers } from '../../src/journal/disk/list-answers.ts';
import { listStatements } from '../../src/journal/disk/list-statements.ts';
import { pruneFolder } from '../../src/journal/disk/prune.ts';
import { segmentName } from '../../src/journal/disk/segment-name.ts';
import { segmentNames } from '../../src/journal/disk/survey.ts';
import { verifyFolder } from '../../src/journal/disk/verify.ts';
import { compact } from './maintenance-support.ts';
import { answered, keyOf, started, withFolder } from './support.ts';

const TWO_HOURS_MS = 7_200_000;

/** Two hours go by without a write, and the number of the writer's process is seen as another's. */
function leaveAlone(folder: string): void {
  const longAgo = (performance.timeOrigin - TWO_HOURS_MS) / 1_000;
  for (const name of segmentNames(realFileSystem, folder)) {
    utimesSync(join(folder, name), longAgo, longAgo);
  }
}

for (const how of ['pruned', 'compacted']) {
  test(`a journal goes on after the segment that it left idle was ${how}`, () =>
    withFolder(async (stateDir) => {
      const folder = join(stateDir, 'journal');
      let idleMs = 0;
      const journal = await DiskJournal.open(stateDir, { nowMs: () => Date.now() + idleMs });
      journal.append(started(1, keyOf(1)));
      journal.append(answered(1, keyOf(1), 'before'));
      await journal.commit();
      const [idle] = segmentNames(realFileSystem, folder);
      leaveAlone(folder);
      idleMs = TWO_HOURS_MS;
      if (how === 'compacted') await compact(stateDir);
      else pruneFolder({ files: realFileSystem, folder, nowMs: Date.now(), maxBytes: 0 });
      assert.not.ok(segmentNames(realFileSystem, folder).includes(idle!));
      journal.append(answered(2, keyOf(2), 'after'));
      await journal.commit();
      await sleep(110);
      assert.is(journal.answers.find(keyOf(1))?.text, 'before');
      assert.is(journal.answers.find(keyOf(2))?.text, 'after');
      await journal.close();
      const keys = idle!.replace(/ndjson$/, 'keys');
      assert.not.ok(readdirSync(folder).includes(keys), 'no index of what is gone');
      const reader = await DiskJournal.open(stateDir);
      const kept = how === 'compacted' ? 'before' : undefined;
      assert.is(reader.answers.find(keyOf(1))?.text, kept);
      assert.is(reader.answers.find(keyOf(2))?.text, 'after');
      await reader.close();
    }));
}

test('of whom an answer is stays known where its call began in an earlier segment, also when that is archived', () =>
  withFolder(async (stateDir) => {
    const folder = join(stateDir, 'journal');
    const journal = await DiskJournal.open(stateDir, { segmentMaxBytes: 100 });
    const nowUs = Date.now() * 1_000;
    for (const n of [1, 2]) journal.append(started(n, keyOf(n)));
    await journal.commit();
    journal.append(answered(1, keyOf(1), 'next', nowUs));
    await journal.commit();
    journal.append(answered(2, keyOf(2), 'after that', nowUs));
    await journal.close();
    assert.is(segmentNames(realFileSystem, folder).length, 3);
    const models = () =>
      listAnswers(realFileSystem, folder, () => assert.unreachable()).answers.map(
        ({ provider, model }) => `${provider}/${model}`,
      );
    assert.equal(models(), ['sim/m', 'sim/m']);
    const [first] = await compact(stateDir, { olderThanMs: 3_600_000 });
    assert.is(first!.segments.length, 1);
    assert.equal(models(), ['sim/m', 'sim/m']);
    const [rest] = await compact(stateDir);
    assert.is(rest!.answers, 2);
    assert.equal(models(), ['sim/m', 'sim/m']);
  }));

/** Real files; before the second that is opened `happen` happens to it. */
function interrupted(happen: (path: string) => void): FileSystem {
  let opened = 0;
  return {
    ...realFileSystem,
    openToRead: (path) => {
      opened += 1;
      if (opened === 2) happen(path);
      return realFileSystem.openToRead(path);
    },
  };
}

const READINGS: Record<string, (folder: string, files: FileSystem) => unknown> = {
  'the list of answers': (folder, files) =>
    assert.is(listAnswers(files, folder, () => assert.unreachable()).answers.length, 2),
  'the list of statements': (folder, files) =>
    assert.equal(
      listStatements(files, folder, () => assert.unreachable()),
      [],
    ),
  verification: async (folder, files) => {
    const verified = await verifyFolder(files, folder, () => Archive.open());
    assert.equal(
      verified.map(({ answers, problems }) => [answers, problems.length]),
      [
        [1, 0],
        [1, 0],
      ],
    );
  },
  'a dry run of prune': (folder, files) => {
    const going = pruneFolder({ files, folder, nowMs: Date.now(), maxBytes: 0, isDry: true });
    assert.is(going.length, 2);
  },
  'a dry run of compact': async (folder, files) => {
    const [batch] = await compact(join(folder, '..'), { files, isDry: true });
    assert.is(batch!.segments.length, 2);
  },
};

for (const [reading, read] of Object.entries(READINGS)) {
  test(`a segment that goes after it was listed is passed over by ${reading}`, () =>
    withFolder(async (stateDir) => {
      const folder = join(stateDir, 'journal');
      const journal = await DiskJournal.open(stateDir, { segmentMaxBytes: 100 });
      for (const n of [1, 2, 3]) {
        journal.append(started(n, keyOf(n)));
        journal.append(answered(n, keyOf(n), 'x'));
        await journal.commit();
      }
      await journal.close();
      leaveAlone(folder);
      // Without indexes the segments are read themselves.
      for (const name of readdirSync(folder)) {
        if (name.endsWith('.keys')) realFileSystem.remove(join(folder, name));
      }
      await read(folder, interrupted(realFileSystem.remove));
    }));
}

test('answers that compaction moves while they are listed are listed', () =>
  withFolder(async (stateDir) => {
    const folder = join(stateDir, 'journal');
    const journal = await DiskJournal.open(stateDir, { segmentMaxBytes: 100 });
    for (const n of [1, 2, 3]) {
      journal.append(answered(n, keyOf(n), 'x'));
      await journal.commit();
    }
    await journal.close();
    const kept = join(folder, segmentName(Date.now(), 1, 0.5));
    const files = interrupted((path) => realFileSystem.rename(path, kept));
    const { answers: listed } = listAnswers(files, folder, () => assert.unreachable());
    assert.is(listed.length, 3);
  }));

test.run();
