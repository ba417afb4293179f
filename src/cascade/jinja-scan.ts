/** Splits a Jinja text into segments. Nothing is evaluated. */

/** A segment of a template. `body` is the text between the delimiters, without trim marks. */
export interface Segment {
  readonly kind: 'text' | 'value' | 'tag' | 'comment' | 'raw';
  readonly start: number;
  readonly end: number;
  readonly body: string;
  /** The offset at which `body` begins. */
  readonly bodyStart: number;
}

const CLOSERS: Readonly<Record<string, string>> = { '{{': '}}', '{%': '%}', '{#': '#}' };

/** Splits a template into text, `{{ value }}`, `{% tag %}` and `{# comment #}`. An unclosed segment extends to the end. */
export function scanTemplate(source: string): readonly Segment[] {
  const segments: Segment[] = [];
  let position = 0;
  while (position < source.length) {
    const opener = /\{[{%#]/g;
    opener.lastIndex = position;
    const start = opener.exec(source)?.index ?? source.length;
    if (start > position) {
      const body = source.slice(position, start);
      segments.push({ kind: 'text', start: position, end: start, body, bodyStart: position });
    }
    if (start === source.length) break;
    const open = source.slice(start, start + 2);
    const close = CLOSERS[open]!;
    const bodyEnd =
      open === '{#' ? endOfComment(source, start + 2) : endOfCode(source, start + 2, close);
    const bodyStart = start + (/[-+]/.test(source[start + 2] ?? '') ? 3 : 2);
    const body = source.slice(bodyStart, bodyEnd).replace(/[-+]$/, '');
    position = Math.min(source.length, bodyEnd + 2);
    let kind: Segment['kind'] = open === '{{' ? 'value' : open === '{%' ? 'tag' : 'comment';
    if (kind === 'tag' && body.trim() === 'raw') {
      const end = /\{%[-+]?\s*endraw\s*[-+]?%\}/g;
      end.lastIndex = position;
      const found = end.exec(source);
      position = found === null ? source.length : found.index + found[0].length;
      kind = 'raw';
    }
    segments.push({ kind, start, end: position, body, bodyStart });
  }
  return segments;
}

function endOfComment(source: string, from: number): number {
  const end = source.indexOf('#}', from);
  return end < 0 ? source.length : end;
}

/** Returns the offset of `close`, outside strings and brackets. */
function endOfCode(source: string, from: number, close: string): number {
  let depth = 0;
  for (let i = from; i < source.length; i++) {
    const char = source[i]!;
    if (depth === 0 && source.startsWith(close, i)) return i;
    if (char === '"' || char === "'") i = endOfString(source, i);
    else if (char === '{' || char === '[' || char === '(') depth++;
    else if (char === '}' || char === ']' || char === ')') depth = Math.max(0, depth - 1);
  }
  return source.length;
}

/** Returns the offset of a string's closing quote. */
function endOfString(source: string, open: number): number {
  for (let i = open + 1; i < source.length; i++) {
    if (source[i] === '\\') i++;
    else if (source[i] === source[open]) return i;
  }
  return source.length;
}

/** Parses a path of own properties such as `outputs.ask.brand`. Returns undefined for any other expression. */
export function parsePath(expression: string): readonly string[] | undefined {
  const text = expression.trim();
  if (
    !/^(?:input|outputs?|state)(?:\.[A-Za-z_][A-Za-z0-9_]*|\['[^'\\]*'\]|\["[^"\\]*"\])*$/.test(
      text,
    )
  ) {
    return undefined;
  }
  const names = text.matchAll(/([A-Za-z_][A-Za-z0-9_]*)|\['([^']*)'\]|\["([^"]*)"\]/g);
  return [...names].map(([, name, single, double]) => name ?? single ?? double ?? '');
}
