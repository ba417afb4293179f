/** The parameter that an error refuses, in the words of the services that are known. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { refusedParameter } from '../../src/model/refused-parameter.ts';

const SENT = [
  ...['temperature', 'seed', 'stop', 'max_tokens', 'user'],
  ...['output_config', 'prompt_cache_key'],
];
const openAi = (message: string, param: string | null = null, code: string | null = null) => ({
  error: { message, type: 'invalid_request_error', param, code },
});
const anthropic = (message: string) => ({
  type: 'error',
  error: { type: 'invalid_request_error', message },
});
const gemini = (message: string) => [{ error: { code: 400, message, status: 'INVALID_ARGUMENT' } }];
const mistral = (name: string) => [
  { type: 'extra_forbidden', loc: ['body', name], msg: 'Extra inputs are not permitted', input: 1 },
];

/** An error's status and body, and what it refuses. */
type Case = readonly [status: number, body: unknown, refused?: object];

const CASES: readonly Case[] = [
  // https://platform.openai.com/docs/guides/error-codes
  [
    400,
    openAi(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      'max_tokens',
      'unsupported_parameter',
    ),
    { parameter: 'max_tokens', instead: 'max_completion_tokens' },
  ],
  [400, openAi('Not with this model', 'seed', 'unsupported_value'), { parameter: 'seed' }],
  [400, openAi("Unknown parameter: 'seed'.", 'seed', 'unknown_parameter'), { parameter: 'seed' }],
  [400, openAi('Unrecognized request argument supplied: seed'), { parameter: 'seed' }],
  // Groq
  [400, openAi("property 'stop' is unsupported"), { parameter: 'stop' }],
  [400, openAi('`seed` is not supported with this model', 'seed'), { parameter: 'seed' }],
  // https://platform.claude.com/docs/en/about-claude/models/migration-guide
  [400, anthropic('`temperature` is deprecated for this model.'), { parameter: 'temperature' }],
  [400, anthropic('temperature is deprecated for this model'), { parameter: 'temperature' }],
  [400, anthropic('seed: Extra inputs are not permitted'), { parameter: 'seed' }],
  // https://platform.claude.com/docs/en/build-with-claude/structured-outputs
  [
    400,
    anthropic('output_config.format: Extra inputs are not permitted'),
    { parameter: 'output_config' },
  ],
  [400, anthropic('Schema is too complex.'), { parameter: 'output_config' }],
  [400, anthropic('this model has no structured outputs'), { parameter: 'output_config' }],
  [
    400,
    anthropic('This model does not support structured outputs'),
    { parameter: 'output_config' },
  ],
  // The engine's own parameters, in any words, and never under another name.
  [400, 'unknown key "format" in OUTPUT_CONFIG', { parameter: 'output_config' }],
  [
    400,
    openAi("'output_config' is not supported. Use 'output_format' instead."),
    { parameter: 'output_config' },
  ],
  [
    422,
    openAi('The parameter prompt_cache_key is not supported'),
    { parameter: 'prompt_cache_key' },
  ],
  [
    400,
    openAi("Unsupported parameter: 'prompt_cache_key'. Use 'user' instead."),
    { parameter: 'prompt_cache_key' },
  ],
  [500, openAi('prompt_cache_key unsupported')],
  // Gemini: https://cloud.google.com/apis/design/errors
  [
    400,
    gemini('Invalid JSON payload received. Unknown name "seed": Cannot find field.'),
    { parameter: 'seed' },
  ],
  // https://docs.mistral.ai/api/
  [422, { detail: mistral('seed') }, { parameter: 'seed' }],
  [422, { object: 'error', message: { detail: mistral('user') } }, { parameter: 'user' }],
  [400, 'unsupported parameter "stop"', { parameter: 'stop' }],
  // Of what was not sent, of another status, of the value or of something else.
  [400, openAi("Unknown parameter: 'top_k'.", 'top_k', 'unknown_parameter')],
  [500, openAi("Unknown parameter: 'seed'.", 'seed', 'unknown_parameter')],
  [400, openAi('max_tokens is too large: 100000. This model supports at most 4096.', 'max_tokens')],
  [400, openAi("'temperature' must be at most 1", 'temperature')],
  [400, openAi('This user is not allowed to stop there; the seed is unknown')],
  [400, openAi('Unsupported image', 'messages')],
];

test('what is refused is read from what services say', () => {
  for (const [status, body, refused] of CASES) {
    assert.equal(refusedParameter(status, body, SENT), refused, JSON.stringify(body));
  }
});

test('a deep or a long error is read in part', () => {
  let deep: unknown = "Unknown parameter: 'seed'.";
  for (let level = 0; level < 100_000; level++) deep = [deep];
  assert.is(refusedParameter(400, deep, SENT), undefined);
  assert.is(refusedParameter(400, `${' '.repeat(10_000)} unknown 'seed'`, SENT), undefined);
});

test.run();
