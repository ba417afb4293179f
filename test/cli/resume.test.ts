/** `rvbbit resume`: what it lists, how it goes on, and that one process does it at a time. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RvbbitError } from '../../src/index.ts';
import { lockRun } from '../../src/journal/run-lock.ts';
import { readRecords } from '../kill/journal-files.ts';
import { listed, mapOf, openServer, rowsOf, withPlace } from './resume-support.ts';

await openServer(test);

/** An operator that asks no model. */
const EVEN = `cascade_id: even
sql_function:
  name: IS_EVEN
  shape: SCALAR
  returns: BOOLEAN
  args: [{ name: n, type: BIGINT }, { name: word, type: VARCHAR }]
  operators: ["{n} IS_EVEN {word}"]
cells:
  - name: even
    tool: js
    inputs: { code: "return Number(input.n) % 2 === 0" }
`;

test('what ran into its budget or deadline is listed with the reason; a prefix must be unique', () =>
  withPlace({}, { latency: { kind: 'constant', ms: 30 } }, async (place) => {
    await using engine = await place.open();
    await engine.query(`${mapOf(10)} WITH (max_calls = 3)`);
    const late = await engine
      .query(`${mapOf(40, 1)} WITH (deadline = '500ms', cache = false)`)
      .catch((error: unknown) => error);
    assert.instance(late, RvbbitError);
    await engine.query("RVBBIT MAP 'ask.yaml' USING (SELECT 7 AS n)");
    await engine.query(`EXPLAIN ${mapOf(3)}`);
    const statements = await listed(place);
    assert.equal(
      statements.map(({ ending }) => ending),
      ['deadline', 'budget'],
    );
    assert.is(statements[1]!['settled'], 3);
    const both = await place.rvbbit(['resume', 'udf-']);
    assert.is(both.code, 2);
    assert.match(both.stderr, /begins several sessions/);
    const one = await place.rvbbit(['resume', String(statements[1]!['session'])]);
    assert.is(one.code, 6, 'the budget is part of the SQL and holds again');
  }));

test('parameters have to be given again, and no journal holds them', () =>
  withPlace({}, { latency: { kind: 'constant', ms: 50 } }, async (place) => {
    await using engine = await place.open();
    const sql =
      "RVBBIT MAP 'ask.yaml' AS v USING (SELECT $secret::INTEGER + range::INTEGER AS n FROM range(4)) WITH (max_calls = 2)";
    await engine.query(sql, { secret: 987_654 });
    const [statement] = await listed(place);
    assert.is(statement!['parameters'], true);
    for (const name of readdirSync(join(place.stateDir, 'journal'))) {
      const text = readFileSync(join(place.stateDir, 'journal', name), 'latin1');
      assert.not.match(text.replaceAll(/"(value|prompt)":"[^"]*"/g, ''), '987654');
    }
    const session = String(statement!['session']);
    const without = await place.rvbbit(['resume', session]);
    assert.is(without.code, 1);
    assert.match(without.stderr, /had parameters, which no journal keeps/);
    const before = place.calls();
    const given = await place.rvbbit(['resume', session, '--param', 'secret=987654']);
    assert.equal(rowsOf(given.stdout).length, 4, given.stderr);
    assert.is(place.calls() - before, 2);
  }));

test('a lock of a dead owner is taken over, one that is held is not', () =>
  withPlace({}, {}, async ({ stateDir }) => {
    const folder = join(stateDir, 'locks');
    mkdirSync(folder, { recursive: true });
    const put = (owner: object | undefined) =>
      writeFileSync(join(folder, 'udf-a.0.lock'), owner === undefined ? '' : JSON.stringify(owner));
    const isLocked = async () => {
      try {
        (await lockRun(stateDir, 'udf-a')).release();
        return false;
      } catch (thrown) {
        assert.is((thrown as RvbbitError).code, 'RVB_RUN_LOCKED');
        return true;
      }
    };
    const host = hostname();
    put({ pid: 2 ** 22 + 1, host });
    assert.is(await isLocked(), false, 'no process has that number');
    put({ pid: process.ppid, host });
    assert.is(await isLocked(), true);
    if (existsSync('/proc/self/stat')) {
      put({ pid: process.ppid, host, identity: 'another boot/1' });
      assert.is(await isLocked(), false, 'the number is another process’s now');
    }
    put({ pid: 1, host: `not-${host}` });
    assert.is(await isLocked(), true, 'a process of another machine cannot be seen');
    put(undefined);
    assert.is(await isLocked(), true, 'its owner is about to write its name');
    rmSync(join(folder, 'udf-a.0.lock'));
    const lock = await lockRun(stateDir, 'udf-a');
    assert.is(await isLocked(), true);
    assert.is((await lockRun(stateDir, 'udf-ab')).release(), undefined, 'another session');
    lock.release();
    put({ pid: 2 ** 22 + 1, host });
    const taken = await Promise.allSettled(
      Array.from({ length: 50 }, () => lockRun(stateDir, 'udf-a')),
    );
    assert.is(taken.filter(({ status }) => status === 'fulfilled').length, 1);
  }));

test('--parallel of resume wins over PARALLEL, WITH and annotations, and is as at first without it', () =>
  withPlace({ 'operators/even.yaml': EVEN }, {}, async (place) => {
    const rows = "'operators/even.yaml' AS v USING (FROM range(3) t(n))";
    const statements = [
      `RVBBIT MAP PARALLEL 2 ${rows}`,
      `RVBBIT MAP ${rows} WITH (parallel = 2)`,
      `-- @ parallel: 2\nRVBBIT MAP ${rows}`,
      `CREATE TABLE made AS RVBBIT MAP PARALLEL 2 ${rows}`,
      "-- @ parallel: 2\nSELECT n IS_EVEN 'yes' FROM range(3) t(n)",
    ];
    await using engine = await place.open();
    const opened: unknown[] = [];
    engine.events.on('statement.open', ({ parallel }) => opened.push(parallel));
    for (const sql of statements) {
      await engine.query(sql, undefined, { resumes: 'udf-a' });
      await engine.query('DROP TABLE IF EXISTS made');
      await engine.query(sql, undefined, { resumes: 'udf-a', resumeParallel: 50 });
    }
    const maps = opened.filter((parallel) => parallel !== 1);
    assert.equal(
      maps,
      statements.flatMap(() => [2, 50]),
    );
    await engine.query(`${mapOf(4, 2)} WITH (max_calls = 1)`);
    const resumed = await place.rvbbit(['resume', 'udf', '--parallel', '50']);
    assert.is(resumed.code, 6, resumed.stderr);
    const last = readRecords(place.stateDir).findLast(({ t }) => t === 'statement.open');
    assert.is((last as unknown as { parallel: number }).parallel, 50);
  }));

test.run();
