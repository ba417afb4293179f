/** One request on its connection, and what came back. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { MODEL_RESPONSE_MAX_BYTES } from '../limits.ts';
import type { ChatOutcome } from './chat.ts';
import { type CalledProvider, failedChat, statusFailure } from './http-failure.ts';
import type { StreamReader } from './stream-reader.ts';

/** What undici passes to the caller of `abort`, who does not listen any more: one serves all. */
const ABANDONED = new Error('the call was given up');

/** After the last event of a stream its response should end; one that does not loses its connection. */
const STREAM_DRAIN_MS = 250;

/** Nothing came for too long. */
export class GapError extends Error {
  override readonly name = 'GapError';
  readonly gapMs: number;

  constructor(gapMs: number) {
    super(`nothing came for ${gapMs} ms`);
    this.gapMs = gapMs;
  }
}

/** As undici's, whose bound is that of streams. */
class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
  readonly code = 'UND_ERR_RES_EXCEEDED_MAX_SIZE';
}

export interface ExchangeParts {
  /** The longest gap between two pieces of the response, once it has begun. */
  readonly gapMs: number;
  /** For a response that comes as a stream of events. */
  openStream(): StreamReader;
  /** Called once, with the error of a connection that failed; not after `abort`. */
  onEnd(exchange: Exchange, error: Error | undefined): void;
}

/**
 * Takes a response in as undici reads it; a stream a call would cost as much as all the rest of it. undici
 * ends it with an error beyond its bound.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #parts: ExchangeParts;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #status: number | undefined;
  #headers: IncomingHttpHeaders = {};
  #received = 0;
  #ended = false;
  #stream: StreamReader | undefined;
  #gap: NodeJS.Timeout | undefined;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  /** What reads the body, where that is a stream. */
  get stream(): StreamReader | undefined {
    return this.#stream;
  }

  /** Undefined until the headers have come. */
  get status(): number | undefined {
    return this.#status;
  }

  get headers(): IncomingHttpHeaders {
    return this.#headers;
  }

  /** Bytes of the body that have come. */
  get received(): number {
    return this.#received;
  }

  /** It is over, or was given up. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The body as far as it has come. */
  body(): Uint8Array {
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
  }

  /** Destroys the connection at once, or as soon as there is one. */
  abort(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#gap);
    this.#controller?.abort(ABANDONED);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended) controller.abort(ABANDONED);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // Early hints and the like: the answer is still to come.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    if (this.#ended) return;
    if (status < 300 && isStream(headers)) this.#stream = this.#parts.openStream();
    this.#endAfter(this.#parts.gapMs);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#received += chunk.length;
    // What follows the last event gains no time by it.
    if (this.#ended || this.#stream?.isOver === true) return;
    this.#gap?.refresh();
    if (this.#stream === undefined) {
      this.#chunks.push(chunk);
      if (this.#received > MODEL_RESPONSE_MAX_BYTES) this.#giveUp(new TooLargeError());
      return;
    }
    this.#stream.feed(chunk);
    if (!this.#stream.isOver) return;
    if (this.#stream.isWhole) this.#endAfter(STREAM_DRAIN_MS);
    else this.#giveUp(undefined);
  }

  onResponseEnd(): void {
    // undici takes the connection as free in the next turn only; a lane's next call would open another before.
    queueMicrotask(() => setImmediate(() => this.#end(undefined)));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(error);
  }

  /** Unless something comes before that. */
  #endAfter(ms: number): void {
    clearTimeout(this.#gap);
    this.#gap = setTimeout(() => this.#giveUp(new GapError(ms)), ms);
  }

  #giveUp(error: Error | undefined): void {
    if (this.#ended) return;
    this.abort();
    this.#parts.onEnd(this, error);
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#gap);
    this.#parts.onEnd(this, error);
  }
}

/** A stream that is compressed, which was not asked for, is kept and refused as any such body. */
function isStream(headers: IncomingHttpHeaders): boolean {
  const encoding = headers['content-encoding'] ?? 'identity';
  return (
    encoding === 'identity' && /^text\/event-stream\b/i.test(headers['content-type']?.trim() ?? '')
  );
}

/** The outcome of a response that stopped coming. */
export function stoppedComing(
  asked: CalledProvider,
  gapMs: number,
  { status, received }: Pick<Exchange, 'status' | 'received'>,
): ChatOutcome {
  const what = `stopped in its answer: nothing came for ${gapMs} ms (${received} bytes came before); raise idle_timeout`;
  return failedChat(asked, 'RVB_TIMEOUT', what, {
    retryable: true,
    ...(status === undefined ? {} : { status }),
  });
}

/** The outcome of a call whose time is over. An error status says more than the time. */
export function timedOut(
  asked: CalledProvider,
  timeoutMs: number,
  { status, received }: Pick<Exchange, 'status' | 'received'>,
): ChatOutcome {
  const limit = `${Math.round(timeoutMs)} ms`;
  if (status !== undefined && (status < 200 || status >= 300)) {
    return statusFailure(asked, status, { kind: 'other' });
  }
  const what =
    status === undefined
      ? `gave no answer within ${limit}; raise timeout`
      : `did not end its answer within ${limit} (${received} bytes came); raise timeout`;
  return failedChat(asked, 'RVB_TIMEOUT', what, {
    retryable: true,
    ...(status === undefined ? {} : { status }),
  });
}
