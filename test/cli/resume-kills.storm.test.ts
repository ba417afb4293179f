/** `rvbbit resume` after kills: what a killed statement leaves, and that one process resumes it at a time. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readRecords } from '../kill/journal-files.ts';
import { cases, reportCases } from '../support/cases.ts';
import {
  expected,
  killed,
  listed,
  mapOf,
  openServer,
  rowsOf,
  withPlace,
} from './resume-support.ts';

await openServer(test);

test('a killed statement is listed, resumed to its end, and no longer listed', () =>
  withPlace({}, { latency: { kind: 'constant', ms: 50 } }, async (place) => {
    assert.is((await place.rvbbit(['resume', '--list'])).code, 3, 'there is no journal yet');
    const sql = `-- @ cache: true\n${mapOf(60)}`;
    await killed(place, sql, 400);
    const [statement, ...others] = await listed(place);
    assert.is(others.length, 0);
    const { session, ending, rows, in_flight, settled, calls } = statement!;
    assert.equal([ending, rows], ['killed', 60]);
    assert.match(
      String(statement!['sql']),
      /^RVBBIT MAP/,
      'an annotation does not tell which it is',
    );
    // The kill may fall between two calls.
    assert.ok(Number(in_flight) <= 4);
    assert.ok(Number(settled) <= Number(calls));
    const before = place.calls();
    const first = await place.rvbbit(['resume', String(session), '--stats']);
    assert.is(first.code, 0, first.stderr);
    assert.equal(rowsOf(first.stdout), expected(60));
    assert.match(first.stderr, `resuming ${session} (killed)`);
    if (Number(in_flight) > 0)
      assert.match(first.stderr, /in flight when an earlier run was killed/);
    assert.ok(place.calls() - before <= 60 - Number(settled));
    assert.ok(place.calls() <= 60 + Number(in_flight));
    assert.equal(await listed(place), []);
    const again = await place.rvbbit(['resume', String(session)]);
    assert.is(again.code, 2);
    assert.match(again.stderr, /no statement that has not completed/);
    const opened = readRecords(place.stateDir).filter(({ t }) => t === 'statement.open');
    assert.is((opened[1] as unknown as { resumes: string }).resumes, session);
    assert.match((opened[1] as unknown as { sql: string }).sql, /^-- @ cache: true/);
  }));

test('of two processes that resume one statement one does, the other is told who', async () => {
  const races = cases(1, 20);
  for (let race = 0; race < races; race += 1) {
    await withPlace({}, { latency: { kind: 'constant', ms: 400 } }, async (place) => {
      await killed(place, mapOf(24), 100);
      const [{ session } = {}] = await listed(place);
      const pids: (number | undefined)[] = [];
      const ends = await Promise.all(
        [0, 1].map(() =>
          place.start(['resume', String(session)], { during: ({ pid }) => pids.push(pid) }),
        ),
      );
      const winner = ends.findIndex(({ code }) => code === 0);
      assert.ok(winner >= 0, ends.map(({ stderr }) => stderr).join('\n'));
      const { code, stderr } = ends[1 - winner]!;
      assert.is(code, 1, stderr);
      assert.match(stderr, 'RVB_RUN_LOCKED');
      assert.match(stderr, `process ${pids[winner]}`);
      assert.equal(rowsOf(ends[winner]!.stdout), expected(24));
      assert.ok(place.calls() <= 24 + 4);
      assert.equal(readdirSync(join(place.stateDir, 'locks')), [], 'the lock is returned');
    });
  }
  reportCases(races, 'races for one statement');
});

test.run();
