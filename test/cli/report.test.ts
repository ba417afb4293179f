/** `rvbbit report`: a page or a trace of a statement that the engine has left in its journal. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine } from '../../src/index.ts';
import { mapOf, openServer, type Place, withPlace } from './resume-support.ts';

const server = await openServer(test);

const LATENCY = { kind: 'constant', ms: 20 } as const;
/** Three calls are answered 429 at first. */
const REFUSING = {
  latency: LATENCY,
  rules: [{ when: { ordinals: [2, 3, 4] }, status: 429, retryAfter: 0.2 }],
};
/** Runs the statements one after another and gives their sessions. */
async function sessionsOf(place: Place, ...statements: string[]): Promise<string[]> {
  const engine: Engine = await place.open();
  const sessions: string[] = [];
  for (const sql of statements) sessions.push((await engine.query(sql)).summary.sessionId);
  await engine.close();
  return sessions;
}

test('last and a session are drawn from the journal, 429, back-off and stored answers included', () =>
  withPlace({}, REFUSING, async (place) => {
    const [first, second] = await sessionsOf(place, mapOf(12), mapOf(20));
    const last = await place.rvbbit(['report', 'last']);
    assert.equal([last.code, last.stdout], [0, `rvbbit-report-${second}.html\n`], last.stderr);
    const page = readFileSync(join(place.folder, `rvbbit-report-${second}.html`), 'utf8');
    assert.match(page, '<dt>stored answers</dt><dd>12</dd>');
    assert.match(page, '<dt>calls</dt><dd>8</dd>');
    const output = join(place.folder, 'first.html');
    const { code, stdout } = await place.rvbbit(['report', first!.slice(0, -2), '-o', output]);
    assert.equal([code, stdout], [0, `${output}\n`]);
    const other = readFileSync(output, 'utf8');
    assert.match(other, '<dt>answers 429</dt><dd>3</dd>');
    assert.match(other, /<\/i>back-off \d/);
    assert.match(other, /<title>ask.yaml: ask, sim\/test-model, \d+ ms: HTTP 429/);
    assert.not.match(other, 'stored answers', 'nothing was stored yet');
    assert.match((await place.rvbbit(['report', first!, '-o', '-'])).stdout, /^<!doctype html>/);
  }));

test('the limiter tells how long it held a call', () =>
  withPlace({}, { latency: LATENCY }, async (place) => {
    const engine = await place.open({
      providers: { sim: { baseUrl: server.url, limits: { inFlight: 1 } } },
    });
    await engine.query(mapOf(6));
    await engine.close();
    const { stdout } = await place.rvbbit(['report', 'last', '-o', '-']);
    assert.match(stdout, /<\/i>queue [1-9]\d %/);
  }));

test('--trace writes a trace in place of the page, which needs no drawing', () =>
  withPlace({}, REFUSING, async (place) => {
    const [session] = await sessionsOf(place, mapOf(8));
    const traced = await place.rvbbit(['report', 'last', '--trace']);
    assert.equal(
      [traced.code, traced.stdout],
      [0, `rvbbit-trace-${session}.json\n`],
      traced.stderr,
    );
    const text = readFileSync(join(place.folder, `rvbbit-trace-${session}.json`), 'utf8');
    const { traceEvents } = JSON.parse(text) as { traceEvents: { name: string }[] };
    assert.is(traceEvents.filter(({ name }) => name === 'call').length, 8);
    assert.is(traceEvents.filter(({ name }) => name === '429').length, 3);
    assert.not.ok(existsSync(join(place.folder, `rvbbit-report-${session}.html`)));
  }));

test('a statement whose records were compacted is found as well', () =>
  withPlace({}, { latency: LATENCY }, async (place) => {
    const [session] = await sessionsOf(place, mapOf(5));
    // Older than nothing: whatever is sealed.
    const compacted = await place.rvbbit(['journal', 'compact', '--older-than', '0s']);
    assert.is(compacted.code, 0, compacted.stderr);
    const names = readdirSync(join(place.stateDir, 'journal'));
    assert.ok(
      names.some((name) => name.endsWith('.parquet')),
      names.join(' '),
    );
    const { code, stdout } = await place.rvbbit(['report', session!, '-o', '-']);
    assert.is(code, 0);
    assert.match(stdout, '<dt>calls</dt><dd>5</dd>');
  }));

test('a cancelled statement is drawn as such, and EXPLAIN is not the last', () =>
  withPlace({}, { latency: { kind: 'constant', ms: 100 } }, async (place) => {
    const engine = await place.open();
    const cancelling = new AbortController();
    const running = engine
      .query(mapOf(40), undefined, { signal: cancelling.signal })
      .catch((thrown: { code: string }) => thrown.code);
    setTimeout(() => cancelling.abort(), 250);
    assert.is(await running, 'RVB_CANCELLED');
    await engine.query(`EXPLAIN ${mapOf(3)}`);
    await engine.close();
    const { stdout } = await place.rvbbit(['report', 'last', '-o', '-']);
    assert.match(stdout, 'incomplete: cancelled');
  }));

test('a session that is not there, no journal, and a wrong option write nothing', () =>
  withPlace({}, { latency: LATENCY }, async (place) => {
    const none = await place.rvbbit(['report', 'last']);
    assert.is(none.code, 3);
    assert.match(none.stderr, 'there is no journal');
    const [first, second] = await sessionsOf(place, mapOf(2), mapOf(3));
    const before = readdirSync(place.folder);
    const unknown = await place.rvbbit(['report', 'udf-nobody']);
    assert.is(unknown.code, 2);
    assert.match(unknown.stderr, `the newest: ${second}, ${first}`);
    const several = await place.rvbbit(['report', 'udf-']);
    assert.is(several.code, 2);
    assert.match(several.stderr, 'udf- begins several sessions');
    for (const args of [
      ['report'],
      ['report', 'last', 'more'],
      ['report', 'last', '--param', 'a=1'],
      ['report', 'last', '--trace=yes'],
    ]) {
      assert.is((await place.rvbbit(args)).code, 2, args.join(' '));
    }
    const unwritable = await place.rvbbit(['report', 'last', '-o', 'no/such/folder.html']);
    assert.is(unwritable.code, 3);
    assert.equal(readdirSync(place.folder), before);
  }));

test.run();
