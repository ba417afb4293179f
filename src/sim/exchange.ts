/** One call on its connection: answers once, sees the client leave, and writes both into the ledger. */
import type { ServerResponse } from 'node:http';
import type { CallLog, CallOutcome, Gauge, OpenEntry } from './ledger.ts';

/** What an exchange is made of. */
interface ExchangeParts {
  readonly res: ServerResponse;
  readonly entry: OpenEntry;
  readonly log: CallLog;
  readonly gauge: Gauge;
  readonly onEnd: ((entry: OpenEntry) => void) | undefined;
}

/** One call on its connection. */
export class Exchange {
  readonly res: ServerResponse;
  readonly entry: OpenEntry;
  readonly #parts: ExchangeParts;
  #timer: NodeJS.Timeout | undefined;
  #open = true;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.res = parts.res;
    this.entry = parts.entry;
    // Comes after the last byte too; by then the entry is closed.
    this.res.once('close', () => this.end('aborted'));
  }

  /** Runs `act` after a delay, at once for none; not at all if the client has left by then. */
  later(delayMs: number, act: () => void): void {
    if (!this.#open) return;
    if (delayMs <= 0) act();
    else this.#timer = setTimeout(act, delayMs);
  }

  /** Closes the ledger's entry, once. Done before the last byte leaves, so that no client can be ahead of it. */
  end(outcome: CallOutcome): void {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#timer);
    this.#parts.gauge.now -= 1;
    this.#parts.log.end(this.entry, outcome);
    this.#parts.onEnd?.(this.entry);
  }

  /** Sends a whole answer. `headers`: names and values in turn, besides type and length. */
  send(
    status: number,
    headers: readonly string[],
    body: string | Buffer,
    outcome: CallOutcome,
    type = 'application/json',
  ): void {
    this.entry.status = status;
    this.end(outcome);
    const length = String(Buffer.byteLength(body));
    this.res.writeHead(status, [
      'Content-Type',
      type,
      ...(type === EVENT_STREAM ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', length]),
      ...headers,
    ]);
    this.res.end(body);
  }

  /** Sends the events of a stream, one every `everyMs`. */
  sendEvents(headers: readonly string[], events: readonly string[], everyMs: number): void {
    this.entry.status = 200;
    this.res.writeHead(200, ['Content-Type', EVENT_STREAM, ...headers]);
    const next = (index: number): void => {
      const event = events[index];
      if (event === undefined) {
        this.end('answered');
        this.res.end();
        return;
      }
      this.res.write(event);
      this.later(everyMs, () => next(index + 1));
    };
    next(0);
  }
}

/** The type of a stream's body. */
export const EVENT_STREAM = 'text/event-stream';

/** What would have been sent. */
export interface WireAnswer {
  readonly type: string;
  /** The body of an error in the call's protocol. */
  errorBody(status: number, message: string, code: string | null): string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}
