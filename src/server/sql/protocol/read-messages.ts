/** Decodes the messages of a client. Every count is checked against the bytes that are there before it is used. */
import { protocolError } from '../protocol-error.ts';
import type { Frame } from './read-frames.ts';

const PROTOCOL_3 = 3 << 16;
const CANCEL_REQUEST = 80877102;
const SSL_REQUEST = 80877103;
const GSSENC_REQUEST = 80877104;

/** The first packet of a connection. */
export type StartupMessage =
  | {
      readonly kind: 'startup';
      readonly minor: number;
      readonly parameters: ReadonlyMap<string, string>;
    }
  | { readonly kind: 'ssl' | 'gssenc' }
  | { readonly kind: 'cancel'; readonly processId: number; readonly secret: number };

/** The format of a value on the wire: 0 is text, 1 is binary. */
export type FormatCode = 0 | 1;

/** A message of a client after the start. */
export type ClientMessage =
  | { readonly kind: 'query'; readonly text: string }
  | {
      readonly kind: 'parse';
      readonly name: string;
      readonly text: string;
      /** The OIDs of the parameters that the client declares; 0 for a parameter that it does not. */
      readonly types: readonly number[];
    }
  | {
      readonly kind: 'bind';
      readonly portal: string;
      readonly statement: string;
      readonly formats: readonly FormatCode[];
      readonly values: readonly (Buffer | null)[];
      readonly resultFormats: readonly FormatCode[];
    }
  | {
      readonly kind: 'describe' | 'close';
      readonly what: 'statement' | 'portal';
      readonly name: string;
    }
  /** `maxRows` 0 means all rows. */
  | { readonly kind: 'execute'; readonly portal: string; readonly maxRows: number }
  | { readonly kind: 'sync' | 'flush' | 'terminate' | 'copyDone' }
  | { readonly kind: 'copyData'; readonly data: Buffer }
  | { readonly kind: 'copyFail'; readonly reason: string };

/** Decodes the first packet of a connection. */
export function readStartup({ body }: Frame): StartupMessage {
  const fields = new Fields('the first packet', body);
  const code = fields.int32();
  switch (code) {
    case SSL_REQUEST:
      return { kind: 'ssl' };
    case GSSENC_REQUEST:
      return { kind: 'gssenc' };
    case CANCEL_REQUEST: {
      const processId = fields.int32();
      const secret = fields.int32();
      fields.end();
      return { kind: 'cancel', processId, secret };
    }
    default:
  }
  if (code >> 16 !== PROTOCOL_3 >> 16) {
    const version = `${code >>> 16}.${code & 0xffff}`;
    throw protocolError(`protocol ${version} is not spoken here; connect with protocol 3.0`);
  }
  const parameters = new Map<string, string>();
  for (let name = fields.text(); name !== ''; name = fields.text()) {
    parameters.set(name, fields.text());
  }
  fields.end();
  return { kind: 'startup', minor: code & 0xffff, parameters };
}

/** Decodes the first message of a login: the mechanism, and the text for it. */
export function readLoginStart({ body }: Frame): {
  readonly mechanism: string;
  readonly text: string;
} {
  const fields = new Fields('the first message of the login', body);
  const mechanism = fields.text();
  const value = fields.value();
  fields.end();
  if (value === null) throw protocolError('the first message of the login has no text');
  return { mechanism, text: utf8(value, 'the first message of the login') };
}

/** Decodes a later message of a login. */
export function readLoginText({ body }: Frame): string {
  return utf8(body, 'a message of the login');
}

/** Decodes a message after the start. */
export function readMessage({ type, body }: Frame): ClientMessage {
  const fields = new Fields(`message ${type}`, body);
  const message = decode(type, fields);
  fields.end();
  return message;
}

function decode(type: string, fields: Fields): ClientMessage {
  switch (type) {
    case 'Q':
      return { kind: 'query', text: fields.text() };
    case 'P': {
      const name = fields.text();
      const text = fields.text();
      return { kind: 'parse', name, text, types: fields.list(4, () => fields.int32() >>> 0) };
    }
    case 'B':
      return {
        kind: 'bind',
        portal: fields.text(),
        statement: fields.text(),
        formats: fields.list(2, () => fields.format()),
        values: fields.list(4, () => fields.value()),
        resultFormats: fields.list(2, () => fields.format()),
      };
    case 'D':
    case 'C': {
      const what = fields.byte();
      if (what !== 'S' && what !== 'P')
        throw protocolError(`message ${type} names neither S nor P`);
      return {
        kind: type === 'D' ? 'describe' : 'close',
        what: what === 'S' ? 'statement' : 'portal',
        name: fields.text(),
      };
    }
    case 'E':
      return { kind: 'execute', portal: fields.text(), maxRows: Math.max(0, fields.int32()) };
    case 'S':
      return { kind: 'sync' };
    case 'H':
      return { kind: 'flush' };
    case 'X':
      return { kind: 'terminate' };
    case 'c':
      return { kind: 'copyDone' };
    case 'd':
      return { kind: 'copyData', data: fields.rest() };
    case 'f':
      return { kind: 'copyFail', reason: fields.text() };
    default:
      throw protocolError(`no client message has the type ${JSON.stringify(type)}`);
  }
}

/** Reads the fields of one message in order. */
class Fields {
  readonly #what: string;
  readonly #body: Buffer;
  #at = 0;

  constructor(what: string, body: Buffer) {
    this.#what = what;
    this.#body = body;
  }

  byte(): string {
    return String.fromCharCode(this.#bytes(1)[0]!);
  }

  int32(): number {
    return this.#bytes(4).readInt32BE(0);
  }

  /** A text with a zero at its end. */
  text(): string {
    const end = this.#body.indexOf(0, this.#at);
    if (end < 0) throw protocolError(`a text in ${this.#what} has no end`);
    const bytes = this.#body.subarray(this.#at, end);
    this.#at = end + 1;
    return utf8(bytes, this.#what);
  }

  format(): FormatCode {
    const code = this.#bytes(2).readInt16BE(0);
    if (code !== 0 && code !== 1) {
      throw protocolError(
        `${this.#what} asks for the format ${code}; there are 0 (text) and 1 (binary)`,
      );
    }
    return code;
  }

  /** A value with its length before it; null for NULL. */
  value(): Buffer | null {
    const length = this.int32();
    if (length === -1) return null;
    if (length < 0) throw protocolError(`a value in ${this.#what} has the length ${length}`);
    return this.#bytes(length);
  }

  /** A list with its count before it. `itemBytes` is the fewest bytes of an item. */
  list<T>(itemBytes: number, item: () => T): readonly T[] {
    const count = this.#bytes(2).readUInt16BE(0);
    if (count * itemBytes > this.#body.length - this.#at) {
      throw protocolError(`${this.#what} ends before the ${count} items that it says it has`);
    }
    return Array.from({ length: count }, item);
  }

  rest(): Buffer {
    return this.#bytes(this.#body.length - this.#at);
  }

  end(): void {
    const left = this.#body.length - this.#at;
    if (left > 0) throw protocolError(`${this.#what} has ${left} bytes too many`);
  }

  #bytes(count: number): Buffer {
    const end = this.#at + count;
    if (end > this.#body.length) throw protocolError(`${this.#what} ends too early`);
    const bytes = this.#body.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Returns bytes as text. Refuses bytes that are not UTF-8. */
export function utf8(bytes: Uint8Array, what: string): string {
  try {
    return DECODER.decode(bytes);
  } catch {
    throw protocolError(`a text in ${what} is not UTF-8, the only encoding of this server`);
  }
}
