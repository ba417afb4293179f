/** One request on its connection, and what came back. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { ChatOutcome } from './chat.ts';
import { type CalledProvider, failedChat, statusFailure } from './http-failure.ts';

/** What undici passes to the caller of `abort`, who does not listen any more: one serves all. */
const ABANDONED = new Error('the call was given up');

/**
 * Takes a response in as undici reads it; a stream a call would cost as much as all the rest of it. undici
 * ends it with an error beyond its bound.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #onEnd: (exchange: Exchange, error: Error | undefined) => void;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #status: number | undefined;
  #headers: IncomingHttpHeaders = {};
  #received = 0;
  #ended = false;

  /** `onEnd` is called once, with the error of a connection that failed; not after `abort`. */
  constructor(onEnd: (exchange: Exchange, error: Error | undefined) => void) {
    this.#onEnd = onEnd;
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
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#received += chunk.length;
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    // undici takes the connection as free in the next turn only; a lane's next call would open another before.
    queueMicrotask(() => setImmediate(() => this.#end(undefined)));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(error);
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd(this, error);
  }
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
