/** One question to a model and its answer, whoever the provider is. Plain data: it crosses threads. */
import type { Failure } from '../errors.ts';
import type { JsonObject } from '../util/json.ts';
import type { ParameterRules, RefusedParameter } from './parameters.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
  /** Sent before the text. Absent for none. */
  readonly images?: readonly ChatImage[];
}

export interface ChatImage {
  readonly mediaType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp';
  readonly base64: string;
  /** SHA-256 of the bytes, in hex. */
  readonly hash: string;
  /** How many bytes it has. */
  readonly size: number;
}

/** A message as keys and records have it: of an image what it is, without its bytes. */
export interface KeptMessage extends Omit<ChatMessage, 'images'> {
  readonly images?: readonly Omit<ChatImage, 'base64'>[];
}

export function keptMessages(messages: readonly ChatMessage[]): readonly KeptMessage[] {
  if (messages.every(({ images }) => images === undefined)) return messages;
  return messages.map(({ images, ...message }) => ({
    ...message,
    ...(images === undefined
      ? {}
      : { images: images.map(({ base64: _bytes, ...image }) => image) }),
  }));
}

export interface ChatRequest {
  /** The model's name as its provider knows it, e.g. `gpt-4o-mini`. */
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** `temperature`, `max_tokens`, `seed`, …: sent as they stand. */
  readonly parameters: JsonObject;
  /** JSON Schema of the answer, for providers that can be held to one. */
  readonly responseSchema?: JsonObject;
  /** What of it is the same in every row's request, for providers that are told what to cache. No part of the question. */
  readonly constant?: {
    /** The system messages are. */
    readonly system: boolean;
    /** Characters at the start of the first message that is none. */
    readonly prompt: number;
  };
}

/** Tokens of one call, as the provider counted them. */
export interface Usage {
  /** All of the prompt, what came from a cache included. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Part of the output that was spent on reasoning. */
  readonly reasoningTokens?: number;
  /** Part of the input that the provider had in its cache; most sell it for less. Absent for none. */
  readonly cachedTokens?: number;
  /** Part of the input that was put into the provider's cache; Anthropic sells it for more. Absent for none. */
  readonly cacheWriteTokens?: number;
}

export interface ChatResponse {
  readonly text: string;
  readonly finishReason: 'stop' | 'length' | 'content_filter' | 'tool_calls' | 'other';
  /** What the model said instead of an answer. */
  readonly refusal?: string;
  readonly usage?: Usage;
}

/** What a provider says of one of its rate limits. */
export interface RateLimitState {
  readonly limit?: number;
  readonly remaining?: number;
  /** Until the whole limit is there again. */
  readonly resetMs?: number;
}

/** From the `x-ratelimit-*` headers of a response. */
export interface RateLimits {
  readonly requests?: RateLimitState;
  /** Input tokens, or all tokens where the provider counts them together. */
  readonly tokens?: RateLimitState;
}

/** What came of one call. A failure's `retryable` is the provider's knowledge; the retry loop decides. */
export type ChatOutcome =
  | {
      readonly ok: true;
      readonly response: ChatResponse;
      readonly status?: number;
      readonly rateLimits?: RateLimits;
    }
  | {
      readonly ok: false;
      readonly error: Failure;
      readonly status?: number;
      readonly retryable: boolean;
      /** The model refused a parameter that was sent: a call without it may be answered. */
      readonly refused?: RefusedParameter;
      /** From Retry-After, in milliseconds. */
      readonly retryAfterMs?: number;
      readonly rateLimits?: RateLimits;
      /** Tokens that were paid for all the same. */
      readonly usage?: Usage;
      /** What came back, for the journal; cut to RAW_ANSWER_CHARS. */
      readonly raw?: string;
    };

/** Any model as a function of the embedding program; it runs on the main thread. */
export type ModelFunction = (
  request: ChatRequest,
  options: { readonly signal: AbortSignal },
) => Promise<ChatResponse>;

/** A provider as the workers need it; made by the main thread from the operator's configuration only. */
export type ProviderSettings = HttpSettings | ReplaySettings | LexicalSettings;

/** A server. */
export interface HttpSettings {
  readonly id: string;
  /** The protocol. */
  readonly type: 'openai-compatible' | 'anthropic';
  /** Up to and including the version, e.g. `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  readonly apiKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** How the provider takes a response schema; of Anthropic's, json_schema is a forced tool. */
  readonly responseFormat: 'json_schema' | 'json_object' | 'none';
  /** Answers come as streams of server-sent events. */
  readonly stream?: true;
  /** False: the server knows no `stream_options`, and counts tokens in streams without being asked. */
  readonly streamOptions?: false;
  /** The longest gap between two pieces of a response; default MODEL_GAP_MS. */
  readonly idleTimeoutMs?: number;
  /** What the provider's models do not take, or call otherwise. */
  readonly parameters?: ParameterRules;
  /** Connections opened at once at most; 0 = as many as there are calls. */
  readonly connections: number;
  readonly proxy?: ProxySettings;
  /** A name that looks public may stand for a private address. */
  readonly allowPrivate?: boolean;
}

/** An HTTP proxy. */
export interface ProxySettings {
  /** http or https, without a path. */
  readonly url: string;
  /** `user:password` */
  readonly key?: string;
}

/** Answers out of a recording of earlier calls. */
export interface ReplaySettings {
  readonly id: string;
  readonly type: 'replay';
  /** Absolute path of the recording. */
  readonly file: string;
  /** Whom to ask and record; absent: the recording is played. */
  readonly record?: HttpSettings | LexicalSettings;
}

/** Answers by word overlap. */
export interface LexicalSettings {
  readonly id: string;
  readonly type: 'lexical';
}

/** Where a cell's calls go: a provider and a model of it, or the embedding program's function. */
export type ModelTarget = (
  | { readonly kind: 'provider'; readonly provider: ProviderSettings; readonly model: string }
  | { readonly kind: 'function'; readonly model: string }
) & {
  /** Asked in turn where those before cannot be: never for an answer that is of no use. */
  readonly fallbacks?: readonly ModelTarget[];
};

/** The target and its fallbacks. */
export function withFallbacks(target: ModelTarget): readonly ModelTarget[] {
  return [target, ...(target.fallbacks ?? [])];
}

/** What stands for the embedding program's function where a provider's id does; no provider has it. */
export const FUNCTION_ID = 'function';

/** The id of the provider that a target asks. */
export function providerOf(target: ModelTarget): string {
  return target.kind === 'provider' ? target.provider.id : FUNCTION_ID;
}

/** What the workers need to know of a statement's models. */
export interface StatementModels {
  /** By what a cell, else its cascade, names; '' where neither names one. */
  readonly targets: Readonly<Record<string, ModelTarget>>;
  /** Set over those of the cells. */
  readonly parameters: JsonObject;
  /** What every prompt tells the model beside its cell's own system text. */
  readonly prompt?: string;
}

/** The account of one call that went out. */
export interface AttemptReport {
  readonly durationMs: number;
  /** `not_sent`: it was cancelled before its first byte. */
  readonly outcome: 'ok' | 'failed' | 'not_sent';
  readonly status?: number;
  readonly usage?: Usage;
  /** The answer's text, where it can be used. */
  readonly text?: string;
  readonly retryAfterMs?: number;
  readonly rateLimits?: RateLimits;
  readonly refused?: RefusedParameter;
  readonly error?: Failure;
  readonly raw?: string;
}
