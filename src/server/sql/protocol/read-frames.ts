/**
 * Cuts the bytes of a Postgres client into frames. A frame's length is checked before anything is made for it, so that
 * the memory in use is never more than the bytes received.
 * https://www.postgresql.org/docs/14/protocol-message-formats.html
 */
import { protocolError } from '../protocol-error.ts';

/** PostgreSQL's own bound on the first packet of a connection. */
export const STARTUP_MAX_BYTES = 10_000;
/** The largest message without the option `maxMessageBytes`. */
export const MESSAGE_MAX_BYTES = 16 * 1024 * 1024;
/** The bytes of the length field, which counts itself. */
const LENGTH_BYTES = 4;

/** One message of a client. `type` is its letter; '' for the first packet, which has none. */
export interface Frame {
  readonly type: string;
  readonly body: Buffer;
}

/** The bytes received and not yet taken. */
export class FrameReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number = MESSAGE_MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** The number of bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** Takes the first packet of a connection; undefined until all its bytes are there. */
  takeStartup(): Frame | undefined {
    if (this.#bytes < LENGTH_BYTES) return undefined;
    const length = this.#int32At(0);
    if (length < 8 || length > STARTUP_MAX_BYTES) {
      throw protocolError(
        `the first packet says that it has ${length} bytes; it has 8 to ${STARTUP_MAX_BYTES}`,
      );
    }
    if (this.#bytes < length) return undefined;
    return { type: '', body: this.#take(length).subarray(LENGTH_BYTES) };
  }

  /** Takes the next message, of at most `maxBytes`; undefined until all its bytes are there. */
  take(maxBytes: number = this.#maxBytes): Frame | undefined {
    if (this.#bytes < 1 + LENGTH_BYTES) return undefined;
    const type = String.fromCharCode(this.#byteAt(0));
    const length = this.#int32At(1);
    if (length < LENGTH_BYTES || length > maxBytes) {
      const name = /[\x21-\x7e]/.test(type) ? type : `0x${this.#byteAt(0).toString(16)}`;
      throw protocolError(
        `message ${name} says that it has ${length} bytes; a message has ${LENGTH_BYTES} to ${maxBytes}`,
      );
    }
    if (this.#bytes < 1 + length) return undefined;
    return { type, body: this.#take(1 + length).subarray(1 + LENGTH_BYTES) };
  }

  /** The letter of the next message; undefined if none has begun to arrive. */
  peek(): string | undefined {
    return this.#bytes === 0 ? undefined : String.fromCharCode(this.#byteAt(0));
  }

  #byteAt(offset: number): number {
    let at = offset;
    for (const chunk of this.#chunks) {
      if (at < chunk.length) return chunk[at]!;
      at -= chunk.length;
    }
    return 0;
  }

  #int32At(offset: number): number {
    let value = 0;
    for (let index = 0; index < 4; index += 1) value = (value << 8) | this.#byteAt(offset + index);
    return value;
  }

  #take(bytes: number): Buffer {
    const [first] = this.#chunks;
    this.#bytes -= bytes;
    if (first !== undefined && first.length >= bytes) {
      if (first.length === bytes) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(bytes);
      return first.subarray(0, bytes);
    }
    const taken = Buffer.allocUnsafe(bytes);
    let at = 0;
    let used = 0;
    for (const chunk of this.#chunks) {
      const part = Math.min(chunk.length, bytes - at);
      chunk.copy(taken, at, 0, part);
      at += part;
      if (part < chunk.length) {
        this.#chunks[used] = chunk.subarray(part);
        break;
      }
      used += 1;
    }
    this.#chunks.splice(0, used);
    return taken;
  }
}
