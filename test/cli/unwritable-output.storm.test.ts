/** Output that cannot be written: the statement ends in order, what was in flight is kept, and one error says why. */
import { existsSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readRecords } from '../kill/journal-files.ts';
import { mapOf, openServer, type Place, withPlace } from './resume-support.ts';

const FULL = '/dev/full';
const FAILED = /^rvbbit: error: cannot write (?:the output|\/dev\/full): no space left on device$/m;
const check = existsSync(FULL) ? test : test.skip;

await openServer(test);

/** Rows long enough that a file is written before the last. */
const SQL = `RVBBIT MAP PARALLEL 4 'ask.yaml' AS v USING (
  SELECT i AS n, repeat('x', 50000) AS pad FROM range(60) t(i)) WITH (cache = false)`;

/** The last statement has its end on record, and that of each of its calls. */
function checkAccounted({ stateDir }: Place, calls: number): void {
  const records = readRecords(stateDir);
  const own = records.slice(records.findLastIndex(({ t }) => t === 'statement.open'));
  assert.is(own.filter(({ t }) => t === 'attempt.end').length, calls);
  assert.is(own.at(-1)?.t, 'statement.close');
}

test('a reader that goes away ends a MAP in order, too, and is no failure', () =>
  withPlace({}, { latency: { kind: 'constant', ms: 300 } }, async (place) => {
    const { code, stderr } = await place.start(['-c', SQL], {
      during: (child) => child.stdout?.once('data', () => child.stdout?.destroy()),
    });
    assert.is(code, 0, stderr);
    assert.not.match(stderr, 'error');
    const calls = place.calls();
    assert.ok(calls < 60, `${calls} calls`);
    checkAccounted(place, calls);
  }));

check('a MAP whose rows cannot be written ends in order and keeps the calls in flight', () =>
  withPlace({}, { latency: { kind: 'constant', ms: 300 } }, async (place) => {
    for (const end of [
      () => place.start(['-c', SQL], { stdoutTo: FULL }),
      () => place.rvbbit(['-c', SQL, '-o', FULL]),
    ]) {
      const before = place.calls();
      const { code, stderr } = await end();
      assert.is(code, 3, stderr);
      assert.match(stderr, FAILED);
      assert.match(stderr, /MAP ask\.yaml: incomplete \(interrupted\), 60 rows, \d+ ok/);
      assert.not.match(stderr, /^ {4}at /m);
      const calls = place.calls() - before;
      assert.ok(calls < 60, `${calls} calls`);
      checkAccounted(place, calls);
    }
    const { ending } = JSON.parse(
      (await place.rvbbit(['resume', '--list'])).stdout.split('\n')[0]!,
    );
    assert.is(ending, 'interrupted');
  }),
);

check('every command tells that its output cannot be written, without a stack', () =>
  withPlace({}, {}, async (place) => {
    await place.rvbbit(['-c', mapOf(1)]);
    for (const args of [
      ['-c', 'SELECT i FROM range(100000) t(i)'],
      ['-c', 'SELECT 1 AS a', '-o', FULL],
      ['-c', 'SELECT 1 AS a; SELECT 2 AS b', '--keep-going'],
      ['cache', 'list'],
      ['--help'],
    ]) {
      const { code, stderr } = await place.start(args, { stdoutTo: FULL });
      assert.is(code, 3, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, FAILED);
      assert.is(stderr.trim().split('\n').length, 1, stderr);
    }
  }),
);

test.run();
