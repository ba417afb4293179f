/**
 * Calls a model server in the protocol of its type, over a pool of kept-alive connections. Failures are outcomes:
 * `chat` never throws, and always settles by its deadline.
 */
import type { LookupFunction } from 'node:net';
import { CANCELLED, closedError } from '../errors.ts';
import { MODEL_GAP_MS, RAW_ANSWER_CHARS } from '../limits.ts';
import { type BodyJson, decodeBody, parseBody } from './body-text.ts';
import type { ChatOutcome, ChatRequest, HttpSettings } from './chat.ts';
import { type Connections, openConnections } from './connections.ts';
import { Exchange, GapError, stoppedComing, timedOut } from './exchange.ts';
import {
  type CalledProvider,
  connectionFailure,
  endedChat,
  failedChat,
  statusFailure,
  tooLarge,
} from './http-failure.ts';
import { OpenCalls } from './open-calls.ts';
import type { Protocol } from './protocols/protocol.ts';
import { protocolOf, sentParameters } from './protocols/protocol-of.ts';
import type { ChatLimits, Provider } from './provider.ts';
import { rateLimitsOf } from './rate-limit-headers.ts';
import { type Redact, redactFor } from './redact.ts';
import { refusedParameter } from './refused-parameter.ts';
import { retryAfterOf } from './retry-after.ts';
import { ThreadSockets } from './sockets.ts';
import { StreamReader } from './stream-reader.ts';
import { unpackBody } from './unpack-body.ts';

/** The status 206 counts as a failure, since no request asks for a range. */
const PARTIAL_CONTENT = 206;

/** A provider that is an HTTP server. */
export class HttpProvider implements Provider {
  readonly #settings: HttpSettings;
  readonly #protocol: Protocol;
  readonly #lookup: LookupFunction | undefined;
  readonly #thread: ThreadSockets;
  /** Alternating names and values. */
  readonly #headers: string[];
  readonly #redact: Redact;
  readonly #host: string;
  #loading: Promise<Connections> | undefined;
  /** The value of `#loading` once it has settled, so that a call need not wait for a promise. */
  #open: Connections | undefined;
  readonly #calls = new OpenCalls(() => this.#open?.sockets.dropAll());
  /** Caches how messages name the model of the latest call. */
  #lastAsked: { readonly model: string; readonly asked: CalledProvider } | undefined;
  #closed = false;

  /** `thread` holds the connections of the calling thread. `lookup` resolves host names in place of the system. */
  constructor(settings: HttpSettings, lookup?: LookupFunction, thread = new ThreadSockets()) {
    this.#settings = settings;
    this.#lookup = lookup;
    this.#thread = thread;
    const { apiKey, baseUrl, headers = {}, stream } = settings;
    this.#protocol = protocolOf(settings.type);
    this.#redact = redactFor(settings);
    this.#host = URL.canParse(baseUrl) ? new URL(baseUrl).host : 'a base URL that is not one';
    const given = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    this.#headers = Object.entries({
      ...this.#protocol.headers(Object.fromEntries(given), apiKey?.trim()),
      'content-type': 'application/json',
      accept: stream === true ? 'text/event-stream, application/json' : 'application/json',
      'accept-encoding': 'identity',
    }).flat();
  }

  /** Makes one call. An abort and the deadline destroy its connection at once. */
  chat(
    request: ChatRequest,
    { signal, timeoutMs, learned, answered }: ChatLimits,
  ): Promise<ChatOutcome> {
    const asked = this.#asked(request.model);
    if (this.#closed) return Promise.resolve(endedChat(asked, closedError()));
    if (signal.aborted) return Promise.resolve(endedChat(asked, CANCELLED));
    const sent = { ...request, parameters: sentParameters(this.#settings, request, learned) };
    if (answered !== undefined) {
      const json = parseBody(answered.body);
      const body: ReadBody = { json, text: (clean) => clean(answered.body) };
      return Promise.resolve(this.#read(asked, { ...answered, headers: {}, body }, sent));
    }
    return new Promise((resolve) => {
      const settle = (outcome: ChatOutcome): void => {
        clearTimeout(timer);
        this.#calls.delete(signal, call);
        resolve(outcome);
      };
      const exchange = new Exchange({
        gapMs: this.#settings.idleTimeoutMs ?? MODEL_GAP_MS,
        openStream: () => new StreamReader(this.#protocol.openStream()),
        onEnd: (ended, error) => settle(this.#outcomeOf(asked, ended, error, sent)),
      });
      const call = {
        drop: () => exchange.abort(),
        cancel: () => settle(endedChat(asked, CANCELLED)),
      };
      const onTimeout = (): void => {
        exchange.abort();
        const isWhole = exchange.stream?.isWhole === true;
        settle(
          isWhole
            ? this.#outcomeOf(asked, exchange, undefined, sent)
            : timedOut(asked, timeoutMs, exchange),
        );
        this.#open?.sockets.dropUnneeded();
      };
      const timer = setTimeout(onTimeout, Math.max(0, Math.ceil(timeoutMs)));
      this.#calls.add(signal, call);
      try {
        const body = this.#protocol.body(sent, this.#settings);
        if (this.#open !== undefined) this.#dispatch(this.#open, body, exchange);
        else {
          this.#connect().then(
            (open) => this.#dispatch(open, body, exchange),
            (thrown: unknown) => settle(connectionFailure(asked, thrown, undefined)),
          );
        }
      } catch (thrown) {
        settle(connectionFailure(asked, thrown, undefined));
      }
    });
  }

  warm(): void {
    // If this fails, the first call reports the problem.
    if (!this.#closed) this.#connect().catch(() => {});
  }

  /** Ends all calls (with RVB_CLOSED) and closes all connections. */
  async close(): Promise<void> {
    this.#closed = true;
    const open = await this.#loading?.catch(() => undefined);
    await open?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Sends the request, unless the call has ended meanwhile. */
  #dispatch({ pool, path, headers }: Connections, body: string, exchange: Exchange): void {
    if (exchange.ended) return;
    const sent = headers.length === 0 ? this.#headers : [...this.#headers, ...headers];
    pool.dispatch({ path, method: 'POST', headers: sent, body }, exchange);
  }

  #outcomeOf(
    asked: CalledProvider,
    exchange: Exchange,
    error: Error | undefined,
    sent: ChatRequest,
  ): ChatOutcome {
    const { status, headers, stream } = exchange;
    const ok = status !== undefined && status >= 200 && status < 300;
    // An error after a stream's last event does not matter: the answer is complete.
    const isBroken = error !== undefined && stream?.isWhole !== true;
    if (isBroken && error instanceof GapError && (ok || status === undefined)) {
      return stoppedComing(asked, error.gapMs, exchange);
    }
    if (status === undefined || (ok && isBroken)) return connectionFailure(asked, error, status);
    if (stream?.isTooLarge === true) return tooLarge(asked, status);
    if (status === PARTIAL_CONTENT) {
      const what = 'gave a part of its answer (206), which was not asked for';
      return failedChat(asked, 'RVB_MODEL_HTTP', what, { status, retryable: true });
    }
    // An error status says more than a body that cannot be read, so it is checked before the body's JSON.
    return this.#read(asked, { status, headers, body: bodyOf(exchange, isBroken) }, sent);
  }

  /** Returns the outcome of a whole response. */
  #read(
    asked: CalledProvider,
    {
      status,
      headers,
      body,
    }: {
      readonly status: number;
      readonly headers: Exchange['headers'];
      readonly body: ReadBody;
    },
    sent: ChatRequest,
  ): ChatOutcome {
    const ok = status >= 200 && status < 300;
    const text = () => body.text(this.#redact.text);
    const retryAfterMs = retryAfterOf(headers, Date.now());
    const { json } = body;
    const outcome = !ok
      ? this.#failureOf(asked, status, json.ok ? json.value : text(), { retryAfterMs, sent })
      : json.ok
        ? this.#cleanAnswer(this.#protocol.readAnswer(asked, json.value, { status, retryAfterMs }))
        : failedChat(asked, 'RVB_ANSWER_INVALID', `gave a response that ${json.problem}`, {
            status,
            retryable: true,
          });
    const rateLimits = rateLimitsOf(headers, Date.now());
    const said = rateLimits === undefined ? outcome : { ...outcome, rateLimits };
    if (said.ok) return said;
    const raw = text().slice(0, RAW_ANSWER_CHARS);
    return raw === '' ? said : { ...said, raw };
  }

  /** Returns the outcome of an error status. If the server refused a sent parameter, `refused` names it. */
  #failureOf(
    asked: CalledProvider,
    status: number,
    body: unknown,
    {
      retryAfterMs,
      sent,
    }: { readonly retryAfterMs: number | undefined; readonly sent: ChatRequest },
  ): ChatOutcome {
    const said = this.#protocol.readError(body, asked.clean);
    const failure = statusFailure(asked, status, said, retryAfterMs);
    if (said.kind !== 'other') return failure;
    const refused = refusedParameter(status, body, Object.keys(sent.parameters));
    return refused === undefined ? failure : { ...failure, refused };
  }

  #connect(): Promise<Connections> {
    this.#loading ??= openConnections(this.#settings, this.#protocol.path, {
      calls: () => this.#calls.size,
      thread: this.#thread,
      lookup: this.#lookup,
    }).then((open) => {
      this.#open = open;
      return open;
    });
    return this.#loading;
  }

  /** Removes the provider's secrets from an answer. */
  #cleanAnswer(outcome: ChatOutcome): ChatOutcome {
    if (!outcome.ok) return outcome;
    const { text } = outcome.response;
    const clean = this.#redact.answer(text);
    return clean === text
      ? outcome
      : { ...outcome, response: { ...outcome.response, text: clean } };
  }

  #asked(model: string): CalledProvider {
    if (this.#lastAsked?.model === model) return this.#lastAsked.asked;
    const { id, proxy } = this.#settings;
    const asked: CalledProvider = {
      who: `${id}/${model} at ${this.#host}`,
      provider: id,
      ...(proxy === undefined ? {} : { isProxied: true }),
      clean: this.#redact.text,
    };
    this.#lastAsked = { model, asked };
    return asked;
  }
}

interface ReadBody {
  readonly json: BodyJson;
  /** Returns the body's text for the journal. `clean` removes secrets. */
  text(clean: (text: string) => string): string;
}

/** Reads the body. `isBroken`: the connection failed, so a body that is no stream counts as empty. */
function bodyOf(exchange: Exchange, isBroken: boolean): ReadBody {
  const { headers, stream } = exchange;
  if (stream !== undefined)
    return { json: stream.result(!isBroken), text: (clean) => stream.text(clean) };
  const bytes = isBroken ? new Uint8Array() : exchange.body();
  const encoding = String(headers['content-encoding'] ?? 'identity');
  const decoded =
    encoding === 'identity' || encoding === ''
      ? decodeBody(bytes)
      : ({ ok: false, problem: `is ${encoding}, which was not asked for` } as const);
  return {
    json: decoded.ok ? parseBody(decoded.text) : decoded,
    text: (clean) => clean(decoded.ok ? decoded.text : unpackBody(bytes, encoding)),
  };
}
