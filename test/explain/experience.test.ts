/** What EXPLAIN remembers of earlier calls: bounded, and the latest count. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EXPERIENCE_MAX_CRITERIA } from '../../src/explain/explain-limits.ts';
import { learnAnswers } from '../../src/explain/learn-answers.ts';
import { DiskJournal } from '../../src/journal/disk/disk-journal.ts';
import { realFileSystem } from '../../src/journal/disk/file-system.ts';
import { recentRecords } from '../../src/journal/disk/recent-records.ts';
import { criterionHash } from '../../src/journal/experience/criterion-hash.ts';
import {
  EXPERIENCE_MAX_KEYS,
  EXPERIENCE_MAX_OPEN,
  Experience,
} from '../../src/journal/experience/experience.ts';
import { EXPERIENCE_SAMPLES } from '../../src/journal/experience/samples.ts';
import {
  type JournalEntry,
  type JournalRecord,
  RECORD_VERSION,
} from '../../src/journal/records.ts';
import { loadOperators } from '../../src/operators/load-operators.ts';
import { AnswerBook } from '../../src/semantic/ask/answer-book.ts';
import { root } from '../semantic/support.ts';

let seq = 0;
function record(entry: JournalEntry): JournalRecord {
  seq += 1;
  return { v: RECORD_VERSION, seq, at: seq, session: 's', caller: 'c', ...entry };
}

function start(attempt: string, cell: string, model = 'm'): JournalRecord {
  const place = { cascade: 'a.yaml', cell, provider: 'p', model, lane: 0 };
  return record({ t: 'attempt.start', attempt, callKey: attempt, n: 1, ...place });
}

function end(attempt: string, tokensOut: number, durationMs: number): JournalRecord {
  return record({
    t: 'attempt.end',
    attempt,
    outcome: 'ok',
    tokensIn: 1,
    tokensOut,
    costMicroUsd: 0,
    costStatus: 'settled',
    durationMs,
  });
}

const place = { provider: 'p', model: 'm', cascade: 'a.yaml', cell: 'ask' };

test("the latest calls of a cell count, else those of its model in other cells; a model's own never another's", () => {
  const experience = new Experience();
  for (let n = 0; n < 3 * EXPERIENCE_SAMPLES; n++) {
    experience.observe(start(`x${n}`, 'ask'));
    // Early calls took longer.
    experience.observe(end(`x${n}`, n < EXPERIENCE_SAMPLES ? 1_000 : n % 10, 20));
  }
  const known = experience.callsAt(place)!;
  assert.equal([known.source, known.calls], ['cell', 3 * EXPERIENCE_SAMPLES]);
  assert.ok(known.tokensOut.mean > 3 && known.tokensOut.mean < 6, `${known.tokensOut.mean}`);
  assert.is(known.durationMs.mean, 20);
  assert.is(experience.callsAt({ ...place, cell: 'other' })?.source, 'model');
  assert.is(experience.callsAt({ ...place, model: 'n' }), undefined);
});

test('failed calls teach nothing, and calls that never end are forgotten', () => {
  const experience = new Experience();
  experience.observe(start('lost', 'ask'));
  for (let n = 0; n <= EXPERIENCE_MAX_OPEN; n++) experience.observe(start(`n${n}`, 'ask'));
  experience.observe(end('lost', 7, 7));
  experience.observe(record({ ...end('n5', 7, 7), outcome: 'failed' } as JournalEntry));
  assert.is(experience.callsAt(place), undefined);
});

test('a part of the runs comes to a cell that an answer decides on', () => {
  const experience = new Experience();
  const cascade = 'a.yaml';
  experience.observe(
    record({ t: 'statement.open', sql: '', kind: 'map', origin: 'api', parallel: 1, cascade }),
  );
  for (let n = 0; n < 3; n++) experience.observe(start(`r${n}`, 'why'));
  const hits = {
    t: 'cache.hits',
    count: 2,
    savedMicroUsd: null,
    cell: 'why',
    provider: 'p',
    model: 'm',
  } as const;
  experience.observe(record(hits));
  const counts = { first: 0, ok: 20, null: 0, failed: 0, skipped: 0, failures: [] };
  experience.observe(record({ t: 'rows', count: 20, ...counts }));
  assert.is(experience.shareOfRuns(cascade, 'why'), 5 / 20);
  assert.is(experience.shareOfRuns(cascade, 'never'), 0);
  assert.is(experience.shareOfRuns('other.yaml', 'why'), undefined);
});

test('of very many criteria the latest are remembered, and the operator itself', () => {
  const experience = new Experience();
  for (let n = 0; n < 2 * EXPERIENCE_MAX_KEYS; n++) {
    const share = { operator: 'MEANS', criterion: criterionHash(`c${n}`), met: 1, of: 4 };
    experience.observe(record({ t: 'answers.learned', shares: [share] }));
  }
  assert.equal(experience.answersOf('MEANS', 'c0'), {
    source: 'operator',
    answers: 8 * EXPERIENCE_MAX_KEYS,
    share: 0.25,
  });
  assert.is(experience.answersOf('MEANS', `c${2 * EXPERIENCE_MAX_KEYS - 1}`)?.source, 'criterion');
  assert.is(experience.answersOf('ABOUT', 'c0'), undefined);
});

test('of answers to many criteria only the sum is kept, and no criterion as it is', async () => {
  const operator = (await loadOperators(root)).operators.get('MEANS')!;
  const few = new AnswerBook(operator);
  for (const text of ['a', 'b', 'c', 'd']) few.answer([text, 'secret'], text === 'a');
  const many = new AnswerBook(operator);
  for (let n = 0; n <= EXPERIENCE_MAX_CRITERIA; n++) many.answer(['a', `c${n}`], true);
  const shares = learnAnswers([few, many], 0.5);
  assert.equal(
    shares.map(({ criterion, ...rest }) => [criterion !== undefined, rest]),
    [
      [true, { operator: 'MEANS', met: 1, of: 4 }],
      [
        false,
        { operator: 'MEANS', met: EXPERIENCE_MAX_CRITERIA + 1, of: EXPERIENCE_MAX_CRITERIA + 1 },
      ],
    ],
  );
  assert.not.match(JSON.stringify(shares), 'secret');
  const experience = new Experience();
  experience.observe(record({ t: 'answers.learned', shares }));
  assert.equal(experience.answersOf('MEANS', 'secret'), {
    source: 'criterion',
    answers: 4,
    share: 0.25,
  });
  assert.is(experience.answersOf('MEANS', 'c3')?.source, 'operator');
});

test('no more of a journal is read than asked for: the newest records, whole ones', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'rvb-recent-'));
  try {
    for (let segment = 0; segment < 3; segment++) {
      const journal = await DiskJournal.open(stateDir, {
        nowMs: () => 1_700_000_000_000 + segment,
      });
      for (let n = 0; n < 100; n++) journal.append(start(`${segment}.${n}`, 'ask'));
      await journal.close();
    }
    const folder = join(stateDir, 'journal');
    const read = (bytes: number) => {
      const attempts: string[] = [];
      recentRecords(realFileSystem, folder, bytes, (one) => {
        if (one.t === 'attempt.start') attempts.push(one.attempt);
      });
      return attempts;
    };
    const all = read(Number.MAX_SAFE_INTEGER);
    assert.equal([all.length, all[0], all.at(-1)], [300, '0.0', '2.99']);
    const size = realFileSystem
      .list(folder)
      .filter((name) => name.endsWith('.ndjson'))
      .reduce((sum, name) => sum + (realFileSystem.facts(join(folder, name))?.size ?? 0), 0);
    const half = read(size / 2);
    assert.ok(half.length >= 148 && half.length <= 150, `${half.length} records`);
    assert.equal(half, all.slice(-half.length));
    assert.equal(read(0), []);
    recentRecords(realFileSystem, join(stateDir, 'nowhere'), 1_000, () => assert.unreachable());
  } finally {
    rmSync(stateDir, { recursive: true });
  }
});

test.run();
