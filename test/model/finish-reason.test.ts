/** An answer counts only where its server says that it ended by itself, or says nothing of it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MODEL_RESPONSE_MAX_BYTES } from '../../src/limits.ts';
import { readFunctionAnswer } from '../../src/model/function-answer.ts';
import { HttpProvider } from '../../src/model/http-provider.ts';
import { ask, brief, completion, reply, scriptedServer, settingsOf } from './support.ts';

/** What comes of `half of it` under each reason. */
const REASONS: readonly (readonly [string, readonly unknown[]])[] = [
  ['ok half of it', ['stop', 'STOP', 'end_turn', 'eos_token', 'COMPLETE', '', undefined]],
  [
    'RVB_MODEL_TRUNCATED 200',
    ['length', 'LENGTH', 'max_tokens', 'MAX_TOKENS', 'max_output_tokens', 'model_length'],
  ],
  [
    'RVB_MODEL_REFUSED 200',
    ['content_filter', 'content_filter: RECITATION', 'SAFETY', 'PROHIBITED_CONTENT', 'refusal'],
  ],
  [
    'RVB_ANSWER_INVALID 200',
    ['tool_calls', 'tool_use', 'function_call', 'a new word', null, 7, {}],
  ],
  [
    'RVB_ANSWER_INVALID 200 again',
    ['error', 'abort', 'cancelled', 'timeout', 'insufficient_system_resource', 'network_error'],
  ],
];

test('each reason that a server gives is an end, or a failure', async () => {
  const server = await scriptedServer();
  const provider = new HttpProvider(settingsOf(server.url));
  for (const [expected, reasons] of REASONS) {
    for (const reason of reasons) {
      server.script = reply(completion('half of it', { finish_reason: reason }));
      assert.is(brief(await ask(provider)), expected, String(reason));
    }
  }
  await provider.close();
  await server.close();
});

test('a model function is held to the same words', () => {
  for (const [expected, reasons] of REASONS) {
    for (const finishReason of reasons) {
      const outcome = readFunctionAnswer('m', { text: 'half of it', finishReason });
      assert.is(brief(outcome), expected.replace(/ 200.*/, ''), String(finishReason));
    }
  }
  assert.ok(readFunctionAnswer('m', { text: 'whole', finishReason: 'other' }).ok);
});

test('a model function is held to the same length', () => {
  const ofLength = (length: number) =>
    readFunctionAnswer('m', { text: 'x'.repeat(length), finishReason: 'stop' });
  assert.ok(ofLength(MODEL_RESPONSE_MAX_BYTES).ok);
  assert.is(brief(ofLength(MODEL_RESPONSE_MAX_BYTES + 1)), 'RVB_MODEL_HTTP');
});

test.run();
