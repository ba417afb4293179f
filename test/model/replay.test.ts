/** Recordings: what was answered once is answered again, and nothing else is. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChatRequest } from '../../src/model/chat.ts';
import { appendToRecording, readRecording } from '../../src/model/recording.ts';
import { Player } from '../../src/model/replay.ts';
import { requestHash } from '../../src/model/request-hash.ts';
import { startSimulator } from '../../src/testing.ts';
import { openEngine, queryOf } from './engine-support.ts';
import { ask, brief, CANARY, REQUEST } from './support.ts';

const CHILD = fileURLToPath(new URL('./record.child.js', import.meta.url));

const taped = mkdtempSync(join(tmpdir(), 'rvbbit-replay-'));
const TAPE = join(taped, 'calls', 'tape.ndjson');
const OTHER_TAPE = join(taped, 'other.ndjson');
const server = await startSimulator({ directives: true });
const engine = await openEngine({
  threads: 1,
  providers: {
    sim: { baseUrl: server.url, apiKey: CANARY, headers: { 'x-team-token': CANARY } },
    recorder: { type: 'replay', file: TAPE, mode: 'record', from: 'sim' },
    player: { type: 'replay', file: TAPE },
    other: { type: 'replay', file: OTHER_TAPE },
    // A folder stands where the file should be.
    broken: { type: 'replay', file: taped, mode: 'record', from: 'sim' },
  },
});

const test = suite<{ folder: string; file: string }>('replay');
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'rvbbit-replay-'));
  context.file = join(context.folder, 'calls', 'tape.ndjson');
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));
test.after(async () => {
  await engine.close();
  await server.close();
  rmSync(taped, { recursive: true });
});

const rows = Array.from({ length: 40 }, (_, number) => ({ word: 'take', number, sim: {} }));
const MAP = (model: string, query: string) =>
  `RVBBIT MAP PARALLEL 8 'text.yaml' AS v USING (${query}) WITH (model = '${model}')`;

function played(file: string) {
  return { id: 'tape', type: 'replay', file } as const;
}

test('what was recorded is played, and the server is not asked again', async () => {
  const recorded = await engine.query(MAP('recorder/test-model', queryOf(rows)));
  assert.is(server.ledger().totals.calls, rows.length);
  const bad = queryOf([{ word: 'bad', number: 1, sim: { status: 400 } }]);
  await engine.query(MAP('recorder/test-model', bad));
  const { calls } = server.ledger().totals;
  const text = readFileSync(TAPE, 'utf8');
  assert.is(text.trimEnd().split('\n').length, rows.length, 'failures are not recorded');
  assert.not.match(text, CANARY);
  assert.not.match(text, /authorization|x-team-token/i);

  const again = await engine.query(MAP('player/test-model', queryOf(rows)));
  assert.equal(again.rows, recorded.rows);
  assert.is(again.summary.rows.ok, rows.length);
  assert.is(again.summary.costMicroUsd, 0, 'what is played costs nothing');
  assert.is(again.summary.calls.sent, rows.length);
  assert.is(server.ledger().totals.calls, calls);
});

test('a miss names the model and the beginning of the prompt, and says how to record it', async ({
  file,
}) => {
  const miss = async (content: string): Promise<string> => {
    await using player = disposable(new Player(played(file)));
    const request: ChatRequest = { ...REQUEST, messages: [{ role: 'user', content }] };
    const outcome = await player.chat(request, {
      signal: new AbortController().signal,
      timeoutMs: 1_000,
    });
    assert.is(brief(outcome), 'RVB_REPLAY_MISS');
    return outcome.ok ? '' : outcome.error.message;
  };
  const without = await miss('Is it so?');
  assert.match(without, /^tape\/m1 cannot answer, there is no such file to "Is it so\?"/);
  appendToRecording(file, REQUEST, { text: 'yes', finishReason: 'stop' });
  const message = await miss(`Secret of row ${'y'.repeat(200)}`);
  assert.match(
    message,
    /^tape\/m1 has no answer to "Secret of row y+…"; record it: set mode: record/,
  );
  assert.not.match(message, 'y'.repeat(80));

  appendToRecording(OTHER_TAPE, REQUEST, { text: 'yes', finishReason: 'stop' });
  const { summary } = await engine.query(MAP('other/m1', queryOf([rows[0]!])));
  assert.is(summary.failures[0]?.code, 'RVB_REPLAY_MISS');
  assert.match(summary.failures[0]!.message, /other\/m1 has no answer to "Say take 0/);
});

test('the hash is of what is asked, whatever the order of its keys', () => {
  const a: ChatRequest = { ...REQUEST, parameters: { seed: 1, temperature: 0 } };
  const b: ChatRequest = { ...REQUEST, parameters: { temperature: 0, seed: 1 } };
  assert.is(requestHash(a), requestHash(b));
  assert.match(requestHash(a), /^[0-9a-f]{64}$/);
  const others: ChatRequest[] = [
    { ...a, model: 'm2' },
    { ...a, parameters: { seed: 2, temperature: 0 } },
    { ...a, messages: [{ role: 'system', content: 'hi' }] },
    { ...a, messages: [...a.messages, ...a.messages] },
    { ...a, responseSchema: { type: 'string' } },
    { ...a, parameters: JSON.parse('{"__proto__":{"seed":1},"temperature":0}') },
  ];
  assert.is(new Set([a, ...others].map(requestHash)).size, others.length + 1);
});

test('several answers to one question come in the order of the recording, and then again', async ({
  file,
}) => {
  for (const text of ['one', 'two', 'three'])
    appendToRecording(file, REQUEST, { text, finishReason: 'stop' });
  await using player = disposable(new Player(played(file)));
  const given = [];
  for (let n = 0; n < 5; n++) given.push(brief(await ask(player)));
  assert.equal(given, ['ok one', 'ok two', 'ok three', 'ok one', 'ok two']);
  // The file is read again when it has changed, and then from its beginning.
  appendToRecording(file, REQUEST, { text: 'four', finishReason: 'stop' });
  assert.is(brief(await ask(player)), 'ok one');
});

test('lines of processes that record at the same time are whole', async ({ file }) => {
  const [children, each] = [2, 300];
  const ends = Array.from({ length: children }, async (_, who) => {
    const child = spawn(process.execPath, [CHILD, file, `p${who}`, String(each)], {
      stdio: 'inherit',
    });
    const [code] = await once(child, 'exit');
    assert.is(code, 0);
  });
  await Promise.all(ends);
  const recording = await readRecording(file);
  assert.is(recording.size, children * each);
  const texts = new Set([...recording.values()].flat().map(({ text }) => text));
  for (let who = 0; who < children; who++) {
    for (let index = 0; index < each; index++) assert.ok(texts.has(`p${who}:${index}`));
  }
});

test('a line that was cut off is left out at the end, and named elsewhere', async ({ file }) => {
  appendToRecording(file, REQUEST, { text: 'yes', finishReason: 'stop' });
  const line = readFileSync(file, 'utf8');
  appendFileSync(file, line.slice(0, 40));
  assert.is((await readRecording(file)).size, 1);
  // The next line begins a line of its own.
  const other: ChatRequest = { ...REQUEST, model: 'm2' };
  appendToRecording(file, other, { text: 'no', finishReason: 'stop' });
  const problemOf = async (): Promise<string> =>
    readRecording(file).then(
      () => 'none',
      (error: Error) => error.message,
    );
  assert.match(await problemOf(), /^line 2 is not JSON/);
  await using player = disposable(new Player(played(file)));
  const outcome = await ask(player);
  assert.is(brief(outcome), 'RVB_OPTION_TYPE');
  assert.match(
    outcome.ok ? '' : outcome.error.message,
    `the recording ${file} cannot be read: line 2`,
  );

  const call = JSON.parse(line);
  const bad: readonly (readonly [object, RegExp])[] = [
    [{ ...call, request: { ...call.request, model: 'other' } }, /line 1: its hash is not that/],
    [{ ...call, response: { text: 'cut', finishReason: 'length' } }, /line 1 is not a recorded/],
    [{ ...call, response: 'yes' }, /line 1 is not a recorded call/],
    [{ ...call, request: { model: 'm' } }, /line 1 is not a recorded call/],
    [[], /line 1 is not a recorded call/],
  ];
  for (const [value, expected] of bad) {
    writeFileSync(file, `${JSON.stringify(value)}\n`);
    assert.match(await problemOf(), expected);
  }
  const { hash: _, ...byHand } = call;
  writeFileSync(file, `\n${JSON.stringify(byHand)}\n\n`);
  utimesSync(file, 1, 1);
  assert.is(brief(await ask(player)), 'ok yes');
});

test('a recording that cannot be written fails the call and keeps what it cost', async () => {
  const { summary } = await engine.query(MAP('broken/m1', queryOf([rows[0]!])));
  assert.match(summary.failures[0]!.message, /the recording .* cannot be written: EISDIR/);
  assert.ok(summary.tokens.in > 0);
});

function disposable(player: Player): Player & AsyncDisposable {
  return Object.assign(player, { [Symbol.asyncDispose]: () => player.close() });
}

test.run();
