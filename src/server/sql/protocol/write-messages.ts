/** Encodes the messages of the server into one growing buffer. */
import type { FormatCode } from './read-messages.ts';

/** The number of written bytes at which the caller should flush. */
export const WRITE_BYTES = 64 * 1024;
/** The size of a fresh buffer. */
const FRESH_BYTES = 1_024;
/** The size of a buffer after one that was full. */
const FULL_BYTES = WRITE_BYTES + 8 * 1024;
/** A text of at most this many characters is written without a call of native code, if it is ASCII. */
const SHORT_CHARS = 40;
const NO_BYTES = Buffer.alloc(0);

/** A column of RowDescription. */
export interface FieldDescription {
  readonly name: string;
  readonly oid: number;
  /** Bytes of a value; negative for a type of varying length. */
  readonly size: number;
  /** The type's modifier, e.g. the digits of a numeric; -1 for none. */
  readonly modifier: number;
  readonly format: FormatCode;
}

/** The status of a session's transaction: none, open, or failed. */
export type TransactionStatus = 'I' | 'T' | 'E';

/** Writes messages and fields. `take` returns what was written. */
export class MessageWriter {
  /** An idle connection has none. */
  #buffer = NO_BYTES;
  #nextBytes = FRESH_BYTES;
  #at = 0;
  #taken = 0;
  #start = 0;

  /** The bytes written since the last `take`. */
  get bytes(): number {
    return this.#at;
  }

  /** The bytes written in all. */
  get total(): number {
    return this.#taken + this.#at;
  }

  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#at);
    this.#taken += this.#at;
    this.#nextBytes = this.#at >= WRITE_BYTES ? FULL_BYTES : FRESH_BYTES;
    this.#at = 0;
    this.#start = 0;
    this.#buffer = NO_BYTES;
    return taken;
  }

  /** Drops the message that was begun and not ended. */
  dropOpen(): void {
    this.#at = this.#start;
  }

  begin(type: string): this {
    this.#start = this.#at;
    this.#reserve(5);
    this.#buffer[this.#at] = type.charCodeAt(0);
    this.#at += 5;
    return this;
  }

  end(): void {
    this.#put32(this.#at - this.#start - 1, this.#start + 1);
    this.#start = this.#at;
  }

  byte(value: number): this {
    this.#reserve(1);
    this.#buffer[this.#at] = value;
    this.#at += 1;
    return this;
  }

  int16(value: number): this {
    this.#reserve(2);
    this.#buffer.writeUInt16BE(value & 0xffff, this.#at);
    this.#at += 2;
    return this;
  }

  int32(value: number): this {
    this.#reserve(4);
    this.#put32(value, this.#at);
    this.#at += 4;
    return this;
  }

  int64(value: bigint): this {
    this.#reserve(8);
    this.#buffer.writeBigInt64BE(value, this.#at);
    this.#at += 8;
    return this;
  }

  float32(value: number): this {
    this.#reserve(4);
    this.#buffer.writeFloatBE(value, this.#at);
    this.#at += 4;
    return this;
  }

  float64(value: number): this {
    this.#reserve(8);
    this.#buffer.writeDoubleBE(value, this.#at);
    this.#at += 8;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  /** A text without an end. */
  text(value: string): this {
    const { length } = value;
    this.#reserve(length * 3);
    const buffer = this.#buffer;
    let at = this.#at;
    const end = length > SHORT_CHARS ? at : at + length;
    for (let index = 0; at < end; index += 1) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) break;
      buffer[at] = code;
      at += 1;
    }
    this.#at = at === this.#at + length ? at : this.#at + buffer.write(value, this.#at);
    return this;
  }

  /** A text with a zero at its end. A zero within it would end it too early, and is left out. */
  cstring(value: string): this {
    return this.text(value.includes('\0') ? value.replaceAll('\0', '') : value).byte(0);
  }

  /** Begins a value that has its length in bytes before it. Returns its start, for `endSized`. */
  beginSized(): number {
    this.#reserve(4);
    this.#at += 4;
    return this.#at;
  }

  endSized(start: number): void {
    this.#put32(this.#at - start, start - 4);
  }

  rowDescription(fields: readonly FieldDescription[]): void {
    this.begin('T').int16(fields.length);
    for (const { name, oid, size, modifier, format } of fields) {
      this.cstring(name).int32(0).int16(0).int32(oid).int16(size).int32(modifier).int16(format);
    }
    this.end();
  }

  parameterDescription(oids: readonly number[]): void {
    this.begin('t').int16(oids.length);
    for (const oid of oids) this.int32(oid);
    this.end();
  }

  commandComplete(tag: string): void {
    this.begin('C').cstring(tag).end();
  }

  readyForQuery(status: TransactionStatus): void {
    this.begin('Z').byte(status.charCodeAt(0)).end();
  }

  parameterStatus(name: string, value: string): void {
    this.begin('S').cstring(name).cstring(value).end();
  }

  backendKeyData(processId: number, secret: number): void {
    this.begin('K').int32(processId).int32(secret).end();
  }

  /** An ErrorResponse or a NoticeResponse. */
  report(type: 'E' | 'N', fields: ReadonlyMap<string, string>): void {
    this.begin(type);
    for (const [code, value] of fields) this.byte(code.charCodeAt(0)).cstring(value);
    this.byte(0).end();
  }

  /** CopyInResponse (G) or CopyOutResponse (H). */
  copyResponse(type: 'G' | 'H', format: FormatCode, columns: number): void {
    this.begin(type).byte(format).int16(columns);
    for (let column = 0; column < columns; column += 1) this.int16(format);
    this.end();
  }

  /** A message that has only its letter, e.g. ParseComplete (1). */
  bare(type: string): void {
    this.begin(type).end();
  }

  #put32(value: number, at: number): void {
    this.#buffer[at] = value >>> 24;
    this.#buffer[at + 1] = value >>> 16;
    this.#buffer[at + 2] = value >>> 8;
    this.#buffer[at + 3] = value;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const least = Math.max(this.#nextBytes, this.#buffer.length * 2);
    const grown = Buffer.allocUnsafeSlow(Math.max(least, this.#at + bytes));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }
}
