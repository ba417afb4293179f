/** Compaction: nothing is lost by it, and damage does not stop it. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acquireDatabase } from '../../src/duck/registry.ts';
import type { RvbbitError } from '../../src/errors.ts';
import { Archive } from '../../src/journal/disk/archive.ts';
import { DiskJournal } from '../../src/journal/disk/disk-journal.ts';
import { realFileSystem } from '../../src/journal/disk/file-system.ts';
import { damageError, readSegment } from '../../src/journal/disk/segment-reader.ts';
import { segmentNames } from '../../src/journal/disk/survey.ts';
import { verifyFolder } from '../../src/journal/disk/verify.ts';
import { rvbbitHere } from '../cli/here.ts';
import { cases, deep, QUICK_BUDGET_MS, reportCases } from '../support/cases.ts';
import { FaultyFileSystem } from './faulty-file-system.ts';
import { ASKED, cli, compact, fill, KEYS } from './maintenance-support.ts';
import { keyOf, withFolder } from './support.ts';

/** Every record of the folder, once: those of a segment that an archive holds are counted there. */
async function allRecords(stateDir: string): Promise<string[]> {
  const folder = join(stateDir, 'journal');
  const archives = readdirSync(folder).filter((name) => name.endsWith('.parquet'));
  const found: string[] = [];
  const archived = new Set<string>();
  if (archives.length > 0) {
    const lease = await acquireDatabase(':memory:');
    const connection = await lease.instance.connect();
    const reader = await connection.runAndReadAll(
      `SELECT segment, json FROM read_parquet('${folder}/*.parquet')`,
    );
    for (const [segment, json] of reader.getRows()) {
      archived.add(String(segment));
      found.push(String(json));
    }
    connection.closeSync();
    await lease.release();
  }
  for (const name of segmentNames(realFileSystem, folder)) {
    if (archived.has(name)) continue;
    readSegment(
      realFileSystem,
      folder,
      name,
      0,
      ({ record, json }) => {
        if (record.t !== 'answer') found.push(json);
      },
      () => assert.unreachable(),
    );
  }
  return found;
}

/** The newest answer of each key is found, and every record is there once. */
async function checkWhole(stateDir: string, what: string): Promise<void> {
  const reader = await DiskJournal.open(stateDir);
  for (let key = 0; key < KEYS; key += 1) {
    const newest = key < ASKED - KEYS ? key + KEYS : key;
    assert.is(reader.answers.find(keyOf(key))?.text, `text ${newest}`, what);
  }
  await reader.close();
  const records = await allRecords(stateDir);
  assert.is(records.length, 2 * ASKED, what);
  assert.is(new Set(records).size, 2 * ASKED, what);
}

test('compaction keeps every record once, every current answer, and a reader that is at work', () =>
  withFolder(async (folder) => {
    await fill(folder);
    const reader = await DiskJournal.open(folder);
    assert.is(reader.answers.find(keyOf(39))?.text, 'text 39');
    const before = segmentNames(realFileSystem, join(folder, 'journal'));
    assert.ok(before.length > 2);
    const [done, ...more] = await compact(folder);
    assert.equal(more, []);
    assert.is(done!.answers, KEYS);
    assert.equal(done!.segments, before);
    for (let key = 0; key < KEYS; key += 1) assert.ok(reader.answers.find(keyOf(key)));
    await reader.close();
    await checkWhole(folder, 'compacted');
    assert.equal(await compact(folder), [], 'nothing is left to do');
    for (const name of readdirSync(join(folder, 'journal'))) {
      assert.is(statSync(join(folder, 'journal', name)).mode & 0o777, 0o600, name);
    }
    const verified = await verifyFolder(realFileSystem, join(folder, 'journal'), () =>
      Archive.open(),
    );
    assert.equal(
      verified.map(({ records }) => records).sort((a, b) => a - b),
      [KEYS, 2 * ASKED],
    );
  }));

test('compaction ended after any operation loses nothing, and the next one finishes', () =>
  withFolder(async (folder) => {
    await fill(join(folder, 'clean'));
    const clean = new FaultyFileSystem(Number.POSITIVE_INFINITY, 'EIO');
    await compact(join(folder, 'clean'), { files: clean.files });
    const began = performance.now();
    let ran = 0;
    const step = cases(12, 1);
    for (let at = 1 + (Date.now() % step); at <= clean.operations; at += step) {
      if (!deep && performance.now() - began > QUICK_BUDGET_MS / 4) break;
      const what = `ended after operation ${at - 1} of ${clean.operations}`;
      const stateDir = join(folder, String(at));
      await fill(stateDir);
      const problem = await compact(stateDir, {
        files: new FaultyFileSystem(at, 'EIO', true).files,
      }).then(
        () => undefined,
        (thrown: unknown) => thrown as RvbbitError,
      );
      await checkWhole(stateDir, what);
      // The process that held the lock is this one, which a later process would see gone.
      if (problem !== undefined) realFileSystem.remove(join(stateDir, 'journal/maintenance.lock'));
      await compact(stateDir);
      await checkWhole(stateDir, `${what}, then finished`);
      ran += 1;
    }
    reportCases(ran, `ends of a compaction of ${clean.operations} operations`);
  }));

test('compaction killed at a random moment loses nothing, and the next one finishes', () =>
  withFolder(async (folder) => {
    const began = performance.now();
    const wanted = cases(3, 60);
    let kills = 0;
    let tookMs = 600;
    while (kills < wanted && (deep || performance.now() - began < QUICK_BUDGET_MS / 5)) {
      const stateDir = join(folder, String(kills));
      await fill(stateDir);
      const args = ['journal', 'compact', '--older-than', '0s', '--state-dir', stateDir];
      const startedMs = performance.now();
      await cli(args, (0.3 + 0.7 * Math.random()) * tookMs);
      await checkWhole(stateDir, 'killed');
      const again = await rvbbitHere(args);
      assert.is(again.code, 0, again.stderr);
      tookMs = Math.max(300, 0.5 * (performance.now() - startedMs));
      await checkWhole(stateDir, 'finished');
      kills += 1;
    }
    reportCases(kills, 'kills of rvbbit journal compact');
  }));

test('a segment with damage is left alone by compaction', () =>
  withFolder(async (folder) => {
    await fill(folder);
    const place = join(folder, 'journal');
    const [first] = segmentNames(realFileSystem, place);
    writeFileSync(join(place, first!), 'no line of ours\n', { flag: 'r+' });
    const damaged: string[] = [];
    const done = await compact(folder, {
      onDamage: (damage) => damaged.push(damageError(damage).message),
    });
    assert.match(damaged.join('\n'), `journal segment ${first}`);
    assert.not.ok(done[0]!.segments.includes(first!));
    assert.ok(segmentNames(realFileSystem, place).includes(first!));
    const checked = await rvbbitHere(['journal', 'verify', '--state-dir', folder]);
    assert.is(checked.code, 1);
    assert.match(checked.stderr, `RVB_JOURNAL_CORRUPT: journal segment ${first}, line 1, byte 0`);
  }));

test('an archive that cannot be read is named, and does not keep compaction from its work', () =>
  withFolder(async (stateDir) => {
    await fill(stateDir);
    const folder = join(stateDir, 'journal');
    const broken = '20260101T000000.000Z-1-00000000.parquet';
    writeFileSync(join(folder, broken), 'no archive of ours');
    const problems: RvbbitError[] = [];
    const done = await compact(stateDir, {
      onDamage: (damage) => problems.push(damageError(damage)),
    });
    assert.is(done[0]!.answers, KEYS);
    assert.is(problems[0]!.code, 'RVB_JOURNAL_CORRUPT');
    assert.match(problems[0]!.message, `the archive ${broken} cannot be read`);
    const verified = await verifyFolder(realFileSystem, folder, () => Archive.open());
    const { message } = verified.find(({ name }) => name === broken)!.problems[0]!;
    assert.is(message, problems[0]!.message);
  }));

test('a dry run counts the answers that compaction would keep', () =>
  withFolder(async (stateDir) => {
    await fill(stateDir);
    const [would] = await compact(stateDir, { isDry: true });
    const [did] = await compact(stateDir);
    assert.equal([would!.answers, did!.answers], [KEYS, KEYS]);
  }));

test('an archive that names what is no segment makes compaction remove nothing by it', () =>
  withFolder(async (stateDir) => {
    await fill(stateDir);
    const folder = join(stateDir, 'journal');
    const beside = join(stateDir, 'mine.ndjson');
    writeFileSync(beside, 'mine');
    const forged = '20260101T000000.000Z-1-00000000.parquet';
    const lease = await acquireDatabase(':memory:');
    const connection = await lease.instance.connect();
    await connection.run(
      `COPY (SELECT '../mine.ndjson' AS segment) TO '${join(folder, forged)}' (FORMAT parquet)`,
    );
    connection.closeSync();
    await lease.release();
    const problems: string[] = [];
    await compact(stateDir, { onDamage: (damage) => problems.push(damageError(damage).message) });
    assert.is(readFileSync(beside, 'utf8'), 'mine');
    assert.match(problems.join('\n'), `the archive ${forged} cannot be read: it holds records of`);
    const verified = await verifyFolder(realFileSystem, folder, () => Archive.open());
    const { message } = verified.find(({ name }) => name === forged)!.problems[0]!;
    assert.match(message, `the archive ${forged} cannot be read`);
  }));

test.run();
