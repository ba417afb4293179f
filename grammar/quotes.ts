/** Finds the ends of quoted lexemes, reads their values, and quotes text. */

/**
 * Returns the offset after the quoted lexeme whose opening quote is at `at`; -1 if it is not closed. As in PostgreSQL,
 * a string continues in the next string if a line break separates the two. The same escapes hold in both.
 */
export function closingQuote(
  source: string,
  at: number,
  end: number,
  backslashEscapes: boolean,
): number {
  const quote = source[at];
  at++;
  while (at < end) {
    const character = source[at];
    if (character === '\\' && backslashEscapes) {
      at += 2;
    } else if (character !== quote) {
      at++;
    } else if (at + 1 < end && source[at + 1] === quote) {
      at += 2;
    } else {
      const next = quote === "'" ? continuation(source, at + 1, end) : -1;
      if (next < 0) return at + 1;
      at = next;
    }
  }
  return -1;
}

/** Returns the offset after the opening quote of the next string that continues this one; -1 if there is none. */
function continuation(source: string, at: number, end: number): number {
  let sawLineBreak = false;
  for (; at < end; at++) {
    const code = source.charCodeAt(at);
    if (code === 10 || code === 13) {
      sawLineBreak = true;
    } else if (code === 45 && source.charCodeAt(at + 1) === 45) {
      while (at + 1 < end && source[at + 1] !== '\n' && source[at + 1] !== '\r') at++;
    } else if (code !== 32 && (code < 9 || code > 13)) {
      return code === 39 && sawLineBreak ? at + 1 : -1;
    }
  }
  return -1;
}

const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;

/** Returns the `$$` or `$tag$` that opens a string at `at`; undefined if there is none. */
export function dollarDelimiter(source: string, at: number, end: number): string | undefined {
  DOLLAR.lastIndex = at;
  const found = DOLLAR.exec(source)?.[0];
  return found === undefined || at + found.length > end ? undefined : found;
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const ESCAPE =
  /\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([\s\S]))/g;

function decodeEscapes(body: string): string {
  return body.replace(ESCAPE, (...groups: unknown[]) => {
    const [octal, hex, short, long, other] = groups.slice(1, 6) as (string | undefined)[];
    if (other !== undefined) return ESCAPES[other] ?? other;
    const digits = hex ?? short ?? long;
    const code = digits ? Number.parseInt(digits, 16) : Number.parseInt(octal!, 8);
    return code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code);
  });
}

/** Returns the value of a closed string literal: `'…'`, `E'…'`, `$$…$$` or `$tag$…$tag$`, also if it is continued. */
export function stringValue(image: string): string {
  if (image.startsWith('$')) {
    const delimiter = image.slice(0, image.indexOf('$', 1) + 1);
    return image.slice(delimiter.length, -delimiter.length);
  }
  const escapes = image[0] !== "'";
  let value = '';
  let at = escapes ? 2 : 1;
  let from = at;
  while (at < image.length) {
    if (escapes && image[at] === '\\') {
      at += 2;
    } else if (image[at] !== "'") {
      at++;
    } else if (image[at + 1] === "'") {
      value += `${image.slice(from, at)}${escapes ? '\\' : ''}'`;
      at += 2;
      from = at;
    } else {
      value += image.slice(from, at);
      const next = continuation(image, at + 1, image.length);
      if (next < 0) break;
      at = next;
      from = at;
    }
  }
  return escapes ? decodeEscapes(value) : value;
}

/** Returns the name in a closed `"…"`. */
export function nameValue(image: string): string {
  return image.slice(1, -1).replaceAll('""', '"');
}

/** Returns the text as a string literal. */
export function quoteString(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** Returns the text as a quoted name. */
export function quoteName(value: string): string {
  return `"${value.replaceAll('"', '""')}"`;
}
