/** Records with a right checksum and a field that does not fit: named, passed over, and no answer by them. */
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DiskJournal } from '../../src/journal/disk/disk-journal.ts';
import { realFileSystem } from '../../src/journal/disk/file-system.ts';
import { LineBuffer } from '../../src/journal/disk/line.ts';
import { listAnswers } from '../../src/journal/disk/list-answers.ts';
import { listStatements } from '../../src/journal/disk/list-statements.ts';
import { pruneFolder } from '../../src/journal/disk/prune.ts';
import { recentRecords } from '../../src/journal/disk/recent-records.ts';
import { checkRecord } from '../../src/journal/disk/record-check.ts';
import { verifySegment } from '../../src/journal/disk/verify.ts';
import { Experience } from '../../src/journal/experience/experience.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import { compact } from './maintenance-support.ts';
import { base, changes, OTHERS, SAMPLES } from './record-changes.ts';
import { answered, keyOf, started, withFolder } from './support.ts';

/** No process has this number. */
const SEGMENT = `20260131T101502.123Z-${2 ** 22 + 1}-9f3ac1d2.ndjson`;
test('every field of every kind of record is checked: its type, and whether it is there', () => {
  for (const record of SAMPLES) assert.ok('record' in checkRecord(record), record.t);
  let ran = 0;
  for (const { json, may, what } of changes()) {
    assert.is('record' in checkRecord(JSON.parse(json)), may, what);
    ran += 1;
  }
  reportCases(ran, 'changed records');
});

test('a value that is no record is none, and a kind that is not known is a record', () => {
  for (const json of OTHERS) assert.ok('reason' in checkRecord(JSON.parse(json)), json);
  for (const t of ['null', '5', '[]', '{}']) {
    const json = JSON.stringify({ ...base, t: 0 }).replace('"t":0', `"t":${t}`);
    assert.ok('reason' in checkRecord(JSON.parse(json)), json);
  }
  for (const t of ['moon.phase', 'constructor', '__proto__', 'toString', '']) {
    assert.ok('record' in checkRecord({ ...base, t }), t);
  }
});

test('rows may be told of by their first run, their count and how many failed', () => {
  const checked = checkRecord({ ...base, t: 'rows', first: 100, count: 50, failed: 2 });
  const whole = { first: 100, count: 50, ok: 48, null: 0, failed: 2, skipped: 0, failures: [] };
  assert.equal(checked, { record: { ...base, t: 'rows', ...whole } });
  for (const failed of [51, -1, null, 'x', undefined]) {
    assert.ok('reason' in checkRecord({ ...base, t: 'rows', first: 0, count: 50, failed }));
  }
});

/** A state folder of one sealed segment with these lines. */
function build(folder: string, lines: readonly string[]): string {
  const buffer = new LineBuffer();
  for (const line of lines) buffer.add(line);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'journal'), { recursive: true });
  const path = join(folder, 'journal', SEGMENT);
  writeFileSync(path, buffer.bytes);
  utimesSync(path, new Date(0), new Date(0));
  return folder;
}

const KEYS = 20;

/** What every reader of a state folder makes of it. */
async function readAll(state: string): Promise<{ told: unknown; problems: string[] }> {
  const problems: string[] = [];
  const folder = join(state, 'journal');
  const found: unknown[] = [];
  // From the lines, then from the key index that this has made.
  for (let round = 0; round < 2; round += 1) {
    const journal = await DiskJournal.open(state, {
      onProblem: ({ message }) => problems.push(message),
    });
    for (let n = 0; n < KEYS; n += 1) {
      found.push(journal.answers.find(keyOf(n)), journal.takeLostCalls(keyOf(n)));
    }
    await journal.close();
  }
  const experience = new Experience();
  recentRecords(realFileSystem, folder, Infinity, (record) => experience.observe(record));
  const listed = [listAnswers, listStatements].map((list) =>
    list(realFileSystem, folder, () => undefined),
  );
  const place = { provider: 'p', model: 'm', cascade: 'c.yaml', cell: 'ask' };
  const learned = [experience.callsAt(place), experience.answersOf('o', 'c')];
  pruneFolder({ files: realFileSystem, folder, nowMs: Date.now(), maxAgeMs: 0, isDry: true });
  await compact(state, { isDry: true, onDamage: () => undefined });
  return { told: { found, listed, learned: JSON.stringify(learned) }, problems };
}

test('among wrong records every reader finds what it finds without them, and each is named once', () =>
  withFolder(async (folder) => {
    const wrong = [...changes()].filter(({ may, json }) => !may && json.length < 5_000);
    const huge = [...changes()].filter(({ may, json }) => !may && json.length >= 5_000);
    const right = SAMPLES.filter(({ t }) => !['cache.clear', 'answer', 'attempt.end'].includes(t));
    const truths = Array.from({ length: KEYS }, (_, n) => [
      started(n, keyOf(n)),
      answered(n, keyOf(n), `answer ${n}`),
    ]).flat();
    const good = [...truths, ...right].map((record) => JSON.stringify(record));
    const total = cases(500, 200_000);
    const size = 2_000;
    const random = fc.sample(fc.infiniteStream(fc.nat()), { numRuns: 1, seed })[0]!;
    const next = (below: number) => Number(random.next().value) % below;
    for (let done = 0; done < total; done += size) {
      const bad = Array.from({ length: Math.min(size, total - done) }, (_, n) => {
        const { json } = n % 100 === 0 ? huge[next(huge.length)]! : wrong[next(wrong.length)]!;
        // Newer than every truth, and under its key: it would be found in its place.
        return json.replaceAll(keyOf(1), keyOf(next(KEYS)));
      });
      const mixed = [...good];
      for (const line of bad) mixed.splice(next(mixed.length + 1), 0, line);
      const expected = await readAll(build(join(folder, 'clean'), good));
      const state = build(join(folder, 'wrong'), mixed);
      const { told, problems } = await readAll(state);
      assert.equal(told, expected.told);
      assert.equal(expected.problems, []);
      assert.is(problems.length, bad.length);
      assert.is(new Set(problems).size, bad.length, 'each by its place');
      for (const problem of problems) assert.match(problem, `journal segment ${SEGMENT}, line `);
      const verified = verifySegment(realFileSystem, join(state, 'journal'), SEGMENT);
      assert.is(verified.problems.length, bad.length);
    }
    reportCases(total, 'records with a right checksum and a field that does not fit');
  }));

test('a key index with a right checksum and any places in it gives no wrong answer', () =>
  withFolder(async (folder) => {
    const truths = Array.from({ length: KEYS }, (_, n) =>
      JSON.stringify(answered(n, keyOf(n), `answer ${n}`)),
    );
    const state = build(folder, truths);
    await readAll(state);
    const place = join(state, 'journal');
    const path = join(place, readdirSync(place).find((name) => name.endsWith('.keys'))!);
    const bytes = readFileSync(path);
    const words = fc.array(
      fc.tuple(fc.nat(bytes.length / 4 - 3), fc.oneof(fc.nat(2 ** 32 - 1), fc.nat(5_000))),
      { minLength: 1, maxLength: 6 },
    );
    const runs = cases(60, 20_000);
    const property = fc.asyncProperty(words, async (changed) => {
      const index = Buffer.from(bytes);
      for (const [at, word] of changed) index.writeUInt32LE(word, 8 + 4 * at);
      index.writeUInt32LE(crc32(index.subarray(8)), 4);
      writeFileSync(path, index);
      const journal = await DiskJournal.open(state);
      for (let n = 0; n < KEYS; n += 1) {
        const text = journal.answers.find(keyOf(n))?.text;
        assert.ok(text === undefined || text === `answer ${n}`, text);
      }
      await journal.close();
    });
    await fc.assert(property, { seed, numRuns: runs });
    reportCases(runs, 'changed key indexes');
  }));

test.run();
