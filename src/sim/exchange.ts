/** One call on its connection: sends the answer, notices when the client leaves, and writes both into the ledger. */
import type { ServerResponse } from 'node:http';
import type { CallLog, CallOutcome, Gauge, OpenEntry } from './ledger.ts';

/** The parts of an exchange. */
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
    // This event also comes after the last byte, but the entry is closed by then.
    this.res.once('close', () => this.end('aborted'));
  }

  /** Runs `act` after a delay, or at once without a delay. Does not run it if the client has left by then. */
  later(delayMs: number, act: () => void): void {
    if (!this.#open) return;
    if (delayMs <= 0) act();
    else this.#timer = setTimeout(act, delayMs);
  }

  /**
   * Closes the ledger's entry, once. This happens before the last byte is sent, so that a client with the answer finds
   * the entry closed.
   */
  end(outcome: CallOutcome): void {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#timer);
    this.#parts.gauge.now -= 1;
    this.#parts.log.end(this.entry, outcome);
    this.#parts.onEnd?.(this.entry);
  }

  /** Sends a whole answer. `headers` are alternating names and values, without type and length. */
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

/** The content type of a stream. */
export const EVENT_STREAM = 'text/event-stream';

/** The answer that would be sent without a fault. */
export interface WireAnswer {
  readonly type: string;
  /** Makes the body of an error in the call's protocol. */
  errorBody(status: number, message: string, code: string | null): string;
  /** Alternating names and values. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}
