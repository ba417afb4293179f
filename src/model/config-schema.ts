/** The JSON Schema of `rvbbit.config.yaml`, for editors. What counts is what `provider-config.ts` reads. */
import type { JsonObject } from '../json.ts';
import { FUNCTION_ID } from './chat.ts';

const text = (description: string, more: JsonObject = {}): JsonObject => ({
  type: 'string',
  minLength: 1,
  description,
  ...more,
});
const count = (description: string): JsonObject => ({
  type: 'integer',
  minimum: 1,
  maximum: 1e12,
  description,
});
const variable = (description: string): JsonObject =>
  text(description, { pattern: '^[A-Za-z_][A-Za-z0-9_]*$' });
const url = (description: string): JsonObject =>
  text(description, { pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^@#]+$' });

const LIMITS: JsonObject = {
  rpm: count('Requests a minute.'),
  input_tpm: count('Input tokens a minute.'),
  output_tpm: count('Output tokens a minute.'),
  window: {
    type: ['string', 'number'],
    description:
      'The window that the rates hold in, at most an hour. Default 60s; 1s makes 180 rpm 3 in any second.',
  },
  in_flight: count('Calls at a time.'),
  ramp: count('Calls at a time that may be added in a second, from a cold start.'),
};

/** By the key's name in the file. */
const KEYS: Readonly<Record<string, JsonObject>> = {
  base_url: url('Up to and including the version; http or https, no credentials.'),
  api_key_env: variable('The environment variable that holds the key. A literal key is refused.'),
  headers: {
    type: 'object',
    description: 'Sent with each call. No secrets, and none that HTTP itself needs.',
    additionalProperties: { type: 'string' },
  },
  response_format: {
    enum: ['json_schema', 'json_object', 'none'],
    description: 'How the provider takes a response schema.',
  },
  connections: {
    type: 'integer',
    minimum: 0,
    maximum: 65536,
    description: 'Connections open at once at most; 0: as many as there are calls.',
  },
  limits: {
    type: 'object',
    description: 'What the provider may be asked at most.',
    additionalProperties: false,
    properties: {
      ...LIMITS,
      models: {
        type: 'object',
        description: 'Limits of single models, which hold in addition.',
        additionalProperties: { type: 'object', additionalProperties: false, properties: LIMITS },
      },
    },
  },
  prices: {
    type: 'object',
    description: "US dollars per million tokens, by the model's name at the provider.",
    additionalProperties: {
      type: 'object',
      additionalProperties: false,
      required: ['input_per_mtok', 'output_per_mtok'],
      properties: {
        input_per_mtok: { type: 'number', minimum: 0, maximum: 1e12 },
        output_per_mtok: { type: 'number', minimum: 0, maximum: 1e12 },
      },
    },
  },
  proxy: url('An HTTP proxy. Variables such as HTTP_PROXY count for nothing.'),
  proxy_key_env: variable('The environment variable that holds user:password for the proxy.'),
  allow_private: {
    type: 'boolean',
    description: 'The name in base_url or proxy looks public and may stand for a private address.',
  },
  file: text('The recording, relative to this file.'),
  mode: { enum: ['play', 'record'], default: 'play' },
  from: text('The id of the provider that is asked while recording.'),
};

/** The schema, as draft 2020-12. */
export function configJsonSchema(): JsonObject {
  const provider = (type: JsonObject, keys: readonly string[], required: string[]): JsonObject => ({
    type: 'object',
    additionalProperties: false,
    ...(required.length === 0 ? {} : { required }),
    properties: { type, ...Object.fromEntries(keys.map((key) => [key, KEYS[key]!])) },
  });
  const ofRecording = ['file', 'mode', 'from'];
  const ofServer = Object.keys(KEYS).filter((key) => !ofRecording.includes(key));
  const ofWords = provider({ const: 'lexical' }, [], ['type']);
  const entry: JsonObject = {
    type: 'object',
    properties: { type: { enum: ['openai-compatible', 'replay', 'lexical'] } },
    if: { required: ['type'], properties: { type: { const: 'replay' } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: provider({ const: 'replay' }, ofRecording, ['type', 'file']),
    else: {
      if: { required: ['type'], properties: { type: { const: 'lexical' } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: ofWords,
      else: provider({ const: 'openai-compatible' }, ofServer, []),
    },
  };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'RVBBIT configuration',
    type: 'object',
    properties: {
      model: text('Of cells that name none: <provider id>/<name>, split at the first slash.'),
      providers: {
        type: 'object',
        description: 'Where models are asked, by id.',
        propertyNames: {
          pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$',
          not: { const: FUNCTION_ID },
        },
        properties: { lexical: ofWords },
        additionalProperties: { anyOf: [{ type: 'null' }, entry] },
      },
      journal: {
        type: 'object',
        description: 'What the journal on disk keeps.',
        additionalProperties: false,
        properties: {
          prompts: { type: 'boolean', description: 'Keep prompts with the calls. Default false.' },
          answers: {
            type: 'boolean',
            description: 'Keep answers, so that later statements find them. Default true.',
          },
          max_age: text('Records that are older are removed, e.g. 30d. Default: none.'),
          max_bytes: count('The oldest records are removed down to this size.'),
          segment_max_bytes: count('A segment that has grown to this is sealed.'),
        },
      },
    },
  };
}
