/** Several processes and one folder: what one commits the others find, and no kill loses it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DiskJournal } from '../../src/journal/disk/disk-journal.ts';
import { realFileSystem } from '../../src/journal/disk/file-system.ts';
import { segmentNames } from '../../src/journal/disk/survey.ts';
import { verifySegment } from '../../src/journal/disk/verify.ts';
import { cases, deep, QUICK_BUDGET_MS, reportCases } from '../support/cases.ts';
import { keyOf, withFolder } from './support.ts';

const CHILD = fileURLToPath(new URL('./writer-child.js', import.meta.url));

interface Writer {
  readonly child: ChildProcess;
  /** Answers that it has said are committed. */
  readonly held: number[];
  readonly ended: Promise<void>;
  readonly begun: Promise<void>;
}

function startWriter(stateDir: string, first: number, count: number): Writer {
  const child = spawn(process.execPath, [CHILD, stateDir, String(first), String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const held: number[] = [];
  let rest = '';
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  child.stdout!.on('data', (data: Buffer) => {
    const lines = (rest + data.toString()).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const n = /^held (\d+)$/.exec(line)?.[1];
      if (n !== undefined) held.push(Number(n));
    }
    begin();
  });
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => {
      begin();
      resolve();
    });
  });
  return { child, held, ended, begun };
}

test('two processes write, a third reads while they do: it finds what each has committed', () =>
  withFolder(async (folder) => {
    const reader = await DiskJournal.open(folder);
    const count = cases(200, 4_000);
    const writers = [startWriter(folder, 0, count), startWriter(folder, 1_000_000, count)];
    let found = 0;
    const all = Promise.all(writers.map(({ ended }) => ended));
    for (let isOver = false; !isOver; ) {
      const settled = writers.map(({ held }) => held.at(-1)).filter((n) => n !== undefined);
      isOver = await Promise.race([
        all.then(() => true),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 120)),
      ]);
      for (const n of settled) {
        assert.is(reader.answers.find(keyOf(n))?.text, `text ${n}`);
        found += 1;
      }
    }
    assert.ok(found > 0);
    await new Promise((resolve) => setTimeout(resolve, 120));
    for (const { held } of writers) {
      assert.is(held.length, count);
      for (const n of held) assert.is(reader.answers.find(keyOf(n))?.text, `text ${n}`);
    }
    await reader.close();
    reportCases(2 * count, 'answers of two processes read by a third');
  }));

test('kill -9 at a random moment: every committed record is there, whole', () =>
  withFolder(async (folder) => {
    const wanted = cases(8, 500);
    const began = performance.now();
    const held: number[] = [];
    let kills = 0;
    while (kills < wanted && (deep || performance.now() - began < QUICK_BUDGET_MS / 3)) {
      const writers = [0, 1].map((each) =>
        startWriter(folder, (2 * kills + each) * 100_000, 80_000),
      );
      for (const writer of writers) {
        await writer.begun;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 120));
        writer.child.kill('SIGKILL');
        await writer.ended;
        held.push(...writer.held);
        kills += 1;
      }
    }
    assert.ok(held.length > 0);
    const reader = await DiskJournal.open(folder);
    for (const n of held) assert.is(reader.answers.find(keyOf(n))?.text, `text ${n}`);
    await reader.close();
    let torn = 0;
    for (const name of segmentNames(realFileSystem, join(folder, 'journal'))) {
      const verified = verifySegment(realFileSystem, join(folder, 'journal'), name);
      assert.equal(verified.problems, []);
      if (verified.tornBytes > 0) torn += 1;
    }
    reportCases(kills, `kills of a writer, ${held.length} committed answers, ${torn} torn tails`);
  }));

test.run();
