/** Pruning, locks, and the commands that keep a journal in order. */
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RvbbitError } from '../../src/errors.ts';
import { isAbandoned } from '../../src/journal/disk/abandoned.ts';
import { DiskJournal } from '../../src/journal/disk/disk-journal.ts';
import { type FileSystem, realFileSystem } from '../../src/journal/disk/file-system.ts';
import { lockFolder } from '../../src/journal/disk/folder-lock.ts';
import { pruneFolder } from '../../src/journal/disk/prune.ts';
import { segmentName } from '../../src/journal/disk/segment-name.ts';
import { segmentNames } from '../../src/journal/disk/survey.ts';
import { processIdentity } from '../../src/journal/process-facts.ts';
import { RECORD_VERSION } from '../../src/journal/records.ts';
import { rvbbitHere } from '../cli/here.ts';
import { compact, fill, KEYS } from './maintenance-support.ts';
import { answered, keyOf, withFolder } from './support.ts';

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
    const base = {
      v: RECORD_VERSION,
      seq: 1,
      at: answered(2, '', '').at,
      session: 's',
      caller: 's',
    } as const;
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

test('a lock that names no process is taken over when it is a day old', () =>
  withFolder(async (folder) => {
    const lock = join(folder, 'maintenance.lock');
    for (const pid of ['"x"', 'null', '-1', '0', '1e999', '{}']) {
      writeFileSync(lock, `{"pid":${pid},"host":${JSON.stringify(hostname())}}`);
      const take = (nowMs: number) => lockFolder(realFileSystem, folder, nowMs);
      assert.throws(() => take(Date.now()), /another process compacts or prunes/, pid);
      take(Date.now() + 2 * 86_400_000)();
    }
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
    const run = (...words: string[]) => rvbbitHere(['cache', ...words, '--state-dir', folder]);
    const stats = await run('stats');
    assert.is(JSON.parse(stats.stdout).answers, KEYS);
    const listed = (await run('list', '--limit', '3')).stdout.trim().split('\n');
    assert.equal(
      listed.map((line) => JSON.parse(line).text),
      ['text 59', 'text 58', 'text 57'],
    );
    const shown = await run('show', JSON.parse(listed[0]!).key);
    assert.is(JSON.parse(shown.stdout).text, 'text 59');
    const [digit = ''] = keyOf(0);
    const alike = Array.from({ length: KEYS }, (_, n) => keyOf(n)).filter(
      (key) => key[0] === digit,
    );
    const many = await run('show', digit);
    assert.is(many.code, 1);
    assert.match(many.stderr, `${alike.length} answers have a key that begins with ${digit}`);
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
      const ended = await rvbbitHere(args);
      assert.match(ended.stderr, message);
      assert.is(ended.code, code, args.join(' '));
    }
  }));

test.run();
