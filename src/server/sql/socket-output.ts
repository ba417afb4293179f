/** The way from the server to a client's socket, which waits for a client that does not read. */
import type { Socket } from 'node:net';
import { MessageWriter, WRITE_BYTES } from './protocol/write-messages.ts';

/** A client that reads nothing for this long is taken for gone. */
const STALL_MS = 300_000;

export class SocketOutput {
  /** The messages that are not sent yet. */
  readonly writer = new MessageWriter();
  readonly #socket: Socket;
  readonly #gone: AbortSignal;

  /** `gone` aborts when the connection is over. */
  constructor(socket: Socket, gone: AbortSignal) {
    this.#socket = socket;
    this.#gone = gone;
  }

  /** True if so much is written that it should be sent. */
  get isFull(): boolean {
    return this.writer.bytes >= WRITE_BYTES;
  }

  /** Hands the messages to the system. */
  send(): void {
    if (this.writer.bytes > 0 && !this.#gone.aborted) this.#socket.write(this.writer.take());
  }

  /** Hands the messages to the system, and waits until the client has read enough for more. */
  async drain(): Promise<void> {
    this.send();
    if (!this.#socket.writableNeedDrain || this.#gone.aborted) return;
    await new Promise<void>((resolve) => {
      const stalled = setTimeout(() => this.#socket.destroy(), STALL_MS);
      const done = () => {
        clearTimeout(stalled);
        this.#socket.off('drain', done);
        this.#gone.removeEventListener('abort', done);
        resolve();
      };
      this.#socket.on('drain', done);
      this.#gone.addEventListener('abort', done, { once: true });
    });
  }
}
