/** Encodes and decodes journal lines: `<crc32, eight hex digits> <json>\n`. The checksum is of the JSON's bytes. */
import { crc32 } from 'node:zlib';
import { JOURNAL_BUFFER_BYTES } from '../../limits.ts';

/** The number of bytes before the JSON. */
const HEAD = 9;
const SPACE = 0x20;
/** The byte that ends a line. The JSON of a line never contains it. */
export const NEWLINE = 0x0a;
const HEX = Buffer.from('0123456789abcdef', 'latin1');

/** One buffer of encoded lines that wait to be written. */
export class LineBuffer {
  #bytes = Buffer.allocUnsafe(JOURNAL_BUFFER_BYTES);
  #length = 0;

  /** The number of waiting bytes. */
  get length(): number {
    return this.#length;
  }

  /** The waiting bytes. Valid until the next `add` or `clear`. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Adds a line and returns its length in bytes, with the newline. */
  add(json: string): number {
    // A UTF-16 unit takes three bytes at most.
    this.#reserve(this.#length + HEAD + 3 * json.length + 1);
    const bytes = this.#bytes;
    const start = this.#length;
    const end = start + HEAD + bytes.write(json, start + HEAD);
    const crc = crc32(bytes.subarray(start + HEAD, end));
    for (let digit = 0; digit < 8; digit += 1) {
      bytes[start + digit] = HEX[(crc >>> (28 - 4 * digit)) & 15]!;
    }
    bytes[start + 8] = SPACE;
    bytes[end] = NEWLINE;
    this.#length = end + 1;
    return this.#length - start;
  }

  clear(): void {
    this.#length = 0;
    // A buffer that grew for one huge answer must not keep that memory for ever.
    if (this.#bytes.length > 4 * JOURNAL_BUFFER_BYTES) {
      this.#bytes = Buffer.allocUnsafe(JOURNAL_BUFFER_BYTES);
    }
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(size, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Returns the JSON of the line `bytes[start, end)`, newline excluded; undefined if the checksum is wrong. */
export function lineJson(bytes: Buffer, start: number, end: number): string | undefined {
  if (end - start < HEAD || bytes[start + 8] !== SPACE) return undefined;
  const crc = crc32(bytes.subarray(start + HEAD, end));
  for (let digit = 0; digit < 8; digit += 1) {
    if (bytes[start + digit] !== HEX[(crc >>> (28 - 4 * digit)) & 15]) return undefined;
  }
  return bytes.toString('utf8', start + HEAD, end);
}
