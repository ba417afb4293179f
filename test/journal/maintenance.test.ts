/** Compaction, pruning, verification, and the commands that do them. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acquireDatabase } from '../../src/duck/registry.ts';
import type { RvbbitError } from '../../src/errors.ts';
import { Archive } from '../../src/journal/disk/archive.ts';
import { DiskJournal } from '../../src/journal/disk/disk-journal.ts';
import { type FileSystem, realFileSystem } from '../../src/journal/disk/file-system.ts';
import { isAbandoned } from '../../src/journal/disk/finished.ts';
import { lockFolder } from '../../src/journal/disk/folder-lock.ts';
import { pruneFolder } from '../../src/journal/disk/prune.ts';
import { segmentName } from '../../src/journal/disk/segment-name.ts';
import { readSegment } from '../../src/journal/disk/segment-reader.ts';
import { segmentNames } from '../../src/journal/disk/survey.ts';
import { verifyFolder } from '../../src/journal/disk/verify.ts';
import { processIdentity } from '../../src/journal/process-facts.ts';
import { cases, deep, QUICK_BUDGET_MS, reportCases } from '../support/cases.ts';
import { compact } from './compact.ts';
import { FaultyFileSystem } from './faulty-file-system.ts';
import { answered, keyOf, started, withFolder } from './support.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const KEYS = 40;
const ASKED = 60;

/** 60 answers to 40 keys in several sealed segments. */
async function fill(stateDir: string): Promise<void> {
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
    const step = cases(5, 1);
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

function cli(
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

test('compaction killed at a random moment loses nothing, and the next one finishes', () =>
  withFolder(async (folder) => {
    const began = performance.now();
    const wanted = cases(8, 60);
    let kills = 0;
    let tookMs = 600;
    while (kills < wanted && (deep || performance.now() - began < QUICK_BUDGET_MS / 5)) {
      const stateDir = join(folder, String(kills));
      await fill(stateDir);
      const args = ['journal', 'compact', '--older-than', '0s', '--state-dir', stateDir];
      const startedMs = performance.now();
      await cli(args, (0.3 + 0.7 * Math.random()) * tookMs);
      await checkWhole(stateDir, 'killed');
      const again = await cli(args);
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
      onDamage: ({ segment }) => damaged.push(segment),
    });
    assert.ok(damaged.includes(first!));
    assert.not.ok(done[0]!.segments.includes(first!));
    assert.ok(segmentNames(realFileSystem, place).includes(first!));
    const checked = await cli(['journal', 'verify', '--state-dir', folder]);
    assert.is(checked.code, 1);
    assert.match(checked.stderr, `RVB_JOURNAL_CORRUPT: journal segment ${first}, line 1, byte 0`);
  }));

test('prune removes the oldest first, by age and by size, and nothing that is still written', () =>
  withFolder(async (folder) => {
    await fill(folder);
    const place = join(folder, 'journal');
    const open = await DiskJournal.open(folder);
    open.append(answered(500, keyOf(500), 'open'));
    await open.commit();
    const names = segmentNames(realFileSystem, place);
    const bounds = { files: realFileSystem, folder: place, nowMs: Date.now() };
    assert.equal(pruneFolder({ ...bounds, maxBytes: 1e9 }), []);
    const dry = pruneFolder({ ...bounds, maxBytes: 20_000, isDry: true });
    assert.equal(segmentNames(realFileSystem, place), names);
    const went = pruneFolder({ ...bounds, maxBytes: 20_000 });
    assert.equal(went, dry);
    assert.equal(
      went.map(({ name }) => name),
      names.slice(0, went.length),
      'the oldest',
    );
    const size = readdirSync(place).reduce(
      (sum, name) => sum + statSync(join(place, name)).size,
      0,
    );
    assert.ok(size <= 20_000, String(size));
    pruneFolder({ ...bounds, maxAgeMs: 1_000 });
    assert.equal(segmentNames(realFileSystem, place), names.slice(-1), 'the open one stays');
    await open.close();
    // Its process is gone and nothing was written for two hours.
    const dead = '20260101T000000.000Z-999999999-00000000.ndjson';
    writeFileSync(join(place, dead), '');
    assert.not.ok(pruneFolder({ ...bounds, maxAgeMs: 1_000 }).some(({ name }) => name === dead));
    utimesSync(join(place, dead), Date.now() / 1_000 - 7_200, Date.now() / 1_000 - 7_200);
    assert.ok(pruneFolder({ ...bounds, maxAgeMs: 1_000 }).some(({ name }) => name === dead));
  }));

test('a journal with bounds keeps them when it is closed', () =>
  withFolder(async (folder) => {
    await fill(folder);
    const journal = await DiskJournal.open(folder, { maxBytes: 10_000 });
    journal.append(answered(500, keyOf(500), 'new'));
    await journal.close();
    const place = join(folder, 'journal');
    const size = readdirSync(place).reduce(
      (sum, name) => sum + statSync(join(place, name)).size,
      0,
    );
    assert.ok(size <= 10_000);
    const reader = await DiskJournal.open(folder);
    assert.is(reader.answers.find(keyOf(500))?.text, 'new');
    await reader.close();
  }));

test('a clearing outlives pruning and compaction as long as an answer that it concerns', () =>
  withFolder(async (folder) => {
    const place = join(folder, 'journal');
    const early = await DiskJournal.open(folder);
    early.append(answered(1, keyOf(1), 'cleared'));
    await early.commit();
    const clearing = await DiskJournal.open(folder);
    const base = { v: 1, seq: 1, at: answered(2, '', '').at, session: 's', caller: 's' } as const;
    clearing.append({ ...base, t: 'cache.clear', before: base.at });
    await clearing.close();
    // The answer's own segment goes on, so that the clearing's is the older one.
    early.append(answered(9, keyOf(9), 'later'));
    await early.close();
    const size = readdirSync(place).reduce(
      (sum, name) => sum + statSync(join(place, name)).size,
      0,
    );
    pruneFolder({ files: realFileSystem, folder: place, nowMs: Date.now(), maxBytes: size - 1 });
    await compact(folder);
    const reader = await DiskJournal.open(folder);
    assert.is(reader.answers.find(keyOf(1)), undefined);
    assert.is(reader.answers.find(keyOf(9))?.text, 'later');
    await reader.close();
  }));

test('two processes do not compact or prune at a time; the lock of a dead one is taken over', () =>
  withFolder(async (folder) => {
    await fill(folder);
    const place = join(folder, 'journal');
    const prune = () =>
      pruneFolder({ files: realFileSystem, folder: place, nowMs: Date.now(), maxBytes: 0 });
    const lock = join(place, 'maintenance.lock');
    writeFileSync(lock, JSON.stringify({ pid: process.pid, host: hostname() }));
    assert.throws(prune, (thrown: RvbbitError) => thrown.code === 'RVB_RUN_LOCKED');
    writeFileSync(lock, JSON.stringify({ pid: 999_999_999, host: 'another' }));
    assert.throws(prune, (thrown: RvbbitError) => thrown.code === 'RVB_RUN_LOCKED');
    writeFileSync(lock, JSON.stringify({ pid: 999_999_999, host: hostname() }));
    assert.ok(prune().length > 0);
    assert.equal(readdirSync(place), []);
  }));

test('a lock is taken over from a dead process whose number another one, or this one, was given since', () =>
  withFolder(async (folder) => {
    await fill(folder);
    const place = join(folder, 'journal');
    const lock = join(place, 'maintenance.lock');
    const prune = () =>
      pruneFolder({ files: realFileSystem, folder: place, nowMs: Date.now(), maxBytes: 0 });
    const own = processIdentity(process.pid);
    // No other system tells processes of one number apart.
    if (own === undefined) return;
    const holder = { pid: process.pid, host: hostname() };
    writeFileSync(lock, JSON.stringify({ ...holder, identity: own }));
    assert.throws(prune, (thrown: RvbbitError) => thrown.code === 'RVB_RUN_LOCKED');
    writeFileSync(lock, JSON.stringify({ ...holder, identity: 'another boot/1' }));
    assert.ok(prune().length > 0);
    assert.equal(readdirSync(place), []);
  }));

test('of two that find the lock of a dead process at the same time, one takes it over', () =>
  withFolder(async (folder) => {
    const lock = join(folder, 'maintenance.lock');
    const dead = JSON.stringify({ pid: 999_999_999, host: hostname() });
    // The other one comes at each operation of the first on the lock, from before it looks until it has taken it.
    let turns = 1;
    for (let turn = 1; turn <= turns; turn++) {
      writeFileSync(lock, dead);
      let operations = 0;
      let other: (() => void) | undefined;
      const during = (): void => {
        operations += 1;
        if (operations !== turn) return;
        try {
          other = lockFolder(realFileSystem, folder, Date.now());
        } catch (thrown) {
          assert.is((thrown as RvbbitError).code, 'RVB_RUN_LOCKED');
        }
      };
      const files: FileSystem = {
        ...realFileSystem,
        facts: (path) => {
          during();
          return realFileSystem.facts(path);
        },
        openToRead: (path) => {
          during();
          return realFileSystem.openToRead(path);
        },
        link: (from, to) => {
          during();
          realFileSystem.link(from, to);
        },
        remove: (path) => {
          during();
          realFileSystem.remove(path);
        },
      };
      let first: (() => void) | undefined;
      try {
        first = lockFolder(files, folder, Date.now());
      } catch (thrown) {
        assert.is((thrown as RvbbitError).code, 'RVB_RUN_LOCKED');
      }
      assert.ok(first === undefined || other === undefined, `both took it, turn ${turn}`);
      first?.();
      other?.();
      assert.not.ok(existsSync(lock));
      turns = Math.max(turns, operations);
    }
    assert.ok(turns > 5, `${turns} operations`);
    assert.equal(readdirSync(folder), []);
  }));

test('the segment of a process whose number this one was given since is finished', () => {
  const nowMs = Date.now();
  const createdMs = performance.timeOrigin - 7_200_000;
  const facts = { size: 1, modifiedMs: createdMs };
  const name = segmentName(createdMs, process.pid, 0.5);
  assert.ok(isAbandoned(name, facts, nowMs));
  const isOwnIdle = isAbandoned(name, { size: 1, modifiedMs: nowMs }, nowMs + 7_200_000);
  assert.not.ok(isOwnIdle, 'that of a process that runs is not');
});

test('rvbbit cache lists, shows and clears', () =>
  withFolder(async (folder) => {
    await fill(folder);
    const run = (...words: string[]) => cli(['cache', ...words, '--state-dir', folder]);
    const stats = await run('stats');
    assert.is(JSON.parse(stats.stdout).answers, KEYS);
    const listed = (await run('list', '--limit', '3')).stdout.trim().split('\n');
    assert.equal(
      listed.map((line) => JSON.parse(line).text),
      ['text 59', 'text 58', 'text 57'],
    );
    const shown = await run('show', JSON.parse(listed[0]!).key);
    assert.is(JSON.parse(shown.stdout).text, 'text 59');
    const many = await run('show', 'k');
    assert.is(many.code, 1);
    assert.match(many.stderr, `${KEYS} answers have a key that begins with k`);
    const asked = await run('clear');
    assert.is(asked.code, 2);
    assert.match(asked.stderr, `${KEYS} answers would be cleared`);
    assert.is((await run('clear', '--model', 'other', '--yes')).code, 0);
    assert.is(JSON.parse((await run('stats')).stdout).answers, KEYS);
    assert.is((await run('clear', '--yes')).code, 0);
    assert.is((await run('stats')).stdout, '');
    const reader = await DiskJournal.open(folder);
    assert.is(reader.answers.find(keyOf(1)), undefined);
    await reader.close();
  }));

test('the commands say what is wrong with a command line', () =>
  withFolder(async (folder) => {
    const wrong: readonly [string[], number, string][] = [
      [['journal', 'verify', '--state-dir', join(folder, 'none')], 3, 'there is no journal in'],
      [['journal', 'verfy'], 2, 'there is no journal verfy'],
      [['journal', 'prune', '--older-than', '30'], 2, '--older-than takes a time with its unit'],
      [['journal', 'prune', '--max-size', '1XB'], 2, '--max-size takes a size with its unit'],
      [['cache', 'show'], 2, 'cache show needs a key'],
    ];
    for (const [args, code, message] of wrong) {
      const ended = await cli(args);
      assert.match(ended.stderr, message);
      assert.is(ended.code, code, args.join(' '));
    }
  }));

test.run();
