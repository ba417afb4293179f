/** D3: a journal cut at every byte, and with every byte flipped. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DiskJournal } from '../../src/journal/disk/disk-journal.ts';
import { realFileSystem } from '../../src/journal/disk/file-system.ts';
import { type Damage, type ReadLine, readLines } from '../../src/journal/disk/segment-reader.ts';
import { segmentNames } from '../../src/journal/disk/survey.ts';
import { verifySegment } from '../../src/journal/disk/verify.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import { answered, keyOf, started, withFolder } from './support.ts';

/** Bytes of the journal: the quick run tries every byte of a smaller one. */
const SIZE = cases(4_096, 65_536);

/** A journal of about `SIZE` bytes; every third answer is a newer one of an earlier key. */
async function build(folder: string): Promise<{ name: string; bytes: Buffer; index: Buffer }> {
  const journal = await DiskJournal.open(folder);
  for (let n = 0, size = 0; size < SIZE; n += 1) {
    const key = keyOf(n % 3 === 2 ? n - 2 : n);
    const records = [started(n, key), answered(n, key, `answer ${n} ${'é'.repeat(n % 7)}`)];
    for (const record of records) {
      journal.append(record);
      size += Buffer.byteLength(JSON.stringify(record)) + 10;
    }
  }
  await journal.close();
  const place = join(folder, 'journal');
  const name = readdirSync(place).find((each) => each.endsWith('.ndjson'))!;
  const bytes = readFileSync(join(place, name));
  return { name, bytes, index: readFileSync(join(place, name.replace('.ndjson', '.keys'))) };
}

function read(bytes: Buffer): { lines: ReadLine[]; damages: Damage[]; torn: number } {
  const lines: ReadLine[] = [];
  const damages: Damage[] = [];
  const { torn } = readLines(
    (position) => bytes.subarray(position),
    's',
    0,
    (line) => lines.push(line),
    (damage) => damages.push(damage),
  );
  return { lines, damages, torn };
}

test('cut at any byte: whole lines are read, the torn one is counted, nothing else is wrong', () =>
  withFolder(async (folder) => {
    const { bytes } = await build(folder);
    const whole = read(bytes).lines;
    let ran = 0;
    for (let length = 0; length < bytes.length; length += 1) {
      const { lines, damages, torn } = read(bytes.subarray(0, length));
      const expected = whole.filter((line) => line.offset + line.length + 1 <= length);
      assert.is(damages.length, 0);
      assert.is(lines.length, expected.length);
      const last = expected.at(-1);
      assert.is(torn, length - (last === undefined ? 0 : last.offset + last.length + 1));
      for (const [n, line] of lines.entries()) assert.is(line.json, expected[n]!.json);
      ran += 1;
    }
    reportCases(ran, `cuts of a journal of ${bytes.length} bytes`);
  }));

test('any byte flipped: the line is named by its place and not used, every other line is', () =>
  withFolder(async (folder) => {
    const { bytes } = await build(folder);
    const whole = read(bytes).lines;
    const byPlace = new Map(whole.map((line) => [line.offset, line.json]));
    let ran = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1 + ((at * 31 + seed) % 255);
      const { lines, damages, torn } = read(damaged);
      // A flipped newline joins two lines, the last one leaves a torn line.
      const isNewline = bytes[at] === 10;
      const isLast = at === bytes.length - 1;
      if (isLast) assert.ok(torn > 0);
      else assert.ok(damages.length >= 1, `byte ${at}`);
      const hit = whole.find((line) => at <= line.offset + line.length)!;
      if (!isLast) assert.is(damages[0]!.offset, hit.offset);
      assert.is(lines.length, whole.length - (isNewline && !isLast ? 2 : 1));
      for (const line of lines) assert.is(byPlace.get(line.offset), line.json);
      ran += 1;
    }
    reportCases(ran, `flipped bytes of a journal of ${bytes.length} bytes`);
  }));

test('no wrong answer is ever used, with and without a key index, and verify names the damage', () =>
  withFolder(async (folder) => {
    const { name, bytes, index } = await build(folder);
    const answers = new Map<string, Set<string>>();
    for (const { record } of read(bytes).lines) {
      if (record.t !== 'attempt.end') continue;
      const of = answers.get(record.callKey!) ?? new Set();
      answers.set(record.callKey!, of.add(record.value!));
    }
    let ran = 0;
    for (let at = seed % 64; at < bytes.length; at += 64) {
      for (const withIndex of [false, true]) {
        for (const cut of [false, true]) {
          const damaged = cut ? bytes.subarray(0, at) : Buffer.from(bytes);
          if (!cut) damaged[at]! ^= 1 + ((at * 17 + seed) % 255);
          const state = join(folder, 'damaged');
          mkdirSync(join(state, 'journal'), { recursive: true });
          writeFileSync(join(state, 'journal', name), damaged);
          if (withIndex)
            writeFileSync(join(state, 'journal', name.replace('.ndjson', '.keys')), index);
          const reader = await DiskJournal.open(state, { onProblem: () => undefined });
          let found = 0;
          for (const [key, texts] of answers) {
            const text = reader.answers.find(key)?.text;
            if (text === undefined) continue;
            found += 1;
            assert.ok(texts.has(text), `byte ${at}: ${text} under ${key}`);
          }
          await reader.close();
          if (!cut) {
            assert.ok(found >= answers.size - 2, `byte ${at}: ${found} of ${answers.size} found`);
          }
          const verified = verifySegment(realFileSystem, join(state, 'journal'), name);
          if (!cut && at < bytes.length - 1) {
            assert.is(verified.problems[0]?.code, 'RVB_JOURNAL_CORRUPT');
            assert.match(verified.problems[0]!.message, name);
          }
          rmSync(state, { recursive: true });
          ran += 1;
        }
      }
    }
    reportCases(ran, 'damaged folders searched for every answer');
  }));

test("a key index that was swapped for another segment's is named, and every answer is found all the same", () =>
  withFolder(async (folder) => {
    const place = join(folder, 'journal');
    for (let segment = 0; segment < 2; segment += 1) {
      const journal = await DiskJournal.open(folder);
      for (let n = 0; n < 10; n += 1) {
        const at = 10 * segment + n;
        journal.append(answered(at, keyOf(at), `answer ${at} ${'x'.repeat(50 * segment)}`));
      }
      await journal.close();
    }
    const [one, two] = readdirSync(place).filter((name) => name.endsWith('.keys'));
    const index = readFileSync(join(place, one!));
    writeFileSync(join(place, one!), readFileSync(join(place, two!)));
    writeFileSync(join(place, two!), index);
    const told = [one, two].map(
      (name) =>
        `the key index ${name}: it is the index of another segment; it is not used, its segment is read instead`,
    );
    const verified = segmentNames(realFileSystem, place).flatMap(
      (name) => verifySegment(realFileSystem, place, name).problems,
    );
    assert.equal(verified.map(({ message }) => message).sort(), told.sort());
    for (const expected of [told, []]) {
      const problems: string[] = [];
      const reader = await DiskJournal.open(folder, {
        onProblem: ({ message }) => problems.push(message),
      });
      for (let n = 0; n < 20; n += 1) {
        assert.match(reader.answers.find(keyOf(n))?.text ?? '', `answer ${n} `);
      }
      await reader.close();
      assert.equal(problems.sort(), expected, 'told once: the index was made again');
    }
  }));

test.run();
