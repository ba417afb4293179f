/** Scripts: what the server does with which calls. The options of a server contain the same fields. */
import * as z from 'zod';
import { batchFaultsSchema } from './batch-faults.ts';
import { faultSchema, retryAfterSchema } from './fault.ts';
import { itemFaultsSchema } from './item-faults.ts';
import { latencySchema } from './latency.ts';
import { LEDGER_ENTRIES, MAX_LATENCY_MS, MAX_RULES } from './limits.ts';
import { pricesSchema } from './tokens.ts';

const count = z.int().min(0);

/** The schema of what is done with one call. A directive in a prompt has the same form. */
export const actionSchema = z.strictObject({
  /** The answer's text. Any JSON value but a text is sent as JSON text. */
  answer: z.json().optional(),
  finish: z.string().optional(),
  refusal: z.string().optional(),
  reasoningTokens: count.optional(),
  /** The shares of the prompt that came from the provider's cache, and that were written to it. */
  cachedShare: z.number().min(0).max(1).optional(),
  cacheWriteShare: z.number().min(0).max(1).optional(),
  /** Milliseconds between two events of a streamed answer. */
  eventMs: z.number().min(0).max(MAX_LATENCY_MS).optional(),
  /** The HTTP body, sent unchanged with status 200. */
  raw: z.string().optional(),
  /** A fixed delay, instead of the latency. */
  delayMs: z.number().min(0).max(MAX_LATENCY_MS).optional(),
  latency: latencySchema.optional(),
  fault: faultSchema.optional(),
  /** A short form of `fault: { kind: status, … }`. */
  status: z.int().min(400).max(599).optional(),
  retryAfter: retryAfterSchema.optional(),
  code: z.string().optional(),
  /** The number of calls with a content, from the first on, to which the fault applies. Later calls are answered normally. */
  attempts: count.optional(),
});

/** What is done with one call. */
export type Action = z.infer<typeof actionSchema>;

/** The calls to which a rule applies: all given conditions must be true. Without conditions: every call. */
const matchSchema = z.strictObject({
  /** The numbers of calls, from 1. */
  ordinals: z.array(z.int().min(1)).optional(),
  from: count.optional(),
  to: count.optional(),
  /** Every n-th call. */
  every: z.int().min(1).optional(),
  /** A text that must occur in a message or an embedded text. */
  contains: z.string().optional(),
  /** A regular expression that must match the same texts. */
  matches: z.string().optional(),
  model: z.string().optional(),
  endpoint: z.literal(['chat', 'messages', 'embeddings']).optional(),
  /** The n-th call with the same content, from 1. */
  attempt: z.int().min(1).optional(),
  /** Drawn from the seed, the content and the attempt, so every run draws the same calls. */
  probability: z.number().min(0).max(1).optional(),
});

/** A rule. The first rule that matches a call determines what is done with it. */
export const ruleSchema = actionSchema.extend({
  when: matchSchema.optional(),
  /** The most calls, in all, to which the rule applies. */
  times: count.optional(),
});

/** A rule. */
export type Rule = z.infer<typeof ruleSchema>;

/** Rate limits. `inFlight` holds at every moment, each other limit in every window of `windowMs`. */
export const limitsSchema = z.strictObject({
  requests: z.int().min(1).optional(),
  inputTokens: z.int().min(1).optional(),
  outputTokens: z.int().min(1).optional(),
  inFlight: z.int().min(1).optional(),
  windowMs: z.int().min(1).default(60_000),
  /** True: a call over a limit counts as a violation, and is answered with 500 instead of 429. */
  hard: z.boolean().default(false),
});

/** Rate limits. */
export type RateLimits = z.infer<typeof limitsSchema>;

const scriptFields = {
  latency: latencySchema.optional(),
  rules: z.array(ruleSchema).max(MAX_RULES).optional(),
  limits: limitsSchema.optional(),
  batches: batchFaultsSchema.optional(),
};

/** The parts that `POST /sim/script` may replace while the server runs. Absent parts stay unchanged. */
export const scriptSchema = z.strictObject(scriptFields);

/** The parts of a script that may be replaced while the server runs. */
export type SimulatorScript = z.input<typeof scriptSchema>;

/** The options of a server. */
export const optionsSchema = z.strictObject({
  ...scriptFields,
  /** Default 0: any free port. */
  port: z.int().min(0).max(65_535).default(0),
  /** Default 1. */
  seed: z.int().min(0).max(4_294_967_295).default(1),
  /** The kind of answer to calls without a script. A response schema is always obeyed. */
  answers: z.literal(['echo', 'hash', 'json']).default('echo'),
  /** Whether a line `sim: {…}` in the last user message scripts its call. */
  directives: z.boolean().default(false),
  /** The key that the request must contain. Absent: any key, or none. */
  requireKey: z.string().min(1).optional(),
  /** The models that exist. Absent: every name is a model. */
  models: z.array(z.string()).optional(),
  /** Parameters that a call may not have: it is answered 400 in the words of its protocol. */
  refuses: z.array(z.string()).default([]),
  prices: pricesSchema.default({}),
  /** The most calls that the ledger keeps. */
  ledgerEntries: z.int().min(1).max(5_000_000).default(LEDGER_ENTRIES),
  /** How answers to calls with several items go wrong. */
  items: itemFaultsSchema.optional(),
  /** The number of characters of each call's text that the ledger keeps. */
  previewChars: z.int().min(0).max(10_000).default(0),
});

/** The options of a server, as plain JSON. */
export type SimulatorOptions = z.input<typeof optionsSchema>;

/** The options with their defaults. */
export type SimulatorSettings = z.output<typeof optionsSchema>;

/** Reads options or a script. Throws a `TypeError` that lists every invalid field. */
export function readScript<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? 'script' : path.join('.')}: ${message}`,
  );
  throw new TypeError(problems.join('; '));
}
