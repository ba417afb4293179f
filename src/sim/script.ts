/** Scripts: what the server does to which call. The same fields make the options of a server. */
import * as z from 'zod';
import { faultSchema, retryAfterSchema } from './fault.ts';
import { latencySchema } from './latency.ts';
import { LEDGER_ENTRIES, MAX_LATENCY_MS, MAX_RULES } from './limits.ts';
import { pricesSchema } from './tokens.ts';

const count = z.int().min(0);

/** What is done with one call; a directive in a prompt has the same form. */
export const actionSchema = z.strictObject({
  /** The answer's text; other JSON than a text is written as JSON. */
  answer: z.json().optional(),
  finish: z.string().optional(),
  refusal: z.string().optional(),
  reasoningTokens: count.optional(),
  /** The parts of the prompt that came from the provider's cache, and that were put into it. */
  cachedShare: z.number().min(0).max(1).optional(),
  cacheWriteShare: z.number().min(0).max(1).optional(),
  /** Milliseconds between two events of a streamed answer. */
  eventMs: z.number().min(0).max(MAX_LATENCY_MS).optional(),
  /** The HTTP body, as it stands, with status 200. */
  raw: z.string().optional(),
  /** Replaces the latency. */
  delayMs: z.number().min(0).max(MAX_LATENCY_MS).optional(),
  latency: latencySchema.optional(),
  fault: faultSchema.optional(),
  /** Short for `fault: { kind: status, … }`. */
  status: z.int().min(400).max(599).optional(),
  retryAfter: retryAfterSchema.optional(),
  code: z.string().optional(),
  /** The fault holds for the first so many calls of a content; those after it are answered. */
  attempts: count.optional(),
});

/** What is done with one call. */
export type Action = z.infer<typeof actionSchema>;

/** Which calls a rule is for: all of what is said must hold. Nothing said: every call. */
const matchSchema = z.strictObject({
  /** The numbers of calls, from 1. */
  ordinals: z.array(z.int().min(1)).optional(),
  from: count.optional(),
  to: count.optional(),
  /** Every nth call. */
  every: z.int().min(1).optional(),
  /** Part of any message, or of an embedded text. */
  contains: z.string().optional(),
  /** Regular expression on the same text. */
  matches: z.string().optional(),
  model: z.string().optional(),
  endpoint: z.literal(['chat', 'messages', 'embeddings']).optional(),
  /** The nth call of the same content, from 1. */
  attempt: z.int().min(1).optional(),
  /** Drawn from the seed, the content and the attempt: the same calls in every run. */
  probability: z.number().min(0).max(1).optional(),
});

/** A rule: the first that matches a call decides what becomes of it. */
export const ruleSchema = actionSchema.extend({
  when: matchSchema.optional(),
  /** The rule holds for this many calls in all. */
  times: count.optional(),
});

/** A rule. */
export type Rule = z.infer<typeof ruleSchema>;

/** Rate limits; each holds in every window of `windowMs`, `inFlight` at every moment. */
export const limitsSchema = z.strictObject({
  requests: z.int().min(1).optional(),
  inputTokens: z.int().min(1).optional(),
  outputTokens: z.int().min(1).optional(),
  inFlight: z.int().min(1).optional(),
  windowMs: z.int().min(1).default(60_000),
  /** A call over a limit is a violation and answered 500, in place of 429. */
  hard: z.boolean().default(false),
});

/** Rate limits. */
export type RateLimits = z.infer<typeof limitsSchema>;

const scriptFields = {
  latency: latencySchema.optional(),
  rules: z.array(ruleSchema).max(MAX_RULES).optional(),
  limits: limitsSchema.optional(),
};

/** What `POST /sim/script` may replace while the server runs; what is absent stays. */
export const scriptSchema = z.strictObject(scriptFields);

/** What may be replaced while the server runs. */
export type SimulatorScript = z.input<typeof scriptSchema>;

/** The options of a server. */
export const optionsSchema = z.strictObject({
  ...scriptFields,
  /** Default 0: any free port. */
  port: z.int().min(0).max(65_535).default(0),
  /** Default 1. */
  seed: z.int().min(0).max(4_294_967_295).default(1),
  /** What is answered where nothing is scripted; a response schema is always obeyed. */
  answers: z.literal(['echo', 'hash', 'json']).default('echo'),
  /** Whether a line `sim: {…}` of the last user message scripts its call. */
  directives: z.boolean().default(false),
  /** The key that Authorization must carry; any, or none, where absent. */
  requireKey: z.string().min(1).optional(),
  /** Models that exist; every name where absent. */
  models: z.array(z.string()).optional(),
  prices: pricesSchema.default({}),
  /** Calls that the ledger keeps. */
  ledgerEntries: z.int().min(1).max(5_000_000).default(LEDGER_ENTRIES),
  /** Keeps the first characters of each call's text in the ledger. */
  previewChars: z.int().min(0).max(10_000).default(0),
});

/** The options of a server: plain JSON. */
export type SimulatorOptions = z.input<typeof optionsSchema>;

/** The options with their defaults. */
export type SimulatorSettings = z.output<typeof optionsSchema>;

/** Reads options or a script; throws a `TypeError` that names every field that is not in order. */
export function readScript<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? 'script' : path.join('.')}: ${message}`,
  );
  throw new TypeError(problems.join('; '));
}
