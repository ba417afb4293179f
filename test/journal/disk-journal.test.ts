/** The journal on disk: what is written, what is found again, by whom. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RvbbitError } from '../../src/errors.ts';
import { MemoryAnswers } from '../../src/journal/answers.ts';
import { Archive } from '../../src/journal/disk/archive.ts';
import { DiskJournal } from '../../src/journal/disk/disk-journal.ts';
import { realFileSystem } from '../../src/journal/disk/file-system.ts';
import { verifyFolder } from '../../src/journal/disk/verify.ts';
import { type JournalRecord, RECORD_VERSION } from '../../src/journal/records.ts';
import { readReceipts } from '../../src/receipts/read-receipts.ts';
import { answered, keyOf, START_AT, started, withFolder } from './support.ts';

function segmentsOf(folder: string): string[] {
  return readdirSync(join(folder, 'journal')).filter((name) => name.endsWith('.ndjson'));
}

test('an answer is found at once, by a second journal, and after both are closed', () =>
  withFolder(async (folder) => {
    const first = await DiskJournal.open(folder);
    const second = await DiskJournal.open(folder);
    assert.is(second.answers.find(keyOf(1)), undefined);
    first.append(started(1, keyOf(1)));
    first.append(answered(1, keyOf(1), 'blue'));
    assert.is(first.answers.find(keyOf(1))?.text, 'blue');
    await first.commit();
    await new Promise((resolve) => setTimeout(resolve, 110));
    const expected = {
      text: 'blue',
      tokensIn: 10,
      tokensOut: 5,
      costMicroUsd: 7,
      at: START_AT + 1,
    };
    assert.equal(second.answers.find(keyOf(1)), expected);
    assert.is(second.answers.find(keyOf(2)), undefined);
    await first.close();
    await second.close();
    const third = await DiskJournal.open(folder);
    assert.equal(third.answers.find(keyOf(1)), expected);
    assert.is(third.answers.find(keyOf(1), START_AT + 2), undefined);
    await third.close();
    assert.is(segmentsOf(folder).length, 1, 'a journal without a record begins no segment');
  }));

test('the end of a call outlives the process with the next turn of the loop', () =>
  withFolder(async (folder) => {
    const journal = await DiskJournal.open(folder);
    journal.append(answered(1, keyOf(1), 'blue'));
    await new Promise((resolve) => setImmediate(resolve));
    const [segment] = segmentsOf(folder);
    assert.match(readFileSync(join(folder, 'journal', segment!), 'utf8'), '"t":"attempt.end"');
    await journal.close();
  }));

test('the newest answer of a key wins, in whatever order segments are read', () =>
  withFolder(async (folder) => {
    for (const [n, text] of [
      [5, 'new'],
      [3, 'old'],
    ] as const) {
      const journal = await DiskJournal.open(folder);
      journal.append(answered(n, keyOf(1), text));
      await journal.close();
    }
    const reader = await DiskJournal.open(folder);
    assert.is(reader.answers.find(keyOf(1))?.text, 'new');
    await reader.close();
  }));

test('the folder is 0700, its files are 0600', () =>
  withFolder(async (folder) => {
    const journal = await DiskJournal.open(join(folder, 'state'));
    journal.append(answered(1, keyOf(1), 'private'));
    await journal.close();
    const place = join(folder, 'state', 'journal');
    assert.is(statSync(place).mode & 0o777, 0o700);
    assert.is(readdirSync(place).length, 2);
    for (const name of readdirSync(place)) {
      assert.is(statSync(join(place, name)).mode & 0o777, 0o600);
    }
  }));

test('with answers: false neither answer nor raw text is written, and nothing is found', () =>
  withFolder(async (folder) => {
    const journal = await DiskJournal.open(folder, { answers: false });
    journal.append({ ...answered(1, keyOf(1), 'SECRET'), raw: 'SECRET' } as never);
    assert.is(journal.answers.find(keyOf(1)), undefined);
    await journal.close();
    const [segment] = segmentsOf(folder);
    assert.not.match(readFileSync(join(folder, 'journal', segment!), 'utf8'), 'SECRET');
  }));

test('prompts are written only where they are asked for', () =>
  withFolder(async (folder) => {
    for (const prompts of [false, true]) {
      const journal = await DiskJournal.open(join(folder, String(prompts)), { prompts });
      journal.append({
        ...started(1, keyOf(1)),
        prompt: [{ role: 'user', content: 'PROMPT' }],
      } as JournalRecord);
      await journal.close();
      const [segment] = segmentsOf(join(folder, String(prompts)));
      const text = readFileSync(join(folder, String(prompts), 'journal', segment!), 'utf8');
      assert.is(text.includes('PROMPT'), prompts);
    }
  }));

test('cache.clear puts answers out of use for every journal, and leaves the records', () =>
  withFolder(async (folder) => {
    const first = await DiskJournal.open(folder);
    const second = await DiskJournal.open(folder);
    first.append(answered(1, keyOf(1), 'a'));
    first.append(answered(2, keyOf(2), 'b'));
    await first.commit();
    assert.is(second.answers.find(keyOf(1))?.text, 'a');
    const base = {
      v: RECORD_VERSION,
      seq: 9,
      at: START_AT + 9,
      session: 's',
      caller: 's',
    } as const;
    first.append({ ...base, t: 'cache.clear', before: START_AT + 5, keys: [keyOf(1)] });
    await first.commit();
    await new Promise((resolve) => setTimeout(resolve, 110));
    assert.is(first.answers.find(keyOf(1)), undefined);
    assert.is(second.answers.find(keyOf(1)), undefined);
    assert.is(second.answers.find(keyOf(2))?.text, 'b');
    first.append(answered(10, keyOf(1), 'again'));
    assert.is(first.answers.find(keyOf(1))?.text, 'again');
    first.append({ ...base, t: 'cache.clear', before: START_AT + 50 });
    await first.close();
    const third = await DiskJournal.open(folder);
    assert.is(third.answers.find(keyOf(1)), undefined);
    assert.is(third.answers.find(keyOf(2)), undefined);
    assert.is(
      readFileSync(join(folder, 'journal', segmentsOf(folder)[0]!), 'utf8')
        .trim()
        .split('\n').length,
      5,
    );
    await second.close();
    await third.close();
  }));

test('a segment that is full is sealed and another begun; all of them are found', () =>
  withFolder(async (folder) => {
    const journal = await DiskJournal.open(folder, { segmentMaxBytes: 4_000 });
    for (let n = 0; n < 100; n += 1) {
      journal.append(answered(n, keyOf(n), `text ${n}`));
      if (n % 5 === 0) await journal.commit();
    }
    await journal.close();
    assert.ok(segmentsOf(folder).length >= 5);
    const reader = await DiskJournal.open(folder);
    for (let n = 0; n < 100; n += 1) assert.is(reader.answers.find(keyOf(n))?.text, `text ${n}`);
    await reader.close();
  }));

test('a damaged line is named and not used; the lines after it are', () =>
  withFolder(async (folder) => {
    const journal = await DiskJournal.open(folder);
    for (let n = 0; n < 3; n += 1) journal.append(answered(n, keyOf(n), `text ${n}`));
    await journal.close();
    const path = join(folder, 'journal', segmentsOf(folder)[0]!);
    const bytes = readFileSync(path);
    bytes[bytes.indexOf('text 1') + 5] = '2'.charCodeAt(0);
    writeFileSync(path, bytes);
    const problems: RvbbitError[] = [];
    const reader = await DiskJournal.open(folder, { onProblem: (each) => problems.push(each) });
    assert.is(reader.answers.find(keyOf(0))?.text, 'text 0');
    assert.is(reader.answers.find(keyOf(1)), undefined);
    assert.is(reader.answers.find(keyOf(2))?.text, 'text 2');
    await reader.close();
    assert.is(problems.length, 1);
    assert.is(problems[0]!.code, 'RVB_JOURNAL_CORRUPT');
    assert.match(problems[0]!.message, segmentsOf(folder)[0]!);
  }));

test('a state folder that cannot be made is RVB_JOURNAL_WRITE', () =>
  withFolder(async (folder) => {
    writeFileSync(join(folder, 'file'), '');
    try {
      await DiskJournal.open(join(folder, 'file'));
      assert.unreachable();
    } catch (thrown) {
      assert.instance(thrown, RvbbitError);
      assert.is((thrown as RvbbitError).code, 'RVB_JOURNAL_WRITE');
    }
  }));

test('answers in memory are bounded and dated', () => {
  const answers = new MemoryAnswers(700);
  for (let n = 0; n < 3; n += 1) answers.remember(answered(n, keyOf(n), 'x'));
  assert.is(answers.find(keyOf(0)), undefined);
  assert.is(answers.find(keyOf(2))?.text, 'x');
  assert.is(answers.find(keyOf(2), START_AT + 3), undefined);
  answers.remember(answered(5, keyOf(5), 'x'.repeat(2_000)));
  assert.is(answers.find(keyOf(5)), undefined);
});

test('a segment, or its folder, that is removed while it is written is a failure, not a silent loss', () =>
  withFolder(async (folder) => {
    for (const remove of [
      (place: string) => rmSync(place, { recursive: true }),
      (place: string) => {
        for (const name of readdirSync(place)) rmSync(join(place, name));
      },
    ]) {
      const journal = await DiskJournal.open(folder);
      journal.append(answered(1, keyOf(1), 'kept'));
      await journal.commit();
      remove(join(folder, 'journal'));
      journal.append(answered(2, keyOf(2), 'lost'));
      const thrown = await journal.commit().then(
        () => undefined,
        (error: RvbbitError) => error,
      );
      assert.is(thrown?.code, 'RVB_JOURNAL_WRITE');
      assert.match(thrown!.message, /was removed while it was written/);
      assert.is(journal.failure, thrown);
      await journal.close().catch(() => {});
      const next = await DiskJournal.open(folder);
      next.append(answered(3, keyOf(3), 'again'));
      await next.close();
      const reader = await DiskJournal.open(folder);
      assert.is(reader.answers.find(keyOf(3))?.text, 'again');
      await reader.close();
    }
  }));

test('a folder of another version is refused, with what to do; a damaged line does not make it one', () =>
  withFolder(async (folder) => {
    const journal = await DiskJournal.open(folder);
    for (let n = 0; n < 3; n += 1) journal.append(answered(n, keyOf(n), 'x'));
    await journal.close();
    const path = join(folder, 'journal', segmentsOf(folder)[0]!);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('{"v":2,', '{"v":1,'));
    const reader = await DiskJournal.open(folder);
    assert.is(reader.answers.find(keyOf(2))?.text, 'x');
    await reader.close();
    for (const [version, whose] of [
      [1, 'an earlier'],
      [3, 'a later'],
    ] as const) {
      writeFileSync(path, text.replaceAll('{"v":2,', `{"v":${version},`));
      const thrown = await DiskJournal.open(folder).catch((error: unknown) => error);
      assert.instance(thrown, RvbbitError);
      assert.is((thrown as RvbbitError).code, 'RVB_UNSUPPORTED');
      assert.match(
        (thrown as RvbbitError).message,
        `${whose} version of the engine wrote the journal`,
      );
      assert.match((thrown as RvbbitError).message, 'move the folder away');
      assert.is(readFileSync(path, 'utf8').length, text.length, 'nothing is changed');
    }
  }));

test('only regular files are read: a FIFO, a device and a folder of the right names hold nothing up', () =>
  withFolder(async (folder) => {
    const journal = await DiskJournal.open(folder);
    journal.append(started(1, keyOf(1)));
    journal.append(answered(1, keyOf(1), 'said'));
    await journal.close();
    const inside = join(folder, 'journal');
    const [segment] = segmentsOf(folder);
    const named = (n: number, ending: string) =>
      join(inside, segment!.replace(/-[^-]*$/, `-0000000${n}${ending}`));
    execFileSync('mkfifo', [named(1, '.ndjson'), named(3, '.keys')]);
    symlinkSync('/dev/zero', named(2, '.ndjson'));
    copyFileSync(join(inside, segment!), named(3, '.ndjson'));
    const verified = await verifyFolder(realFileSystem, inside, () => Archive.open());
    assert.equal(
      verified.map(({ problems }) => problems.length),
      [0, 0],
    );
    await using again = await DiskJournal.open(folder);
    assert.is(again.answers.find(keyOf(1), 0)?.text, 'said');
    const { rows } = await readReceipts(
      inside,
      'SELECT count(DISTINCT call_key)::INTEGER AS n FROM rvbbit.cache',
    );
    assert.equal(rows, [{ n: 1 }]);
  }));

test('a folder that takes no files refuses calls, and serves stored answers before and after that', () =>
  withFolder(async (folder) => {
    const before = await DiskJournal.open(folder);
    before.append(started(1, keyOf(1)));
    before.append(answered(1, keyOf(1), 'said'));
    await before.close();
    const create = () => {
      throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' });
    };
    const problems: RvbbitError[] = [];
    const journal = await DiskJournal.open(folder, {
      files: { ...realFileSystem, create },
      onProblem: (problem) => problems.push(problem),
    });
    assert.is(journal.answers.find(keyOf(1), 0)?.text, 'said');
    const base = { v: RECORD_VERSION, seq: 9, at: START_AT, session: 's', caller: 'c' };
    const hit = {
      t: 'cache.hits',
      count: 1,
      savedMicroUsd: 7,
      cell: 'a',
      provider: 'p',
      model: 'm',
    };
    journal.append({ ...base, ...hit } as JournalRecord);
    journal.append({ ...base, t: 'statement.read', rows: 1, runs: 1, deduped: 0 });
    await journal.commit();
    assert.is(problems.length, 1);
    journal.append(started(2, keyOf(2)));
    assert.match(journal.failure!.message, 'read-only file system');
    journal.writeNow();
    await journal.commit();
    journal.append({ ...base, ...hit } as JournalRecord);
    assert.is(journal.answers.find(keyOf(1), 0)?.text, 'said');
    await journal.close();
    assert.is(problems.length, 1);
  }));

test('a disk that becomes read-only while a segment is written is a failure for good', () =>
  withFolder(async (folder) => {
    const write = () => {
      throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' });
    };
    const journal = await DiskJournal.open(folder, { files: { ...realFileSystem, write } });
    const read = { t: 'statement.read', rows: 1, runs: 1, deduped: 0 } as const;
    const base = { v: RECORD_VERSION, at: START_AT, session: 's', caller: 'c' };
    for (let seq = 0; seq < 20_000; seq++) journal.append({ ...base, seq, ...read });
    assert.match(journal.failure!.message, 'read-only file system');
    assert.is(
      (await journal.commit().catch((error: unknown) => error)) instanceof RvbbitError,
      true,
    );
    await journal.close().catch(() => {});
  }));

test.run();
