/**
 * The interface of a protocol, which writes requests and reads answers, errors and streams. Connections, deadlines,
 * bounds, secrets and the headers of rate limits (`rate-limit-headers.ts`, `retry-after.ts`) do not depend on it.
 */
import type { JsonObject } from '../../util/json.ts';
import type { ChatOutcome, ChatRequest, HttpSettings } from '../chat.ts';
import type { CalledProvider } from '../http-failure.ts';
import type { ProviderError } from '../provider-error.ts';

/** The settings that a request's body depends on. */
export type BodySettings = Pick<HttpSettings, 'responseFormat' | 'stream' | 'streamOptions'>;

/** The status of a response and the wait that it asks for (Retry-After). Both are known before its body is read. */
export interface SeenResponse {
  /** From 200 to 299. */
  readonly status: number;
  /** Milliseconds; used if the body holds an error. */
  readonly retryAfterMs?: number | undefined;
}

/** A protocol. It has no state, so one object serves all providers of its type. */
export interface Protocol {
  /** The path of the endpoint, which is appended to the base URL. */
  readonly path: string;
  /** Adds the protocol's headers to those of the operator. Names are in lower case. */
  headers(
    given: Readonly<Record<string, string>>,
    apiKey: string | undefined,
  ): Readonly<Record<string, string>>;
  /**
   * Returns parameters that the engine adds to a request by itself. `told`: those that the operator and the cell set.
   * A model may refuse them like others.
   */
  implied(request: ChatRequest, told: JsonObject, settings: BodySettings): JsonObject;
  /** Returns the body of a POST. Parameters cannot replace the model, the messages or the stream settings. */
  body(request: ChatRequest, settings: BodySettings): string;
  /** Reads the JSON of a 2xx response. Every answer that did not end normally is a failure. */
  readAnswer(asked: CalledProvider, body: unknown, seen: SeenResponse): ChatOutcome;
  /** Reads the body of an error status: its JSON, else its text. `clean` removes secrets. */
  readError(body: unknown, clean: (text: string) => string): ProviderError;
  /** Returns a new fold for one streamed answer. */
  openStream(): StreamFold;
}

/** Puts the events of a stream together into the body that a response without a stream would have. */
export interface StreamFold {
  /** True after the last event, which may be an error. Later events are ignored. */
  readonly isWhole: boolean;
  /** The number of characters of the answer so far. */
  readonly chars: number;
  /** Adds an event. Returns what is wrong with it, such as `holds an event that is not JSON`, else undefined. */
  add(event: StreamEvent): string | undefined;
  /** Returns the body for `readAnswer`. It is complete once `isWhole` is true. */
  body(): unknown;
}

/** An event of a stream of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface StreamEvent {
  /** The event's name, if the server sent one. */
  readonly event?: string | undefined;
  readonly data: string;
}
