/** D2 and D5: every file-system operation fails once; real limits on the file size; clocks that jump. */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RvbbitError } from '../../src/errors.ts';
import { DiskJournal } from '../../src/journal/disk/disk-journal.ts';
import { type FileSystem, realFileSystem } from '../../src/journal/disk/file-system.ts';
import { pruneFolder } from '../../src/journal/disk/prune.ts';
import { segmentNames } from '../../src/journal/disk/survey.ts';
import { verifySegment } from '../../src/journal/disk/verify.ts';
import { JOURNAL_SEGMENT_ABANDONED_MS } from '../../src/limits.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import { type Fault, FaultyFileSystem } from './faulty-file-system.ts';
import { answered, keyOf, started, withFolder } from './support.ts';

const CHILD = fileURLToPath(new URL('./writer-child.js', import.meta.url));

/** Writes in three commits over several segments, searching as it goes; gives the keys whose commit held. */
async function write(stateDir: string, faulty: FaultyFileSystem): Promise<readonly number[]> {
  const held: number[] = [];
  let failure: unknown;
  const keep = (thrown: unknown) => {
    failure ??= thrown;
  };
  let journal: DiskJournal;
  try {
    journal = await DiskJournal.open(stateDir, { files: faulty.files, segmentMaxBytes: 3_000 });
  } catch (thrown) {
    assert.is((thrown as RvbbitError).code, 'RVB_JOURNAL_WRITE');
    return held;
  }
  for (let batch = 0; batch < 3; batch += 1) {
    const written: number[] = [];
    for (let n = 10 * batch; n < 10 * batch + 10; n += 1) {
      journal.append(started(n, keyOf(n)));
      if (n % 4 === 0) journal.writeNow();
      journal.append(answered(n, keyOf(n), `text ${n}`));
      const found = journal.answers.find(keyOf(Math.floor(n / 2)))?.text;
      assert.ok(found === undefined || found === `text ${Math.floor(n / 2)}`);
      written.push(n);
    }
    await journal.commit().then(() => held.push(...written), keep);
    if (failure !== undefined) {
      // Once failed, always failed: and it says so each time.
      const again = await journal.commit().catch((thrown: unknown) => thrown);
      assert.is((again as RvbbitError).code, 'RVB_JOURNAL_WRITE');
    }
  }
  await journal.close().catch(keep);
  if (failure !== undefined) {
    assert.instance(failure, RvbbitError);
    assert.is((failure as RvbbitError).code, 'RVB_JOURNAL_WRITE');
  }
  return held;
}

/** What a later process must find: every committed answer, no damage, and room to go on. */
async function checkFolder(stateDir: string, held: readonly number[], what: string): Promise<void> {
  const folder = join(stateDir, 'journal');
  for (const name of segmentNames(realFileSystem, folder)) {
    const { problems } = verifySegment(realFileSystem, folder, name);
    assert.equal(problems, [], what);
  }
  const unsynced = new FaultyFileSystem(Number.POSITIVE_INFINITY, 'EIO').files;
  const reader = await DiskJournal.open(stateDir, { files: unsynced });
  for (const n of held) assert.is(reader.answers.find(keyOf(n))?.text, `text ${n}`, what);
  reader.append(answered(99, keyOf(99), 'text 99'));
  await reader.commit();
  assert.is(reader.answers.find(keyOf(99))?.text, 'text 99', what);
  await reader.close();
}

test('whichever operation fails, and however: a typed failure or none, and nothing committed is lost', () =>
  withFolder(async (folder) => {
    const clean = new FaultyFileSystem(Number.POSITIVE_INFINITY, 'EIO');
    assert.is((await write(join(folder, 'clean'), clean)).length, 30);
    const faults: Fault[] = ['ENOSPC', 'EIO', 'EMFILE', 'short', 'torn'];
    const jobs = faults.flatMap((fault) =>
      [false, true].flatMap((forGood) =>
        Array.from({ length: clean.operations + 2 }, (_, n) => ({ fault, forGood, at: n + 1 })),
      ),
    );
    const queue = jobs.filter((_, n) => cases(n % 6 === seed % 6 ? 1 : 0, 1) === 1);
    const total = queue.length;
    const lane = async () => {
      for (let job = queue.pop(); job !== undefined; job = queue.pop()) {
        const what = `${job.fault} at operation ${job.at}${job.forGood ? ' and on' : ''}`;
        const stateDir = join(folder, what.replaceAll(' ', '-'));
        mkdirSync(stateDir);
        const faulty = new FaultyFileSystem(job.at, job.fault, job.forGood);
        const held = await write(stateDir, faulty);
        if (job.fault === 'short' && !job.forGood) assert.is(held.length, 30, what);
        await checkFolder(stateDir, held, what);
      }
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    reportCases(total, `failing operations, of ${clean.operations} in a run`);
  }));

test('a real limit on the file size: the failure is typed, and what was committed is there', () =>
  withFolder(async (folder) => {
    for (const blocks of [8, 21]) {
      const stateDir = join(folder, String(blocks));
      const output = await new Promise<string>((resolve, reject) => {
        // Without the trap the signal of the limit would end the process.
        const script = `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" "$@"`;
        execFile(
          'bash',
          ['-c', script, process.execPath, CHILD, stateDir, '0', '2000'],
          (error, stdout, stderr) =>
            error !== null && stdout === '' ? reject(new Error(stderr)) : resolve(stdout),
        );
      });
      const lines = output.trim().split('\n');
      assert.match(lines.at(-1)!, /^failed RVB_JOURNAL_WRITE/);
      const held = lines
        .filter((line) => line.startsWith('held'))
        .map((line) => Number(line.slice(5)));
      assert.ok(held.length > 0);
      await checkFolder(stateDir, held, `${blocks} KiB`);
    }
  }));

test('a full disk can be pruned, and a folder that cannot be changed is a typed failure', () =>
  withFolder(async (stateDir) => {
    const held = await write(stateDir, new FaultyFileSystem(Number.POSITIVE_INFINITY, 'EIO'));
    assert.is(held.length, 30);
    const folder = join(stateDir, 'journal');
    const segments = segmentNames(realFileSystem, folder);
    // As a process that was killed leaves them: without an index, and that long ago.
    for (const name of readdirSync(folder)) if (name.endsWith('.keys')) rmSync(join(folder, name));
    const longAgo = (Date.now() - 2 * JOURNAL_SEGMENT_ABANDONED_MS) / 1_000;
    for (const name of segments) utimesSync(join(folder, name), longAgo, longAgo);
    const bounds = { folder, nowMs: Date.now(), maxBytes: 0 };
    const failing = (code: string, operation: 'create' | 'write'): FileSystem => ({
      ...realFileSystem,
      [operation]: () => {
        throw Object.assign(new Error(`${code}: it does not work`), { code });
      },
    });
    assert.throws(
      () => pruneFolder({ ...bounds, files: failing('EROFS', 'create') }),
      (thrown: RvbbitError) => thrown.code === 'RVB_JOURNAL_WRITE',
    );
    const went = pruneFolder({ ...bounds, files: failing('ENOSPC', 'write') });
    // Segments of one millisecond are named in any order.
    assert.equal(went.map(({ name }) => name).sort(), segments);
    assert.equal(readdirSync(folder), []);
  }));

test('clocks that jump by an hour: commits end, answers are found, no segment is damaged', () =>
  withFolder(async (folder) => {
    let jumpMs = 0;
    const journal = await DiskJournal.open(folder, { nowMs: () => Date.now() + jumpMs });
    const jumps = cases(20, 200);
    for (let n = 0; n < jumps; n += 1) {
      jumpMs = ((n * 7 + seed) % 3) * 3_600_000 - 3_600_000;
      const at = Math.round((Date.now() + jumpMs) * 1_000);
      journal.append(started(n, keyOf(n), at));
      journal.append(answered(n, keyOf(n), `text ${n}`, at));
      const began = performance.now();
      await journal.commit();
      assert.ok(performance.now() - began < 5_000);
      assert.is(journal.answers.find(keyOf(n))?.text, `text ${n}`);
    }
    await journal.close();
    await checkFolder(
      folder,
      Array.from({ length: jumps }, (_, n) => n),
      'jumping clock',
    );
    reportCases(jumps, 'clock jumps');
  }));

test.run();
