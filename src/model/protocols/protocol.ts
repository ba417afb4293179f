/**
 * A protocol: how a request is written, and how an answer, an error and a stream are read. Connections, deadlines,
 * bounds, secrets and the headers of limits (`rate-limit-headers.ts`, `retry-after.ts`) are the same for all.
 */
import type { ChatOutcome, ChatRequest, HttpSettings } from '../chat.ts';
import type { CalledProvider } from '../http-failure.ts';
import type { ProviderError } from '../provider-error.ts';

/** What a body depends on besides its request. */
export type BodySettings = Pick<HttpSettings, 'responseFormat' | 'stream' | 'streamOptions'>;

/** What is known of a response before its body is read. */
export interface SeenResponse {
  /** 200 to 299 */
  readonly status: number;
  /** Counts where the body holds an error. */
  readonly retryAfterMs?: number | undefined;
}

/** Without state: one object serves all providers that speak it. */
export interface Protocol {
  /** Of the endpoint, after the base URL. */
  readonly path: string;
  /** The protocol's headers over those that the operator gave; names in small letters. */
  headers(
    given: Readonly<Record<string, string>>,
    apiKey: string | undefined,
  ): Readonly<Record<string, string>>;
  /** The body of a POST. Parameters cannot replace the model, the messages or what the settings say. */
  body(request: ChatRequest, settings: BodySettings): string;
  /** Reads the JSON of a 2xx response. What is not an answer that ended by itself is a failure. */
  readAnswer(asked: CalledProvider, body: unknown, seen: SeenResponse): ChatOutcome;
  /** Reads the body of an error status: its JSON, else its text. `clean` takes secrets out. */
  readError(body: unknown, clean: (text: string) => string): ProviderError;
  /** For one streamed answer. */
  openStream(): StreamFold;
}

/** Puts the events of a stream together: the same body as that of an answer which comes in one piece. */
export interface StreamFold {
  /** Its last event has come, which may be an error; what follows does not count. */
  readonly isWhole: boolean;
  /** Characters of the answer so far. */
  readonly chars: number;
  /** Takes an event in. Gives what is wrong with it, such as `holds an event that is not JSON`. */
  add(event: StreamEvent): string | undefined;
  /** The body for `readAnswer`, once it is whole. */
  body(): unknown;
}

/** An event of a stream of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface StreamEvent {
  /** The name; absent where the server gave none. */
  readonly event?: string | undefined;
  readonly data: string;
}
