/** Receives the response of one request. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { MODEL_RESPONSE_MAX_BYTES } from '../limits.ts';
import type { ChatOutcome } from './chat.ts';
import { type CalledProvider, failedChat, statusFailure } from './http-failure.ts';
import type { StreamReader } from './stream-reader.ts';

/** The reason of every abort. One object serves all, since `Exchange` ignores undici's report of an abort. */
const ABANDONED = new Error('the call was given up');

/** The response of a stream must end within this time after its last event, or its connection is destroyed. */
const STREAM_DRAIN_MS = 250;

/** The response brought no data for too long. */
export class GapError extends Error {
  override readonly name = 'GapError';
  readonly gapMs: number;

  constructor(gapMs: number) {
    super(`nothing came for ${gapMs} ms`);
    this.gapMs = gapMs;
  }
}

/** The body is too large. Has undici's error code. undici itself may enforce only the larger bound of streams. */
class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
  readonly code = 'UND_ERR_RES_EXCEEDED_MAX_SIZE';
}

/** The parameters of an exchange. */
export interface ExchangeParts {
  /** The longest allowed gap between two pieces of the response, after its headers. */
  readonly gapMs: number;
  /** Returns a reader for a response that is a stream of events. */
  openStream(): StreamReader;
  /** Called once at the end, with the error if the connection failed. Not called after `abort`. */
  onEnd(exchange: Exchange, error: Error | undefined): void;
}

/**
 * Handles undici's events of one request. A Node stream per call would cost as much as the rest of the call. undici
 * reports an error if the response exceeds `maxResponseSize`.
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

  /** The reader of the body, if the body is a stream of events. */
  get stream(): StreamReader | undefined {
    return this.#stream;
  }

  /** The response's status; undefined until the headers have arrived. */
  get status(): number | undefined {
    return this.#status;
  }

  get headers(): IncomingHttpHeaders {
    return this.#headers;
  }

  /** The number of bytes of the body that have arrived. */
  get received(): number {
    return this.#received;
  }

  /** True if the exchange has ended or was aborted. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Returns the part of the body that has arrived. Empty for a stream. */
  body(): Uint8Array {
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
  }

  /** Destroys the connection at once, or as soon as the request has one. */
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
    // Interim responses such as early hints: the answer comes later.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    if (this.#ended) return;
    if (status < 300 && isStream(headers)) this.#stream = this.#parts.openStream();
    this.#endAfter(this.#parts.gapMs);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#received += chunk.length;
    // Data after the last event does not extend the time limit.
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
    // undici frees the connection only in the next turn. Without the wait, a lane's next call would open another one.
    queueMicrotask(() => setImmediate(() => this.#end(undefined)));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(error);
  }

  /** Gives up with a GapError after `ms`, unless data comes first. */
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

/** True for an uncompressed stream of events. No request asks for compression; a compressed stream is refused later. */
function isStream(headers: IncomingHttpHeaders): boolean {
  const encoding = headers['content-encoding'] ?? 'identity';
  return (
    encoding === 'identity' && /^text\/event-stream\b/i.test(headers['content-type']?.trim() ?? '')
  );
}

/** Returns the outcome of a response that brought no data for `gapMs`. */
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

/** Returns the outcome of a call that reached its time limit. If an error status has come, the outcome reports that. */
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
