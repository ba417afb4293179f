/** The types of a model call and its answer, for every provider. All are plain data, which threads can exchange. */
import type { Failure } from '../errors.ts';
import type { JsonObject } from '../util/json.ts';
import type { ParameterRules, RefusedParameter } from './parameters.ts';

/** One message of a request. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
  /** Images, which are sent before the text. Absent if there are none. */
  readonly images?: readonly ChatImage[];
}

/** An image of a message. */
export interface ChatImage {
  readonly mediaType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp';
  readonly base64: string;
  /** SHA-256 of the bytes, in hex. */
  readonly hash: string;
  /** The number of bytes. */
  readonly size: number;
}

/** A message as cache keys and journal records keep it: without the bytes of its images. */
export interface KeptMessage extends Omit<ChatMessage, 'images'> {
  readonly images?: readonly Omit<ChatImage, 'base64'>[];
}

/** Returns the messages without the bytes of their images. */
export function keptMessages(messages: readonly ChatMessage[]): readonly KeptMessage[] {
  if (messages.every(({ images }) => images === undefined)) return messages;
  return messages.map(({ images, ...message }) => ({
    ...message,
    ...(images === undefined
      ? {}
      : { images: images.map(({ base64: _bytes, ...image }) => image) }),
  }));
}

/** A request to a model. */
export interface ChatRequest {
  /** The model's name as its provider knows it, e.g. `gpt-4o-mini`. */
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** The cell's parameters: `temperature`, `max_tokens`, `seed`, … */
  readonly parameters: JsonObject;
  /** JSON Schema of the answer, for providers that support schemas. */
  readonly responseSchema?: JsonObject;
  /** The parts that are equal in every row's request, for providers that cache marked parts. Not part of the hash. */
  readonly constant?: {
    /** True if the system messages are equal in every request. */
    readonly system: boolean;
    /** The number of equal characters at the start of the first message that is not a system message. */
    readonly prompt: number;
  };
}

/** Tokens of one call, as the provider counted them. */
export interface Usage {
  /** All tokens of the prompt, including those from the provider's cache. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The part of the output tokens that the model spent on reasoning. */
  readonly reasoningTokens?: number;
  /** The part of the input tokens that came from the provider's cache; most providers charge less. Absent for 0. */
  readonly cachedTokens?: number;
  /** The part of the input tokens that was written to the provider's cache; Anthropic charges more. Absent for 0. */
  readonly cacheWriteTokens?: number;
}

/** A model's answer. */
export interface ChatResponse {
  readonly text: string;
  readonly finishReason: 'stop' | 'length' | 'content_filter' | 'tool_calls' | 'other';
  /** The model's text if it refused to answer. */
  readonly refusal?: string;
  readonly usage?: Usage;
}

/** One rate limit, as the provider reports it. */
export interface RateLimitState {
  readonly limit?: number;
  readonly remaining?: number;
  /** Milliseconds until the whole limit is available again. */
  readonly resetMs?: number;
}

/** A provider's rate limits, from the headers of a response. */
export interface RateLimits {
  readonly requests?: RateLimitState;
  /** The limit of input tokens, or of all tokens if the provider counts them together. */
  readonly tokens?: RateLimitState;
}

/** The share of one question in a call that it had together with others. */
export interface CallPart {
  /** From 0. */
  readonly index: number;
  readonly of: number;
}

/**
 * How a question that shared a call is asked again. `missing`: with other questions, since only its own answer is
 * missing. `half`: with one half of the call's questions, as `key` and `of` say; at once, or after the last retry.
 */
export type AskAgain =
  | { readonly kind: 'missing' }
  | { readonly kind: 'half'; readonly key: string; readonly of: number; readonly atOnce: boolean };

/** The answer to a request of a provider's batch: the status and the body that a single call would have. */
export interface Answered {
  readonly status: number;
  readonly body: string;
}

/** The outcome of one call. `retryable` says that a retry may succeed; the retry loop decides whether to retry. */
export type ChatOutcome =
  | {
      readonly ok: true;
      readonly response: ChatResponse;
      readonly status?: number;
      readonly rateLimits?: RateLimits;
      /** Present if the call was shared. The usage is then that of the whole call. */
      readonly part?: CallPart;
    }
  | {
      readonly ok: false;
      readonly error: Failure;
      readonly status?: number;
      readonly retryable: boolean;
      /** The connection broke after it was there. The request may be the reason. */
      readonly brokeOff?: true;
      /** A sent parameter that the model refused. A call without it may succeed. */
      readonly refused?: RefusedParameter;
      /** The wait that the provider asked for, in milliseconds. */
      readonly retryAfterMs?: number;
      readonly rateLimits?: RateLimits;
      /** Tokens that the provider charges although the call failed. */
      readonly usage?: Usage;
      /** The response's text for the journal, cut to RAW_ANSWER_CHARS. */
      readonly raw?: string;
      readonly part?: CallPart;
      readonly again?: AskAgain;
    };

/** A model that the embedding program implements as a function. It runs on the main thread. */
export type ModelFunction = (
  request: ChatRequest,
  options: { readonly signal: AbortSignal },
) => Promise<ChatResponse>;

/** A provider's settings for the workers. The main thread makes them from the operator's configuration only. */
export type ProviderSettings = HttpSettings | ReplaySettings | LexicalSettings;

/** Settings of a provider that is an HTTP server. */
export interface HttpSettings {
  readonly id: string;
  /** The protocol. */
  readonly type: 'openai-compatible' | 'anthropic';
  /** The URL up to and including the version, e.g. `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  readonly apiKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** How a response schema is sent. Type `anthropic` sends a tool that the model must call where it takes no schema. */
  readonly responseFormat: 'json_schema' | 'json_object' | 'none';
  /** Ask for answers as streams of server-sent events. */
  readonly stream?: true;
  /** False: the server does not know `stream_options`, and counts the tokens of streams without it. */
  readonly streamOptions?: false;
  /** The longest allowed gap between two pieces of a response. Default: MODEL_GAP_MS. */
  readonly idleTimeoutMs?: number;
  /** Rules for parameters that the provider's models refuse or name differently. */
  readonly parameters?: ParameterRules;
  /** The maximum number of open connections; 0: as many as there are calls. */
  readonly connections: number;
  readonly proxy?: ProxySettings;
  /** True: a public host name may resolve to a private address. */
  readonly allowPrivate?: boolean;
  /** The server has the Batch API of its protocol. */
  readonly batches?: true;
}

/** Settings of an HTTP proxy. */
export interface ProxySettings {
  /** An http or https URL without a path. */
  readonly url: string;
  /** The credentials, as `user:password`. */
  readonly key?: string;
}

/** Settings of a provider that plays or records a recording of calls. */
export interface ReplaySettings {
  readonly id: string;
  readonly type: 'replay';
  /** Absolute path of the recording. */
  readonly file: string;
  /** The provider to ask and record. If absent, the recording is played. */
  readonly record?: HttpSettings | LexicalSettings;
}

/** Settings of a provider that answers by word overlap. */
export interface LexicalSettings {
  readonly id: string;
  readonly type: 'lexical';
}

/** The target of a cell's calls: a provider and its model, or the embedding program's function. */
export type ModelTarget = (
  | { readonly kind: 'provider'; readonly provider: ProviderSettings; readonly model: string }
  | { readonly kind: 'function'; readonly model: string }
) & {
  /** Targets to ask, in this order, if the targets before them are unavailable. Not used after an unusable answer. */
  readonly fallbacks?: readonly ModelTarget[];
};

/** Returns the target, followed by its fallbacks. */
export function withFallbacks(target: ModelTarget): readonly ModelTarget[] {
  return [target, ...(target.fallbacks ?? [])];
}

/** The reserved provider id of the embedding program's function. */
export const FUNCTION_ID = 'function';

/** Returns the provider id of a target. */
export function providerOf(target: ModelTarget): string {
  return target.kind === 'provider' ? target.provider.id : FUNCTION_ID;
}

/** The part of a statement's models that its workers need. */
export interface StatementModels {
  /** Targets by the model name of the cell, else of its cascade; '' if neither names a model. */
  readonly targets: Readonly<Record<string, ModelTarget>>;
  /** Parameters of the statement, which override those of the cells. */
  readonly parameters: JsonObject;
  /** A text that every prompt adds to its cell's system text. */
  readonly prompt?: string;
}

/** The report of a worker about one call that it was permitted to make. */
export interface AttemptReport {
  readonly durationMs: number;
  /** `not_sent`: the call was cancelled before its first byte was sent. */
  readonly outcome: 'ok' | 'failed' | 'not_sent';
  readonly status?: number;
  readonly usage?: Usage;
  /** The answer's text, if the cell can use the answer. */
  readonly text?: string;
  readonly retryAfterMs?: number;
  readonly rateLimits?: RateLimits;
  readonly refused?: RefusedParameter;
  readonly error?: Failure;
  readonly raw?: string;
  /** Present if the call was shared. `usage` is then that of the whole call. */
  readonly part?: CallPart;
  /** Present if the call was shared, and the question is asked again because it was. */
  readonly again?: AskAgain['kind'];
}
