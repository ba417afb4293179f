/** The rows of COPY as bytes: text, csv and binary, as PostgreSQL writes and reads them. */

import type { CopyFormat } from './copy-options.ts';
import { refusal } from './protocol-error.ts';

/** The first bytes of the binary format, with no flags and no extension. */
export const BINARY_HEADER: Buffer = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
/** The last bytes of the binary format. */
export const BINARY_END: Buffer = Buffer.from([0xff, 0xff]);
/** The largest row that COPY FROM STDIN reads. */
const ROW_MAX_BYTES = 16 * 1024 * 1024;

const ESCAPES: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};
const UNESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Returns a row, given as the texts of its values, as a line. */
export function rowLine(texts: readonly (string | null)[], format: CopyFormat): string {
  const { delimiter, nullText } = format;
  const fields = texts.map((text) => {
    if (text === null) return nullText;
    return format.kind === 'csv'
      ? csvField(text, format, texts.length === 1)
      : textField(text, delimiter);
  });
  return `${fields.join(delimiter)}\n`;
}

function textField(text: string, delimiter: string): string {
  const escaped = text.replace(/[\b\f\n\r\t\v\\]/g, (sign) => ESCAPES[sign]!);
  return delimiter === '\t' ? escaped : escaped.replaceAll(delimiter, `\\${delimiter}`);
}

function csvField(
  text: string,
  { delimiter, nullText, quote, escape: mark }: CopyFormat,
  isAlone: boolean,
): string {
  const mustQuote =
    text === nullText ||
    text.includes(delimiter) ||
    text.includes(quote) ||
    /[\n\r]/.test(text) ||
    (isAlone && text === '\\.');
  if (!mustQuote) return text;
  const doubled = text.replaceAll(mark, mark + mark);
  return `${quote}${quote === mark ? doubled : doubled.replaceAll(quote, mark + quote)}${quote}`;
}

/** A field as read: its text or bytes, or NULL. */
export type Field = string | Buffer | null;

/** Reads the rows of a file that comes in pieces. */
export interface RowReader {
  /** Takes a piece, and returns the rows that it completes. */
  push(piece: Buffer): readonly (readonly Field[])[];
  /** Ends the file, and returns the last row if its line had no end. */
  end(): readonly (readonly Field[])[];
}

/** `names` are those of the columns, which a header with `match` must have in this order. */
export function rowReader(format: CopyFormat, names: readonly string[]): RowReader {
  return format.kind === 'binary' ? new BinaryRows() : new LineRows(format, names);
}

/** Reads the text and csv formats. */
class LineRows implements RowReader {
  readonly #format: CopyFormat;
  readonly #names: readonly string[];
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #rest = '';
  #isAtHeader: boolean;
  #isOver = false;
  #line = 0;

  constructor(format: CopyFormat, names: readonly string[]) {
    this.#format = format;
    this.#names = names;
    this.#isAtHeader = format.hasHeader !== false;
  }

  push(piece: Buffer): readonly (readonly Field[])[] {
    return this.#rows(this.#decoded(piece), false);
  }

  end(): readonly (readonly Field[])[] {
    return this.#rows(this.#decoded(undefined), true);
  }

  #decoded(piece: Buffer | undefined): string {
    try {
      return piece === undefined
        ? this.#decoder.decode()
        : this.#decoder.decode(piece, { stream: true });
    } catch {
      throw refusal('22021', `the data of COPY is not UTF-8 after line ${this.#line}`);
    }
  }

  #rows(text: string, isLast: boolean): (readonly Field[])[] {
    const source = this.#rest + text;
    const rows: (readonly Field[])[] = [];
    let start = 0;
    while (!this.#isOver) {
      const end = this.#lineEnd(source, start);
      if (end < 0 && !(isLast && start < source.length)) break;
      const line = source.slice(start, end < 0 ? source.length : end).replace(/\r$/, '');
      start = end < 0 ? source.length : end + 1;
      this.#line += 1;
      if (line === '\\.') this.#isOver = true;
      else if (this.#isAtHeader) this.#readHeader(this.#fields(line));
      else rows.push(this.#fields(line));
    }
    this.#rest = this.#isOver ? '' : source.slice(start);
    if (this.#rest.length > ROW_MAX_BYTES) {
      throw refusal('54000', `row ${this.#line + 1} of COPY is longer than ${ROW_MAX_BYTES} bytes`);
    }
    return rows;
  }

  #readHeader(fields: readonly Field[]): void {
    this.#isAtHeader = false;
    const names = this.#names;
    if (this.#format.hasHeader !== 'match') return;
    if (fields.length === names.length && fields.every((field, at) => field === names[at])) return;
    throw refusal(
      '22P04',
      `the header of COPY names ${fields.join(', ')}, and the columns are ${names.join(', ')}`,
    );
  }

  /** The end of the line that begins at `start`; -1 if it is not there yet. In csv, a line may end within quotes. */
  #lineEnd(source: string, start: number): number {
    const { kind, quote, escape: mark } = this.#format;
    if (kind === 'text') return source.indexOf('\n', start);
    let isQuoted = false;
    for (let at = start; at < source.length; at += 1) {
      const sign = source[at];
      if (isQuoted && sign === mark && mark !== quote) at += 1;
      else if (sign === quote) isQuoted = !isQuoted;
      else if (sign === '\n' && !isQuoted) return at;
    }
    return -1;
  }

  #fields(line: string): readonly Field[] {
    return this.#format.kind === 'csv' ? this.#csvFields(line) : this.#textFields(line);
  }

  #textFields(line: string): readonly Field[] {
    const { delimiter, nullText } = this.#format;
    if (!line.includes('\\')) {
      return line.split(delimiter).map((raw) => (raw === nullText ? null : raw));
    }
    const fields: Field[] = [];
    let start = 0;
    for (let at = 0; at <= line.length; at += 1) {
      if (line[at] === '\\') at += 1;
      else if (at === line.length || line[at] === delimiter) {
        const raw = line.slice(start, at);
        fields.push(raw === nullText ? null : unescaped(raw));
        start = at + 1;
      }
    }
    return fields;
  }

  #csvFields(line: string): readonly Field[] {
    const { delimiter, nullText, quote, escape: mark } = this.#format;
    const fields: Field[] = [];
    let text = '';
    let isQuoted = false;
    let wasQuoted = false;
    for (let at = 0; at <= line.length; at += 1) {
      const sign = line[at];
      if (isQuoted) {
        if (sign === undefined)
          throw refusal('22P04', `a quote in line ${this.#line} of COPY is not closed`);
        if (sign === mark && (line[at + 1] === quote || line[at + 1] === mark)) {
          at += 1;
          text += line[at];
        } else if (sign === quote) isQuoted = false;
        else text += sign;
      } else if (sign === quote) {
        isQuoted = true;
        wasQuoted = true;
      } else if (sign === undefined || sign === delimiter) {
        fields.push(!wasQuoted && text === nullText ? null : text);
        text = '';
        wasQuoted = false;
      } else text += sign;
    }
    return fields;
  }
}

function unescaped(raw: string): string {
  if (!raw.includes('\\')) return raw;
  return raw.replace(/\\(x[0-9a-f]{1,2}|[0-7]{1,3}|[\s\S])/gi, (_, code: string) => {
    if (/^x./i.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff);
    return UNESCAPES[code] ?? code;
  });
}

/** Reads the binary format. */
class BinaryRows implements RowReader {
  #rest = Buffer.alloc(0);
  #hasHeader = false;
  #isOver = false;

  push(piece: Buffer): readonly (readonly Field[])[] {
    if (this.#isOver) return [];
    const source = Buffer.concat([this.#rest, piece]);
    let at = 0;
    if (!this.#hasHeader) {
      if (source.length < BINARY_HEADER.length) return this.#keep(source);
      const extension = source.readInt32BE(15);
      if (!source.subarray(0, 11).equals(BINARY_HEADER.subarray(0, 11)) || extension !== 0) {
        throw refusal('22P04', 'the data of COPY does not begin as the binary format does');
      }
      this.#hasHeader = true;
      at = BINARY_HEADER.length;
    }
    const rows: (readonly Field[])[] = [];
    while (!this.#isOver) {
      const row = this.#row(source, at);
      if (row === undefined) break;
      at = row.end;
      if (row.fields !== undefined) rows.push(row.fields);
    }
    this.#keep(source.subarray(at));
    return rows;
  }

  end(): readonly (readonly Field[])[] {
    if (this.#rest.length > 0) throw refusal('22P04', 'the data of COPY ends within a row');
    return [];
  }

  #keep(rest: Buffer): [] {
    if (rest.length > ROW_MAX_BYTES)
      throw refusal('54000', `a row of COPY is longer than ${ROW_MAX_BYTES} bytes`);
    this.#rest = Buffer.from(rest);
    return [];
  }

  #row(
    source: Buffer,
    start: number,
  ): { readonly end: number; readonly fields?: Field[] } | undefined {
    if (start + 2 > source.length) return undefined;
    const count = source.readInt16BE(start);
    let at = start + 2;
    if (count === -1) {
      this.#isOver = true;
      return { end: source.length };
    }
    const fields: Field[] = [];
    for (let field = 0; field < count; field += 1) {
      if (at + 4 > source.length) return undefined;
      const length = source.readInt32BE(at);
      at += 4;
      if (length < -1) throw refusal('22P04', 'a field of COPY has a negative length');
      if (length === -1) fields.push(null);
      else {
        if (at + length > source.length) return undefined;
        fields.push(source.subarray(at, at + length));
        at += length;
      }
    }
    return { end: at, fields };
  }
}
