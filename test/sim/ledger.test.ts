import { once, setMaxListeners } from 'node:events';
import { createConnection } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { contentHash } from '../../src/sim/random.ts';
import { cases } from '../support/cases.ts';
import { chat, chatOf, post, until, withSimulator } from './support.ts';

test('every call is entered by its content, whatever the order of its keys', async () => {
  const prices = { sim: { inputPerMtok: 2, outputPerMtok: 10 } };
  await withSimulator({ prices, previewChars: 3 }, async (sim) => {
    await chat(sim, 'abcdefgh');
    const messages = [{ content: 'abcdefgh', role: 'user' }];
    await post(sim, '/chat/completions', { messages, model: 'sim' });
    await chat(sim, 'abcdefgh', { seed: 1 });
    await post(sim, '/embeddings', { model: 'other', input: 'abcd' });
    const { entries, totals } = sim.ledger();
    assert.equal(
      entries.map(({ ordinal }) => ordinal),
      [1, 2, 3, 4],
    );
    assert.equal(
      entries.map(({ attempt }) => attempt),
      [1, 2, 1, 1],
    );
    assert.is(entries[0]!.contentHash, contentHash('/chat/completions', chatOf('abcdefgh')));
    assert.is(entries[1]!.contentHash, entries[0]!.contentHash);
    const { atMs, durationMs, contentHash: _, ...first } = entries[0]!;
    assert.ok(Math.abs(atMs - Date.now()) < 5_000 && durationMs! >= 0);
    assert.equal(first, {
      ordinal: 1,
      attempt: 1,
      endpoint: 'chat',
      model: 'sim',
      status: 200,
      outcome: 'answered',
      tokensIn: 2,
      tokensOut: 2,
      costMicroUsd: 24,
      inFlightAtStart: 1,
      delayMs: 0,
      preview: 'abc',
    });
    assert.is(entries[3]!.costMicroUsd, null);
    assert.is(totals.calls, 4);
    assert.is(totals.distinctContents, 3);
    assert.is(totals.tokensIn, 7);
    assert.is(totals.tokensOut, 6);
    assert.is(totals.costMicroUsd, 72);
    assert.equal(totals.byStatus, { '200': 4 });
  });
});

test('calls in flight are counted, and hundreds at once are no trouble', async () => {
  const count = cases(200, 1_000);
  const latency = { kind: 'constant', ms: 60_000 } as const;
  await withSimulator({ latency }, async (sim) => {
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    const { signal } = controller;
    const calls = Array.from({ length: count }, (_, at) => chat(sim, `row ${at}`, {}, { signal }));
    const settled = Promise.allSettled(calls);
    await until(() => sim.ledger(1_000).totals.inFlight === count);
    controller.abort();
    await settled;
    await until(() => sim.ledger(1_000).totals.inFlight === 0);
    const { totals, entries } = sim.ledger();
    assert.is(totals.maxInFlight, count);
    assert.is(Math.max(...entries.map(({ inFlightAtStart }) => inFlightAtStart)), count);
  });
});

test('one caller at a time is never seen as two', async () => {
  await withSimulator({}, async (sim) => {
    for (let at = 0; at < 100; at++) await chat(sim, `row ${at}`);
    assert.is(sim.ledger().totals.maxInFlight, 1);
  });
});

test('a client that leaves is seen at once, and its call costs what it would have cost', async () => {
  const latency = { kind: 'constant', ms: 60_000 } as const;
  const prices = { '*': { inputPerMtok: 1, outputPerMtok: 1 } };
  await withSimulator({ latency, prices }, async (sim) => {
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    const calls = Array.from({ length: 50 }, (_, at) =>
      chat(sim, `row ${at}`, {}, { signal: controller.signal }),
    );
    const settled = Promise.allSettled(calls);
    await until(() => sim.ledger().totals.inFlight === 50);
    const mark = sim.mark();
    controller.abort();
    await settled;
    await until(() => sim.ledger().totals.inFlight === 0);
    const { entries, totals } = sim.ledger();
    for (const { outcome, status, atMs, durationMs, costMicroUsd } of entries) {
      assert.is(outcome, 'aborted');
      assert.is(status, null);
      assert.ok(costMicroUsd! > 0);
      const closedAfterMs = atMs + durationMs! - mark.atMs;
      assert.ok(closedAfterMs >= 0 && closedAfterMs < 1_000, String(closedAfterMs));
    }
    assert.is(totals.callsSinceMark, 0);
    assert.equal(totals.mark, mark);
    assert.equal(totals.byStatus, { none: 50 });
  });
});

test('a request that never arrived whole is no call', async () => {
  await withSimulator({}, async (sim) => {
    const socket = createConnection({ port: sim.port, host: '127.0.0.1' });
    socket.write('POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{');
    await until(() => sim.ledger().totals.inFlight === 1);
    socket.destroy();
    await until(() => sim.ledger().totals.inFlight === 0);
    assert.is(sim.ledger().totals.calls, 0);
  });
});

test('a full ledger drops its oldest entries and counts them', async () => {
  await withSimulator({ ledgerEntries: 3 }, async (sim) => {
    for (let at = 1; at <= 5; at++) await chat(sim, `row ${at}`);
    const { entries, totals } = sim.ledger();
    assert.equal(
      entries.map(({ ordinal }) => ordinal),
      [3, 4, 5],
    );
    assert.is(totals.dropped, 2);
    assert.is(totals.calls, 5);
    assert.equal(
      sim.ledger(4).entries.map(({ ordinal }) => ordinal),
      [5],
    );
  });
});

test('a reset empties the ledger, refills the limits and lets calls in flight end unseen', async () => {
  const latency = { kind: 'constant', ms: 50 } as const;
  await withSimulator({ latency, limits: { requests: 1 } }, async (sim) => {
    const call = chat(sim, 'a');
    await until(() => sim.ledger().totals.inFlight === 1);
    sim.reset();
    assert.is(sim.ledger().totals.calls, 0);
    assert.is(sim.ledger().totals.inFlight, 1);
    assert.is((await chat(sim, 'b')).status, 200);
    assert.is((await call).status, 200);
    const { totals } = sim.ledger();
    assert.is(totals.calls, 1);
    assert.is(totals.maxInFlight, 2);
    assert.is(totals.inFlight, 0);
  });
});

test('the script is replaced while the server runs; a wrong one is refused whole', async () => {
  await withSimulator({ answers: 'hash' }, async (sim) => {
    assert.is((await chat(sim, 'a')).status, 200);
    sim.script({ rules: [{ status: 503 }] });
    assert.is((await chat(sim, 'a')).status, 503);
    assert.throws(() => sim.script({ rules: [{ status: 200 }] }), /rules\.0\.status/);
    assert.throws(() => sim.script({ rules: [{ when: { matches: '(' } }] }), SyntaxError);
    assert.is((await chat(sim, 'a')).status, 503);
    sim.script({ rules: [] });
    assert.is((await chat(sim, 'a')).status, 200);
  });
});

test('closing the server ends its connections', async () => {
  await withSimulator({}, async (sim) => {
    const socket = createConnection({ port: sim.port, host: '127.0.0.1' });
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    await sim.close();
    await closed;
  });
});

test.run();
