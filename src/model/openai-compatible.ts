/**
 * Any server that speaks OpenAI's chat completions, over a pool of kept-alive connections. Whatever goes
 * wrong is an outcome: `chat` never throws, and always settles by its deadline.
 */
import { EventEmitter } from 'node:events';
import type { LookupFunction } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { RAW_ANSWER_CHARS } from '../limits.ts';
import type { ChatOutcome, ChatRequest, HttpSettings } from './chat.ts';
import { chatBody } from './chat-body.ts';
import { type Connections, openConnections } from './connections.ts';
import { type Asked, connectionFailure, failedChat, statusFailure } from './http-failure.ts';
import type { ChatLimits, Provider } from './provider.ts';
import { providerError } from './provider-error.ts';
import { rateLimitsOf } from './rate-limit-headers.ts';
import { decodeBody, parseBody, readCompletion } from './read-completion.ts';
import { type Redact, redactFor } from './redact.ts';
import { type Progress, readBytes, timedOut } from './response-bytes.ts';
import { retryAfterOf } from './retry-after.ts';

export class OpenAiCompatible implements Provider {
  readonly #settings: HttpSettings;
  readonly #lookup: LookupFunction | undefined;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #redact: Redact;
  readonly #host: string;
  #loading: Promise<Connections> | undefined;
  /** The same once loaded, so that a call need not wait for a settled promise. */
  #open: Connections | undefined;
  /** Calls that have not settled. */
  readonly #calls = new Set<EventEmitter>();
  #closed = false;

  /** `lookup` resolves names in place of the system. */
  constructor(settings: HttpSettings, lookup?: LookupFunction) {
    this.#settings = settings;
    this.#lookup = lookup;
    const { apiKey, baseUrl, headers = {} } = settings;
    this.#redact = redactFor(settings);
    this.#host = URL.canParse(baseUrl) ? new URL(baseUrl).host : 'a base URL that is not one';
    this.#headers = {
      ...Object.fromEntries(Object.entries(headers).map(([name, v]) => [name.toLowerCase(), v])),
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey.trim()}` }),
      'content-type': 'application/json',
      accept: 'application/json',
      'accept-encoding': 'identity',
    };
  }

  /** Makes one call. Cancelling and the deadline destroy the connection at once. */
  chat(request: ChatRequest, { signal, timeoutMs }: ChatLimits): Promise<ChatOutcome> {
    const asked = this.#asked(request.model);
    if (this.#closed) {
      return Promise.resolve(
        failedChat(asked, 'RVB_CLOSED', 'was not asked: the engine is closed'),
      );
    }
    return new Promise((resolve) => {
      const call = new EventEmitter();
      const progress: Progress = { status: undefined, bytes: 0 };
      const settle = (outcome: ChatOutcome): void => {
        clearTimeout(timer);
        this.#calls.delete(call);
        signal.removeEventListener('abort', onCancel);
        resolve(outcome);
      };
      const onCancel = (): void => {
        settle(
          failedChat(
            asked,
            'RVB_CANCELLED',
            'was not asked to the end: the statement was cancelled',
          ),
        );
        call.emit('abort');
      };
      const onTimeout = (): void => {
        settle(timedOut(asked, timeoutMs, progress));
        call.emit('abort');
      };
      const timer = setTimeout(onTimeout, Math.max(0, Math.ceil(timeoutMs)));
      signal.addEventListener('abort', onCancel);
      if (signal.aborted) {
        onCancel();
        return;
      }
      this.#calls.add(call);
      this.#exchange(asked, request, call, progress).then(settle, (thrown: unknown) => {
        settle(connectionFailure(asked, thrown, progress.status));
      });
    });
  }

  /** Opens connections ahead; they wait as long as idle ones do. Says nothing of those that fail. */
  async warm(connections: number): Promise<void> {
    if (this.#closed) return;
    try {
      const { warm, address } = await this.#connect();
      const { connections: most } = this.#settings;
      const count = most === 0 ? connections : Math.min(connections, most);
      await Promise.all(Array.from({ length: count }, () => warm.open(address)));
    } catch {
      // The first call says what is wrong.
    }
  }

  /** Ends all calls (RVB_CLOSED) and connections. */
  async close(): Promise<void> {
    this.#closed = true;
    const open = await this.#loading?.catch(() => undefined);
    await open?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #exchange(
    asked: Asked,
    request: ChatRequest,
    signal: EventEmitter,
    progress: Progress,
  ): Promise<ChatOutcome> {
    const body = chatBody(request, this.#settings.responseFormat);
    const { pool, path, headers: ofProxy } = this.#open ?? (await this.#connect());
    const response = await pool.request({
      path,
      method: 'POST',
      headers: { ...this.#headers, ...ofProxy },
      body,
      signal,
    });
    const { statusCode: status, headers } = response;
    progress.status = status;
    const ok = status >= 200 && status < 300;
    let bytes: Uint8Array;
    try {
      bytes = await readBytes(response.body, progress);
      // Only now does undici take the connection as free; a lane's next call would open another.
      await setImmediate();
    } catch (thrown) {
      // A status says more than a body that could not be read.
      if (ok) throw thrown;
      bytes = new Uint8Array();
    }
    const encoding = String(headers['content-encoding'] ?? 'identity');
    const decoded =
      encoding === 'identity' || encoding === ''
        ? decodeBody(bytes)
        : ({ ok: false, problem: `is ${encoding}, which was not asked for` } as const);
    const text = decoded.ok ? this.#redact.text(decoded.text) : '';
    const parsed = decoded.ok ? parseBody(decoded.text) : decoded;
    const outcome = this.#cleanAnswer(
      !ok
        ? statusFailure(
            asked,
            status,
            providerError(parsed.ok ? parsed.value : text, asked.clean),
            retryAfterOf(headers, Date.now()),
          )
        : parsed.ok
          ? readCompletion(asked, parsed.value, status)
          : failedChat(asked, 'RVB_ANSWER_INVALID', `gave a response that ${parsed.problem}`, {
              status,
              retryable: true,
            }),
    );
    const rateLimits = rateLimitsOf(headers, Date.now());
    const said = rateLimits === undefined ? outcome : { ...outcome, rateLimits };
    return said.ok || text === '' ? said : { ...said, raw: text.slice(0, RAW_ANSWER_CHARS) };
  }

  #connect(): Promise<Connections> {
    const isNeeded = (): boolean => this.#calls.size > 0;
    this.#loading ??= openConnections(this.#settings, isNeeded, this.#lookup).then((open) => {
      this.#open = open;
      return open;
    });
    return this.#loading;
  }

  /** No secret of this provider is left in an answer. */
  #cleanAnswer(outcome: ChatOutcome): ChatOutcome {
    if (!outcome.ok) return outcome;
    const { text } = outcome.response;
    const clean = this.#redact.answer(text);
    return clean === text
      ? outcome
      : { ...outcome, response: { ...outcome.response, text: clean } };
  }

  #asked(model: string): Asked {
    const { id } = this.#settings;
    return { who: `${id}/${model} at ${this.#host}`, provider: id, clean: this.#redact.text };
  }
}
