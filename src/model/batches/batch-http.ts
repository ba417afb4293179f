/** Sends the requests of Batch APIs over a provider's connections. They are few, and go out from the main thread. */
import { RvbbitError } from '../../errors.ts';
import { MODEL_GAP_MS } from '../../limits.ts';
import { decodeBody, parseBody } from '../body-text.ts';
import type { HttpSettings } from '../chat.ts';
import { openConnections } from '../connections.ts';
import { type CalledProvider, connectionFailure, statusFailure } from '../http-failure.ts';
import type { Protocol } from '../protocols/protocol.ts';
import { protocolOf } from '../protocols/protocol-of.ts';
import { member } from '../provider-error.ts';
import { redactFor } from '../redact.ts';
import { ThreadSockets } from '../sockets.ts';

/** The largest file of results. It is read line by line. */
const RESULTS_MAX_BYTES = 2 ** 30;
/** The most connections. */
const CONNECTIONS = 8;

/** What a request sends. Default: JSON. */
export interface SentBody {
  readonly bytes: string | Buffer;
  readonly type?: string;
}

/** The client of one provider's Batch API. */
export class BatchHttp {
  readonly #settings: HttpSettings;
  readonly #protocol: Protocol;
  readonly #asked: CalledProvider;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #signal: AbortSignal;
  #open: ReturnType<typeof openConnections> | undefined;

  constructor(settings: HttpSettings, signal: AbortSignal) {
    const { id, baseUrl, headers = {}, apiKey } = settings;
    this.#settings = settings;
    this.#signal = signal;
    this.#protocol = protocolOf(settings.type);
    this.#asked = {
      who: `the Batch API of ${id} at ${new URL(baseUrl).host}`,
      provider: id,
      clean: redactFor(settings).text,
    };
    const given = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    this.#headers = this.#protocol.headers(Object.fromEntries(given), apiKey?.trim());
  }

  /** Sends a request to a path after the base URL, and returns the JSON of its answer. */
  async json(method: 'GET' | 'POST', path: string, body?: SentBody): Promise<unknown> {
    const parts: Buffer[] = [];
    for await (const part of this.#send(method, path, body)) parts.push(part);
    const decoded = decodeBody(Buffer.concat(parts));
    const read = decoded.ok ? parseBody(decoded.text) : decoded;
    if (read.ok) return read.value;
    throw this.#failed(`gave a response that ${read.problem}`, true);
  }

  /** Creates something, and returns its id. Without an id in the answer, what was created is to be looked for. */
  async create(path: string, body: SentBody): Promise<string> {
    const id = member(await this.json('POST', path, body), 'id');
    if (typeof id === 'string' && id !== '') return id;
    throw this.#failed('gave a response without an id', true);
  }

  /** Yields the JSON of each line of a file. A line that is not JSON is left out. */
  async *lines(path: string): AsyncGenerator<unknown> {
    let rest = '';
    const decoder = new TextDecoder();
    const valuesOf = (lines: readonly string[]): unknown[] =>
      lines.map(parseBody).flatMap((read) => (read.ok ? [read.value] : []));
    for await (const part of this.#send('GET', path)) {
      const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
      rest = lines.pop()!;
      yield* valuesOf(lines);
    }
    yield* valuesOf([rest]);
  }

  async close(): Promise<void> {
    const open = await this.#open?.catch(() => undefined);
    await open?.close();
  }

  async *#send(method: 'GET' | 'POST', path: string, body?: SentBody): AsyncGenerator<Buffer> {
    let status: number | undefined;
    try {
      this.#open ??= openConnections(this.#settings, '', {
        calls: () => CONNECTIONS,
        thread: new ThreadSockets(),
        lookup: undefined,
        maxResponseSize: RESULTS_MAX_BYTES,
      });
      const open = await this.#open;
      const { search } = new URL(this.#settings.baseUrl);
      const root = open.path.slice(0, open.path.length - search.length);
      const query = path.includes('?') ? search.replace('?', '&') : search;
      const proxied = Object.fromEntries(
        open.headers.flatMap((name, at) => (at % 2 === 0 ? [[name, open.headers[at + 1]!]] : [])),
      );
      const response = await open.pool.request({
        method,
        path: `${root}${path}${query}`,
        headers: {
          ...this.#headers,
          ...proxied,
          ...(body === undefined ? {} : { 'content-type': body.type ?? 'application/json' }),
          accept: '*/*',
        },
        body: body?.bytes ?? null,
        headersTimeout: 2 * MODEL_GAP_MS,
        bodyTimeout: MODEL_GAP_MS,
        signal: this.#signal,
      });
      status = response.statusCode;
      if (status >= 300) {
        const text = await response.body.text();
        const read = parseBody(text);
        const said = this.#protocol.readError(read.ok ? read.value : text, this.#asked.clean);
        const { error, retryable } = statusFailure(this.#asked, status, said);
        throw new RvbbitError(error.code, error.message, { stage: 'execute', retryable });
      }
      for await (const part of response.body) yield part as Buffer;
    } catch (thrown) {
      if (thrown instanceof RvbbitError) throw thrown;
      const { error, retryable } = connectionFailure(this.#asked, thrown, status);
      throw new RvbbitError(error.code, error.message, { stage: 'execute', retryable });
    }
  }

  #failed(what: string, retryable: boolean): RvbbitError {
    const message = `${this.#asked.who} ${what}`;
    return new RvbbitError('RVB_MODEL_HTTP', message, { stage: 'execute', retryable });
  }
}
