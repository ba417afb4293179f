import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CliError, exitCodeOf, verdictOf, verdictsOn } from '../../src/cli/exit-codes.ts';
import { durationText, foldProgress, type Progress, progressText } from '../../src/cli/progress.ts';
import { ProgressView } from '../../src/cli/progress-view.ts';
import { summaryLines } from '../../src/cli/summary.ts';
import { displayWidth } from '../../src/cli/text/width.ts';
import { RvbbitError } from '../../src/errors.ts';
import {
  type JournalEntry,
  type JournalRecord,
  RECORD_VERSION,
} from '../../src/journal/records.ts';
import { summaryWith } from './support.ts';

const LATER = { v: RECORD_VERSION, seq: 9, at: 20e6, session: 's', caller: 'c' } as const;

function fold(
  entries: readonly (readonly [atSeconds: number, entry: JournalEntry])[],
): Progress | undefined {
  return entries.reduce<Progress | undefined>((progress, [seconds, entry], seq) => {
    const base = { v: RECORD_VERSION, seq, at: seconds * 1e6, session: 's', caller: 'c' } as const;
    return foldProgress(progress, { ...base, ...entry } as JournalRecord);
  }, undefined);
}

const OPEN: JournalEntry = {
  t: 'statement.open',
  sql: '',
  kind: 'map',
  origin: 'cli',
  parallel: 5,
  cascade: 'a.yaml',
};
const READ: JournalEntry = { t: 'statement.read', rows: 100, runs: 80, deduped: 0 };
const ROWS: JournalEntry = {
  t: 'rows',
  first: 0,
  count: 16,
  ok: 15,
  null: 1,
  failed: 2,
  skipped: 2,
  failures: [],
};

test('progress counts rows from the journal and tells rate and time left', () => {
  assert.is(progressText(fold([[0, OPEN]])!, 1e6), 'reading rows');
  const half = fold([
    [0, OPEN],
    [1, READ],
    [3, ROWS],
  ])!;
  assert.is(half.done, 20);
  assert.is(progressText(half, 3e6), '20/100 rows, 2 failed, 10 rows/s, ETA 8s');
  assert.is(
    progressText(
      fold([
        [0, OPEN],
        [1, READ],
      ])!,
      1e6,
    ),
    '0/100 rows',
  );
});

test('the bar is one line that fits the terminal, and leaves nothing behind', async () => {
  const events = new EventEmitter();
  const written: string[] = [];
  const terminal = { columns: 60, write: (text: string) => written.push(text) > 0 };
  const view = new ProgressView(events, 'bar', terminal);
  const tell = (entry: JournalEntry) =>
    events.emit('record', {
      v: 1,
      seq: 1,
      at: Date.now() * 1e3,
      session: 's',
      caller: 'c',
      ...entry,
    });
  for (const entry of [{ ...OPEN, cascade: 'a\x1b[31m.yaml' }, READ, ROWS] as const) tell(entry);
  assert.equal(written, [], 'nothing for a statement that is soon over');
  await sleep(450);
  const [first = ''] = written;
  assert.match(first, /^\r\x1b\[Ka\\x1b\[31m\.yaml ━{4}─{20} 20\/100 rows, 2 fai…$/);
  assert.is(displayWidth(first.slice(4)), 59);
  tell({ t: 'statement.close', summary: summaryWith({}) });
  assert.is(written.at(-1), '\r\x1b[K');
  const count = written.length;
  view.close();
  assert.is(written.length, count);
});

test('a failure is told in one line, and how often it was tried once', () => {
  const failures = ['gone (3 attempts)', 'no model. Ways to get one:\n  a\n  b'].map(
    (message, ordinal) => ({ ordinal, code: 'RVB_MODEL_HTTP' as const, message, attempts: 3 }),
  );
  const lines = summaryLines('MAP a', summaryWith({ rows: { in: 2, failed: 2 }, failures }));
  assert.equal(lines.slice(1), [
    '  row 1: RVB_MODEL_HTTP: gone (3 attempts)',
    '  row 2: RVB_MODEL_HTTP: no model. Ways to get one: … (3 attempts)',
  ]);
});

test('progress and account say that a statement waits, for whom and why', () => {
  const began = [
    [0, OPEN],
    [1, READ],
  ] as const;
  const after429 = fold([
    ...began,
    [2, { t: 'calls.held', provider: 'openrouter', heldMs: 8_000 }],
  ])!;
  assert.is(progressText(after429, 3e6), '0/100 rows, waiting for openrouter: 7s (429)');
  const atLimits = fold([...began, [2, { t: 'calls.held', provider: 'openrouter' }]])!;
  assert.is(progressText(atLimits, 14e6), '0/100 rows, waiting for openrouter: 12s (limits)');
  assert.is(
    foldProgress(after429, { ...LATER, t: 'calls.released', waitedMs: 8_100 })?.held,
    undefined,
  );
  const [line] = summaryLines('MAP a', summaryWith({ rows: { in: 1, ok: 1 }, waitedMs: 8_140 }));
  assert.match(line!, / 8\.1 s waiting for permission to call; 1\.00 s/);
});

test('progress leaves plain SQL and the records of other statements alone', () => {
  const { cascade: _, ...plain } = OPEN;
  assert.is(
    fold([
      [0, plain],
      [1, READ],
    ]),
    undefined,
  );
  const progress = fold([
    [0, OPEN],
    [1, READ],
  ]);
  const stranger = {
    v: RECORD_VERSION,
    seq: 9,
    at: 2e6,
    session: 's',
    caller: 'other',
    ...ROWS,
  } as JournalRecord;
  assert.is(foldProgress(progress, stranger), progress);
});

test('durations read well from seconds to hours', () => {
  assert.equal([0, 0.2, 59, 61, 3600, 3725].map(durationText), [
    '0s',
    '1s',
    '59s',
    '1m01s',
    '1h00m',
    '1h02m',
  ]);
});

test('the exit code is that of the first verdict in a fixed order', () => {
  assert.is(exitCodeOf([]), 0);
  assert.is(exitCodeOf(['rows']), 5);
  assert.is(exitCodeOf(['rows', 'failed']), 1);
  assert.is(exitCodeOf(['failed', 'deadline']), 4);
  assert.is(exitCodeOf(['deadline', 'budget', 'rows']), 6);
  assert.is(exitCodeOf(['budget', 'open']), 3);
  assert.is(exitCodeOf(['open', 'usage']), 2);
  assert.is(exitCodeOf(['usage', 'interrupted']), 130);
});

test('an error has the verdict of its code and stage', () => {
  const error = (code: RvbbitError['code'], stage: RvbbitError['stage']) =>
    verdictOf(new RvbbitError(code, 'x', { stage }));
  assert.is(error('RVB_BUDGET', 'execute'), 'budget');
  assert.is(error('RVB_DEADLINE', 'execute'), 'deadline');
  assert.is(error('RVB_SYNTAX', 'parse'), 'failed');
  assert.is(error('RVB_SQL', 'open'), 'open');
  assert.is(error('RVB_NO_MODEL', 'open'), 'failed');
  assert.is(error('RVB_OPTION_TYPE', 'open'), 'usage');
  assert.is(error('RVB_OPTION_TYPE', 'bind'), 'failed');
  assert.is(error('RVB_CANCELLED', 'execute'), 'interrupted');
  assert.is(verdictOf(new CliError('open', 'x')), 'open');
  assert.is(verdictOf(new TypeError('x')), 'failed');
});

test('a statement that left rows behind has a verdict too', () => {
  assert.equal(verdictsOn(summaryWith({})), []);
  assert.equal(verdictsOn(summaryWith({ rows: { in: 1, failed: 1 } })), ['rows']);
  assert.equal(verdictsOn(summaryWith({ status: 'incomplete', reason: 'budget' })), ['budget']);
});

test('the summary names what happened, and the first failures by row', () => {
  const failures = Array.from({ length: 7 }, (_, ordinal) => ({
    ordinal,
    code: 'RVB_CELL' as const,
    message: 'boom',
    attempts: ordinal + 1,
  }));
  const summary = summaryWith({
    rows: { in: 20, ok: 10, null: 1, failed: 8, notRun: 1, deduped: 3 },
    runs: 9,
    durationMs: 2000,
    status: 'incomplete',
    reason: 'cancelled',
    failures,
  });
  const notices = [{ code: 'default_limit', message: 'cut at 1000' } as const];
  assert.equal(summaryLines('MAP a.yaml', summary, notices), [
    'MAP a.yaml: incomplete (cancelled), 20 rows, 10 ok, 1 null, 8 failed, 1 not run; 9 runs, 3 deduped; 2.00 s (9.5 rows/s)',
    'note: cut at 1000',
    '  row 1: RVB_CELL: boom',
    '  row 2: RVB_CELL: boom (2 attempts)',
    '  row 3: RVB_CELL: boom (3 attempts)',
    '  row 4: RVB_CELL: boom (4 attempts)',
    '  row 5: RVB_CELL: boom (5 attempts)',
    '  … and 3 more',
  ]);
});

test('a summary with model calls tells tokens and cost', () => {
  const summary = summaryWith({
    rows: { in: 1, ok: 1 },
    runs: 1,
    calls: { sent: 2, retried: 1, cacheHits: 3, possiblyPaidTwice: 0 },
    tokens: { in: 10, out: 20 },
    costMicroUsd: 4100,
  });
  assert.match(
    summaryLines('MAP a.yaml', summary)[0]!,
    '2 calls, 3 cached, 1 retried, 10 + 20 tokens, $0.0041;',
  );
  const parallel = summaryLines('MAP a.yaml', { ...summary, callsMs: 8_240 });
  assert.match(parallel[0]!, '; 1.00 s (1.0 rows/s, speed-up 8.2)');
  const serial = summaryLines('MAP a.yaml', { ...summary, callsMs: 990 });
  assert.not.match(serial[0]!, 'speed-up');
  const partly = summaryLines('MAP a.yaml', { ...summary, uncostedCalls: 1 });
  assert.match(partly[0]!, '20 tokens, $0.0041 and 1 uncosted;');
});

test.run();
