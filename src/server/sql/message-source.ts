/** The messages of a client in order, as a connection asks for them. */
import type { Socket } from 'node:net';
import { RvbbitError } from '../../errors.ts';
import { type Frame, FrameReader } from './protocol/read-frames.ts';
import { type ClientMessage, readMessage } from './protocol/read-messages.ts';
import { protocolError } from './protocol-error.ts';

/** The longest message of a login: PostgreSQL's own bound is 1,024. */
const LOGIN_MAX_BYTES = 4_096;
/** While a statement runs, no more than this is read ahead. */
const AHEAD_BYTES = 1024 * 1024;

/** A simple query that cannot be read. The client waits for an answer to it, and sends nothing before. */
export class UnreadableQuery {
  readonly error: RvbbitError;

  constructor(error: RvbbitError) {
    this.error = error;
  }
}

/** A message; an error for one that cannot be read; `gone` once the client has left; undefined after an abort. */
export type Received = ClientMessage | RvbbitError | UnreadableQuery | 'gone' | undefined;

export class MessageSource {
  readonly #socket: Socket;
  readonly #frames: FrameReader;
  /** The error of the framing, behind which nothing can be read. */
  #broken: RvbbitError | undefined;
  #isGone = false;
  #wake: () => void = nothing;

  constructor(socket: Socket, maxMessageBytes?: number) {
    this.#socket = socket;
    this.#frames = new FrameReader(maxMessageBytes);
    socket.on('data', this.#onData);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#frames.push(chunk);
    // A socket that is not read does not tell that its client has left, so some of what it sends is read ahead.
    if (this.#frames.bytes > AHEAD_BYTES && this.#wake === nothing) this.#socket.pause();
    this.#wake();
  };

  /** Reads no more from the socket, which another takes over. */
  detach(): void {
    this.#socket.pause();
    this.#socket.off('data', this.#onData);
  }

  /** Notes that the client has left. */
  leave(): void {
    this.#isGone = true;
    this.#wake();
  }

  /** The letter of the next message, if it has begun to arrive. */
  peek(): string | undefined {
    return this.#frames.peek();
  }

  /** Takes the first packet; undefined once the client has left. Throws for a packet that is none. */
  async startup(): Promise<Frame | undefined> {
    const frame = await this.#await(() => this.#frames.takeStartup());
    return frame === 'gone' ? undefined : frame;
  }

  /** Takes the next message of a login; undefined once the client has left. Throws for any other message. */
  async login(): Promise<Frame | undefined> {
    const frame = await this.#await(() => this.#frames.take(LOGIN_MAX_BYTES));
    if (frame === 'gone' || frame?.type === 'X') return undefined;
    if (frame?.type === 'p') return frame;
    throw protocolError(`the login waits for message p, and got ${JSON.stringify(frame?.type)}`);
  }

  /** Takes the next message. Throws the error of the framing, which ends the connection. */
  async next(signal?: AbortSignal): Promise<Received> {
    const frame = await this.#await(() => this.#frames.take(), signal);
    if (frame === undefined || frame === 'gone') return frame;
    try {
      return readMessage(frame);
    } catch (thrown) {
      if (!(thrown instanceof RvbbitError)) throw thrown;
      return frame.type === 'Q' ? new UnreadableQuery(thrown) : thrown;
    }
  }

  async #await(
    take: () => Frame | undefined,
    signal?: AbortSignal,
  ): Promise<Frame | 'gone' | undefined> {
    if (this.#broken !== undefined) throw this.#broken;
    for (;;) {
      // What a client has sent before it left is not run for nobody.
      if (this.#isGone) return 'gone';
      try {
        const frame = take();
        if (frame !== undefined) return frame;
      } catch (thrown) {
        if (thrown instanceof RvbbitError) this.#broken = thrown;
        throw thrown;
      }
      if (signal?.aborted === true) return undefined;
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#wake = nothing;
          signal?.removeEventListener('abort', done);
          resolve();
        };
        this.#wake = done;
        signal?.addEventListener('abort', done, { once: true });
        this.#socket.resume();
      });
    }
  }
}

function nothing(): void {}
