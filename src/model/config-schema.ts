/** The zod schemas of a configuration. `examples/config.schema.json` is generated from this file. */
import * as z from 'zod';
import { parseDurationMs } from '../../grammar/duration.ts';
import { durationMs } from '../cascade/duration.ts';
import { JOURNAL_SEGMENT_MAX_BYTES, RATE_WINDOW_MS } from '../limits.ts';
import type { JsonObject } from '../util/json.ts';
import type { CallLimits, ProviderLimits } from './call-limits.ts';
import { FUNCTION_ID } from './chat.ts';
import type { ParameterRules } from './parameters.ts';
import type { ModelPrice } from './prices.ts';
import type { ProviderEntry } from './provider-entry.ts';
import { mapping, type Spelling, settings, spell } from './spelt-keys.ts';

/** The maximum of rates and prices. A larger number is a typing error. */
const CONFIG_MAX_NUMBER = 1e12;
/** The maximum of `window`. */
const RATE_WINDOW_MAX_MS = 3_600_000;
/** The maximum of `idle_timeout`. */
const IDLE_TIMEOUT_MAX_MS = 3_600_000;

const MAX_CONNECTIONS = 65_536;
/** An http or https URL without credentials and without `#`. */
const URL_TEXT = /^[Hh][Tt][Tt][Pp][Ss]?:\/\/(?:(?![@/?#])[!-~])+(?:[/?](?:(?!#)[ -~])*)?$/;
const PROVIDER_ID = new RegExp(`^(?!${FUNCTION_ID}$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`);
/** Headers that only the engine or the connection may set. */
const OWN_HEADERS =
  /^(?:host|content-.*|transfer-encoding|connection|accept-encoding|expect|upgrade|te|trailer|keep-alive|proxy-.*)$/i;
const SECRET_HEADERS = /^(?:authorization|cookie|.*api[-_]?key.*|.*token.*|.*secret.*)$/i;

/** A text of one line of printable ASCII characters. */
export const line = z
  .string()
  .trim()
  .regex(/^[ -~]+$/, { error: 'expected a line of plain characters' });

/** The schema of a URL; removes slashes at its end. `keyEnv` is the setting that an error names for credentials. */
export function url(keyEnv: string) {
  return z
    .string()
    .trim()
    .regex(URL_TEXT, {
      abort: true,
      error: ({ input }) =>
        /\/\/[^/?]*@/.test(String(input))
          ? `a URL must not hold credentials; use ${keyEnv}`
          : 'expected an http or https URL without #',
    })
    .refine((text) => URL.canParse(text), { abort: true, error: 'expected an http or https URL' })
    .overwrite((text) => text.replace(/\/+$/, ''));
}

/** The name of an environment variable. Messages do not show the value, since it may be an API key by mistake. */
const variable = z
  .string()
  .trim()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
    error: 'expected the name of an environment variable, not a key',
  });

function whole(min: number, max: number) {
  const error = { error: `expected a whole number from ${min} to ${max}` };
  return z.int(error).min(min, error).max(max, error);
}

const count = whole(1, CONFIG_MAX_NUMBER);
const dollars = z.number().min(0).max(CONFIG_MAX_NUMBER);

/** The schema of a duration. Its output is milliseconds. */
function duration(expected: string, read: (text: string | number) => number | undefined) {
  return z.union([z.string(), z.number()], { error: expected }).transform((text, context) => {
    const ms = read(text);
    if (ms !== undefined) return ms;
    context.addIssue({ code: 'custom', message: expected });
    return z.NEVER;
  });
}

const window = duration('expected a duration up to an hour, such as 1s', (text) => {
  const ms = durationMs(text);
  return ms !== undefined && ms <= RATE_WINDOW_MAX_MS ? ms : undefined;
});
const gap = duration('expected a duration from 1ms to an hour, such as 30s', (text) => {
  const ms = durationMs(text);
  return ms !== undefined && ms >= 1 && ms <= IDLE_TIMEOUT_MAX_MS ? ms : undefined;
});
const age = duration('expected a duration such as 30d', parseDurationMs);

function limits(spelling: Spelling) {
  const keys = {
    rpm: count.describe('Requests a minute.'),
    input_tpm: count.describe('Input tokens a minute.'),
    output_tpm: count.describe('Output tokens a minute.'),
    window: window.describe(
      'The window that the rates hold in, at most an hour. Default 60s; 1s makes 180 rpm 3 in any second.',
    ),
    in_flight: count.describe('Calls at a time.'),
    context: count.describe(
      'Input tokens of a call at most, where the table of prices has no context.',
    ),
    ramp: count.describe('Calls at a time that may be added in a second, from a cold start.'),
  };
  const checkRates = (values: object, context: z.RefinementCtx): void => {
    const given = values as Readonly<Record<string, number | undefined>>;
    const windowMs = given['window'] ?? RATE_WINDOW_MS;
    for (const key of ['rpm', 'input_tpm', 'output_tpm'].map((key) => spell(key, spelling))) {
      const rate = given[key] ?? 0;
      if (rate < 1 || rate >= 60_000 / windowMs) continue;
      const message = `${rate} a minute is less than one in a window of ${windowMs} ms; take a longer one`;
      context.addIssue({ code: 'custom', path: [key], message });
    }
  };
  const ofModel = mapping(keys, spelling).partial().superRefine(checkRates);
  const models = z
    .record(z.string(), ofModel.transform(settings<CallLimits>))
    .describe('Limits of single models, which hold in addition.');
  return mapping({ ...keys, models }, spelling)
    .partial()
    .superRefine(checkRates)
    .transform(settings<ProviderLimits>)
    .describe('What the provider may be asked at most.');
}

/** The schema of the changes to a call's parameters before they are sent. */
function parameters() {
  const name = z
    .string()
    .regex(/^[a-z_][a-z0-9_]*$/i, { error: 'expected the name of a parameter' });
  const changes = {
    drop: z.array(name).describe('Left out: the models refuse them.'),
    rename: z.record(name, name).describe('Sent under another name.'),
    add: z.record(name, z.json()).describe('Sent where a cell does not say them.'),
  };
  return z
    .strictObject({
      ...changes,
      models: z
        .record(z.string(), z.strictObject(changes).partial())
        .describe("Of single models, by the model's name at the provider."),
    })
    .partial()
    .transform((rules) => rules as ParameterRules)
    .describe('Which parameters of cells are sent otherwise, e.g. { drop: [temperature] }.');
}

function headers(spelling: Spelling) {
  const problemOf = (name: string): string | undefined => {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return 'this is no name of a header';
    if (OWN_HEADERS.test(name)) return "this header is the engine's own";
    return spelling === 'file' && SECRET_HEADERS.test(name)
      ? 'a secret does not belong in a file; use api_key_env'
      : undefined;
  };
  return z
    .record(z.string(), line)
    .superRefine((values, context) => {
      for (const name of Object.keys(values)) {
        const message = problemOf(name);
        if (message !== undefined) context.addIssue({ code: 'custom', path: [name], message });
      }
    })
    .transform((values): Readonly<Record<string, string>> => {
      const lower = Object.entries(values).map(([name, value]) => [name.toLowerCase(), value]);
      return Object.fromEntries(lower);
    })
    .describe('Sent with each call. No secrets, and none that HTTP itself needs.');
}

/** The keys of an entry for an HTTP server. */
function serverKeys(spelling: Spelling) {
  const key = (keyEnv: string) =>
    spelling === 'api'
      ? line
      : z.never({
          error: `a key does not belong in a file; name the environment variable that holds it in ${keyEnv}`,
        });
  const price = mapping(
    {
      input_per_mtok: dollars,
      output_per_mtok: dollars,
      cached_input_per_mtok: dollars
        .optional()
        .describe("Input from the provider's cache. Default: as other input."),
      cache_write_per_mtok: dollars
        .optional()
        .describe("Input put into the provider's cache. Default: as other input."),
    },
    spelling,
  );
  return {
    base_url: url(spell('api_key_env', spelling)).describe(
      'Up to and including the version; http or https, no credentials.',
    ),
    api_key: key('api_key_env'),
    api_key_env: variable.describe(
      'The environment variable that holds the key. A literal key is refused.',
    ),
    headers: headers(spelling),
    response_format: z
      .enum(['json_schema', 'json_object', 'none'])
      .describe('How the provider takes a response schema.'),
    stream: z.boolean().describe('Answers come as streams of server-sent events. Default false.'),
    stream_options: z
      .boolean()
      .describe(
        'False: the server refuses stream_options, and counts the tokens of streams unasked. Default true.',
      ),
    idle_timeout: gap.describe(
      'The longest gap between two pieces of a response, e.g. 30s. Default 60s.',
    ),
    parameters: parameters(),
    connections: whole(0, MAX_CONNECTIONS).describe(
      'Connections open at once at most; 0: as many as there are calls.',
    ),
    limits: limits(spelling),
    prices: z
      .record(z.string(), price.transform(settings<ModelPrice>))
      .describe("US dollars per million tokens, by the model's name at the provider."),
    proxy: url(spell('proxy_key_env', spelling))
      .refine((text) => /^[^/]*\/\/[^/?]*$/.test(text), { error: 'expected a URL without a path' })
      .describe('An HTTP proxy. Variables such as HTTP_PROXY count for nothing.'),
    proxy_key: key('proxy_key_env'),
    proxy_key_env: variable.describe(
      'The environment variable that holds user:password for the proxy.',
    ),
    batches: z
      .boolean()
      .describe("The server has its protocol's Batch API, for service = 'batch'. Default false."),
    allow_private: z
      .boolean()
      .describe('The name in base_url or proxy looks public and may stand for a private address.'),
  };
}

const RECORDING_KEYS = {
  file: line.describe('The recording, relative to this file.'),
  mode: z.enum(['play', 'record']).optional().describe('Default play.'),
  from: line.optional().describe('The id of the provider that is asked while recording.'),
};

/** An entry of the file. Its type decides which keys it may have. */
const fileEntry = z.discriminatedUnion(
  'type',
  [
    mapping(
      { type: z.enum(['openai-compatible', 'anthropic']), ...serverKeys('file') },
      'file',
    ).partial(),
    mapping({ type: z.literal('replay'), ...RECORDING_KEYS }, 'file'),
    mapping({ type: z.literal('lexical') }, 'file'),
  ],
  {
    error: ({ code }) =>
      code === 'invalid_union'
        ? 'expected openai-compatible, anthropic, replay or lexical'
        : undefined,
  },
);
/** An entry of the API. It may add to an entry of the file, so the keys of all types are allowed here. */
const apiEntry = mapping(
  {
    type: z.enum(['openai-compatible', 'anthropic', 'replay', 'lexical']),
    ...serverKeys('api'),
    ...RECORDING_KEYS,
  },
  'api',
).partial();

function providers<T extends typeof fileEntry | typeof apiEntry>(entry: T) {
  const id = z.string().regex(PROVIDER_ID, {
    error: ({ input }) =>
      input === FUNCTION_ID
        ? "this id is that of the embedding program's function; choose another"
        : 'an id has letters, digits, ., - and _',
  });
  return z
    .record(id, entry.transform(settings<ProviderEntry>).nullish())
    .superRefine(({ lexical }, context) => {
      if (lexical === undefined || lexical?.type === 'lexical') return;
      const message = 'this id is that of word overlap; choose another';
      context.addIssue({ code: 'custom', path: ['lexical'], message });
    })
    .meta({
      description: 'Where models are asked, by id.',
      properties: {
        lexical: {
          type: 'object',
          properties: { type: { const: 'lexical' } },
          required: ['type'],
          additionalProperties: false,
        },
      },
    });
}

/** Settings of the journal on disk. */
export interface JournalSettings {
  readonly prompts?: boolean;
  readonly answers?: boolean;
  readonly maxAgeMs?: number;
  readonly maxBytes?: number;
  readonly segmentMaxBytes?: number;
}

function journal(spelling: Spelling) {
  const keys = {
    prompts: z.boolean().describe('Keep prompts with the calls. Default false.'),
    answers: z
      .boolean()
      .describe('Keep answers, so that later statements find them. Default true.'),
    max_age: age.describe('Records that are older are removed, e.g. 30d. Default: none.'),
    max_bytes: whole(1, Number.MAX_SAFE_INTEGER).describe(
      'The oldest records are removed down to this size.',
    ),
    segment_max_bytes: whole(1, JOURNAL_SEGMENT_MAX_BYTES).describe(
      'A segment that has grown to this is sealed.',
    ),
  };
  return mapping(keys, spelling)
    .partial()
    .transform(settings<JournalSettings>)
    .describe('What the journal on disk keeps.');
}

/** Settings of the jobs of an engine. */
export interface JobSettings {
  readonly running?: number;
  readonly queued?: number;
}

function jobs(spelling: Spelling) {
  const keys = {
    running: whole(1, 64).describe('Jobs that an engine runs at once. Default 2.'),
    queued: whole(1, 10_000).describe('Jobs that may wait or run in a state folder. Default 100.'),
  };
  return mapping(keys, spelling)
    .partial()
    .transform(settings<JobSettings>)
    .describe('How many statements with ASYNC there may be.');
}

/** The schema of the whole file. */
export const configFileSchema = z.strictObject({
  model: line
    .nullish()
    .describe('Of cells that name none: <provider id>/<name>, split at the first slash.'),
  providers: providers(fileEntry).nullish(),
  journal: journal('file').nullish(),
  jobs: jobs('file').nullish(),
  cascades: z
    .union([line, z.array(line).min(1)], { error: 'expected a folder, or a list of folders' })
    .nullish()
    .describe(
      'The cascade root, or several: the first that has a file counts. Relative to this file.',
    ),
});
/** The file's value after validation. */
export type ConfigFile = z.infer<typeof configFileSchema>;

/** The schema of the engine option `providers`. */
export const apiProviders = providers(apiEntry).nullish();
/** The schema of the engine option `journal`. */
export const apiJournal = journal('api').nullish();
/** The schema of the engine option `jobs`. */
export const apiJobs = jobs('api').nullish();

/** Returns the file's schema as JSON Schema, for editors. */
export function configJsonSchema(): JsonObject {
  const schema = z.toJSONSchema(configFileSchema, { target: 'draft-2020-12', io: 'input' });
  const { $schema, ...rest } = schema as unknown as Record<string, JsonObject[string]>;
  return { $schema: $schema ?? null, title: 'RVBBIT configuration', ...rest };
}
