/** Calls that were out when their process died: told to whoever asks again, until such a call has ended; indexed or not. */
import { spawn } from 'node:child_process';
import { appendFileSync, readdirSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DiskJournal } from '../../src/journal/disk/disk-journal.ts';
import { realFileSystem } from '../../src/journal/disk/file-system.ts';
import { readIndex, type SegmentIndex, writeIndex } from '../../src/journal/disk/key-index.ts';
import { LineBuffer } from '../../src/journal/disk/line.ts';
import { SegmentScan, scanOn } from '../../src/journal/disk/segment-scan.ts';
import { UnendedCalls } from '../../src/journal/disk/unended-calls.ts';
import { isAlive, isGoneSince, processIdentity } from '../../src/journal/process-facts.ts';
import type { JournalRecord } from '../../src/journal/records.ts';
import { UNENDED_MAX_CALLS } from '../../src/limits.ts';
import { answered, keyOf, started, withFolder } from './support.ts';

/** No process has this number. */
const DEAD = 2 ** 22 + 1;

function segmentsOf(folder: string): string[] {
  return readdirSync(join(folder, 'journal')).filter((name) => name.endsWith('.ndjson'));
}

function indexOf(place: string, segment: string): SegmentIndex | undefined {
  return readIndex(realFileSystem, place, segment, () => assert.unreachable());
}

/** Makes the segments those of a process that is gone; gives their new names. */
function bury(folder: string, isOld: boolean): string[] {
  return segmentsOf(folder).map((name) => {
    const dead = name.replace(`-${process.pid}-`, `-${DEAD}-`);
    const at = (each: string) => join(folder, 'journal', each);
    const place = join(folder, 'journal');
    const index = indexOf(place, name);
    renameSync(at(name), at(dead));
    rmSync(at(name.replace('.ndjson', '.keys')), { force: true });
    if (index !== undefined) writeIndex(realFileSystem, place, dead, index);
    if (isOld) utimesSync(at(dead), new Date(0), new Date(0));
    return dead;
  });
}

async function write(folder: string, records: readonly Parameters<DiskJournal['append']>[0][]) {
  const journal = await DiskJournal.open(folder, { segmentMaxBytes: 1_000 });
  for (const record of records) {
    journal.append(record);
    await journal.commit();
  }
  await journal.close();
}

async function lostIn(folder: string, keys: readonly number[]): Promise<number[]> {
  const journal = await DiskJournal.open(folder);
  const lost = keys.map((n) => {
    journal.answers.find(keyOf(n));
    return journal.takeLostCalls(keyOf(n));
  });
  assert.equal(
    keys.map((n) => journal.takeLostCalls(keyOf(n))),
    keys.map(() => 0),
    'each is told once',
  );
  await journal.close();
  return lost;
}

const CALLS = [
  // 1 ends in a later segment, 2 and 3 never do, 4 ends at once.
  started(1, keyOf(1)),
  started(2, keyOf(2)),
  started(3, keyOf(3)),
  started(4, keyOf(4)),
  answered(4, keyOf(4), 'x'.repeat(600)),
  started(5, keyOf(2)),
  answered(6, keyOf(6), 'y'.repeat(900)),
  answered(1, keyOf(1), 'z'),
];

for (const how of ['from lines', 'from indexes', 'from indexes that a later process has made']) {
  test(`calls that did not end with their process are known, ${how}`, () =>
    withFolder(async (folder) => {
      await write(folder, CALLS);
      assert.ok(segmentsOf(folder).length >= 2);
      assert.equal(await lostIn(folder, [1, 2, 3, 4]), [0, 0, 0, 0], 'the process is this one');
      const dead = bury(folder, how.endsWith('made'));
      if (how !== 'from indexes') {
        for (const name of dead) {
          rmSync(join(folder, 'journal', name.replace('.ndjson', '.keys')));
        }
      }
      assert.equal(await lostIn(folder, [1, 2, 3, 4]), [0, 2, 1, 0]);
      if (how.endsWith('made')) {
        for (const name of dead) {
          assert.ok(indexOf(join(folder, 'journal'), name)?.closed);
        }
      }
      assert.equal(await lostIn(folder, [1, 2, 3, 4]), [0, 2, 1, 0], 'by every later process');
      await write(folder, [answered(9, keyOf(2), 'late', started(9, keyOf(2)).at + 1)]);
      assert.equal(await lostIn(folder, [2, 3]), [0, 1], 'the later answer knew of them');
    }));
}

/** A call that tells of one that was lost before it. */
const TELLING: JournalRecord = { ...started(7, keyOf(2)), again: 1 } as never;
/** Its end, where answers are not kept. */
const UNKEPT: JournalRecord = {
  ...answered(7, keyOf(2), ''),
  callKey: undefined,
  value: undefined,
} as never;

for (const how of ['from lines', 'from indexes', 'from indexes that were made in two steps']) {
  test(`what a call that has ended told of is not told again, kept or not, ${how}`, () =>
    withFolder(async (folder) => {
      const place = join(folder, 'journal');
      await write(folder, [started(2, keyOf(2))]);
      bury(folder, false);
      assert.equal(await lostIn(folder, [2]), [1]);
      await write(folder, [TELLING]);
      bury(folder, false);
      assert.equal(await lostIn(folder, [2]), [2], 'it was cut off as well');
      for (const name of segmentsOf(folder)) rmSync(join(place, name.replace('.ndjson', '.keys')));
      const [name] = segmentsOf(folder).slice(-1);
      const lines = new LineBuffer();
      lines.add(JSON.stringify(UNKEPT));
      const half = new SegmentScan();
      scanOn(realFileSystem, place, name!, half, () => assert.unreachable());
      appendFileSync(join(place, name!), lines.bytes);
      const whole = new SegmentScan(how.endsWith('steps') ? half.index(false) : undefined);
      scanOn(realFileSystem, place, name!, whole, () => assert.unreachable());
      if (how !== 'from lines') writeIndex(realFileSystem, place, name!, whole.index(true));
      assert.equal(await lostIn(folder, [2]), [0]);
    }));
}

test('what is kept of unended calls is bounded', () => {
  const unended = new UnendedCalls();
  const segment = `20260131T235959.123Z-${DEAD}-9f3ac1d2.ndjson`;
  for (let n = 0; n < UNENDED_MAX_CALLS + 10; n += 1) {
    const start = started(n, keyOf(n));
    if (start.t === 'attempt.start') unended.begun(start, segment);
  }
  assert.is(unended.takeLost(keyOf(UNENDED_MAX_CALLS - 1), 0), 1);
  assert.is(unended.takeLost(keyOf(UNENDED_MAX_CALLS + 1), 0), 0);
});

test('a process that was killed is gone, whoever has its number now', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await new Promise((resolve) => child.once('spawn', resolve));
  const pid = child.pid!;
  assert.ok(isAlive(pid));
  assert.not.ok(isGoneSince(pid, Date.now()));
  if (process.platform === 'linux') {
    assert.ok(isGoneSince(pid, Date.now() - 3_600_000), 'an hour ago the number was another’s');
    assert.is(processIdentity(pid), processIdentity(pid));
    assert.is.not(processIdentity(pid), processIdentity(process.pid));
  }
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await closed;
  assert.not.ok(isAlive(pid));
  assert.ok(isGoneSince(pid, Date.now()));
  assert.not.ok(isGoneSince(process.pid, Date.now()));
  assert.ok(isGoneSince(process.pid, Date.now() - 86_400_000), 'before this process began');
});

test.run();
