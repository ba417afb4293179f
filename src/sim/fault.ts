/** All faults of an answer that a script can ask for. `docs/simulator.md` has an example of each. */
import * as z from 'zod';
import { MAX_FAULT_SIZE, MAX_LATENCY_MS } from './limits.ts';

const bytes = z.int().min(0).max(MAX_FAULT_SIZE);
const everyMs = z.number().min(0).max(MAX_LATENCY_MS);

/**
 * A Retry-After header: a number or text that is sent unchanged (`-1`, `1e9`, `soon`), or an HTTP date that lies this
 * many seconds in the future.
 */
export const retryAfterSchema = z.union([
  z.number(),
  z.string(),
  z.strictObject({ dateInSeconds: z.number() }),
]);

/** A Retry-After header. */
export type RetryAfter = z.infer<typeof retryAfterSchema>;

const status = z.strictObject({
  kind: z.literal('status'),
  status: z.int().min(400).max(599),
  retryAfter: retryAfterSchema.optional(),
  code: z.string().optional(),
  message: z.string().optional(),
});

const redirect = z.strictObject({
  kind: z.literal('redirect'),
  status: z.literal([301, 302, 303, 307, 308]).default(302),
  location: z.string(),
});

/** The connection is closed by RST or FIN, before, within or after the headers. */
const disconnect = z.strictObject({
  kind: z.literal('disconnect'),
  how: z.literal(['reset', 'fin']),
  at: z.literal(['before-headers', 'in-headers', 'in-body']),
  /** Bytes of the body that are sent first. */
  afterBytes: bytes.default(0),
});

/** No byte is ever sent. */
const hang = z.strictObject({ kind: z.literal('hang') });
/** The whole answer is sent, a few bytes at a time. */
const drip = z.strictObject({
  kind: z.literal('drip'),
  everyMs,
  bytes: z.int().min(1).default(1),
});
/** Nothing is sent after this many bytes of the body. */
const stall = z.strictObject({ kind: z.literal('stall'), afterBytes: bytes });
/** The body never ends. */
const endless = z.strictObject({
  kind: z.literal('endless'),
  everyMs: everyMs.default(10),
  bytes: z.int().min(1).max(1_048_576).default(64),
});

/** The body ends early. */
const cut = z.strictObject({
  kind: z.literal('cut'),
  /** The number of bytes that are sent. Absent: all of them. */
  afterBytes: bytes.optional(),
  /**
   * The value of Content-Length: the size of the whole body, the size that is sent, or any number. `chunked`: chunked
   * coding instead, properly ended.
   */
  length: z.union([z.literal(['whole', 'sent', 'chunked']), bytes]).default('whole'),
});

const chunks = z.strictObject({
  kind: z.literal('chunks'),
  size: z.literal(['garbage', 'negative', 'huge', 'short', 'unterminated']),
});

/** A small gzip body that inflates to this many bytes of spaces, followed by the answer. */
const gzipBomb = z.strictObject({
  kind: z.literal('gzip-bomb'),
  bytes: bytes.default(1_073_741_824),
});

/** Bytes or JSON that may break a reader, in the HTTP body or in the answer's text. */
const spoil = z.strictObject({
  kind: z.literal('spoil'),
  what: z.literal([
    'invalid-utf8',
    'bom',
    'nul',
    'lone-surrogate',
    'huge-number',
    'proto-keys',
    'deep',
    'duplicate-keys',
    'nan',
  ]),
  in: z.literal(['body', 'content']).default('body'),
  /** The position of the invalid byte, NUL or surrogate. */
  at: z.int().min(0).default(0),
  /** The digits of the number (default 1,000,000) or the depth of the nesting (default 100,000). */
  size: z.int().min(1).max(10_000_000).optional(),
});

/** Valid HTTP with an unexpected answer. */
const content = z.strictObject({
  kind: z.literal('content'),
  what: z.literal([
    'no-choices',
    'null-content',
    'empty-content',
    'refusal',
    'tool-calls',
    'prose',
    'fenced',
    'wrong-enum',
    'length',
    'content-filter',
    'missing-item',
    'extra-item',
    'shuffled-items',
    'no-usage',
    'error-body',
  ]),
});

/** Bytes on the socket instead of an HTTP answer, then FIN. */
const raw = z.strictObject({
  kind: z.literal('bytes'),
  text: z.string().optional(),
  base64: z.string().optional(),
});

/** One fault. */
export const faultSchema = z.discriminatedUnion('kind', [
  status,
  redirect,
  disconnect,
  hang,
  drip,
  stall,
  endless,
  cut,
  chunks,
  gzipBomb,
  spoil,
  content,
  raw,
]);

/** One fault, with its defaults filled in. */
export type Fault = z.infer<typeof faultSchema>;
export type StatusFault = z.infer<typeof status>;
export type DisconnectFault = z.infer<typeof disconnect>;
export type CutFault = z.infer<typeof cut>;
export type ChunksFault = z.infer<typeof chunks>;
export type SpoilFault = z.infer<typeof spoil>;
export type ContentFault = z.infer<typeof content>;
