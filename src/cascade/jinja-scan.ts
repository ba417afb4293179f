/** A Jinja text cut into its pieces, and the names that its expressions read; no evaluation. */

/** A piece of a template. `body` is what stands between the delimiters, without trim marks. */
export interface Segment {
  readonly kind: 'text' | 'value' | 'tag' | 'comment' | 'raw';
  readonly start: number;
  readonly end: number;
  readonly body: string;
}

const CLOSERS: Readonly<Record<string, string>> = { '{{': '}}', '{%': '%}', '{#': '#}' };

/** Cuts a template into text, `{{ value }}`, `{% tag %}` and `{# comment #}`; an unclosed one runs to the end. */
export function scanTemplate(source: string): readonly Segment[] {
  const segments: Segment[] = [];
  let position = 0;
  while (position < source.length) {
    const opener = /\{[{%#]/g;
    opener.lastIndex = position;
    const start = opener.exec(source)?.index ?? source.length;
    if (start > position) {
      const body = source.slice(position, start);
      segments.push({ kind: 'text', start: position, end: start, body });
    }
    if (start === source.length) break;
    const open = source.slice(start, start + 2);
    const close = CLOSERS[open]!;
    const bodyEnd =
      open === '{#' ? endOfComment(source, start + 2) : endOfCode(source, start + 2, close);
    const body = source
      .slice(start + 2, bodyEnd)
      .replace(/^[-+]/, '')
      .replace(/[-+]$/, '');
    position = Math.min(source.length, bodyEnd + 2);
    let kind: Segment['kind'] = open === '{{' ? 'value' : open === '{%' ? 'tag' : 'comment';
    if (kind === 'tag' && body.trim() === 'raw') {
      const end = /\{%[-+]?\s*endraw\s*[-+]?%\}/g;
      end.lastIndex = position;
      const found = end.exec(source);
      position = found === null ? source.length : found.index + found[0].length;
      kind = 'raw';
    }
    segments.push({ kind, start, end: position, body });
  }
  return segments;
}

function endOfComment(source: string, from: number): number {
  const end = source.indexOf('#}', from);
  return end < 0 ? source.length : end;
}

/** The offset of `close`, outside strings and brackets. */
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

/** The offset of a string's closing quote. */
function endOfString(source: string, open: number): number {
  for (let i = open + 1; i < source.length; i++) {
    if (source[i] === '\\') i++;
    else if (source[i] === source[open]) return i;
  }
  return source.length;
}

interface Token {
  readonly kind: 'name' | 'string' | 'other';
  readonly text: string;
}

function tokens(expression: string): readonly Token[] {
  const found: Token[] = [];
  const pattern =
    /"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[\p{L}_][\p{L}\p{N}_]*|\d[\w.]*|==|[^\s]/gsu;
  for (const [text] of expression.matchAll(pattern)) {
    const kind = /^["']/.test(text) ? 'string' : /^[\p{L}_]/u.test(text) ? 'name' : 'other';
    found.push({ kind, text });
  }
  return found;
}

/** What a template or expression reads of a run. 'all': the whole, or parts named only at run time. */
export interface References {
  readonly input: ReadonlySet<string> | 'all';
  readonly outputs: ReadonlySet<string> | 'all';
  readonly state: ReadonlySet<string> | 'all';
  /** Every name that is looked up, `input`, `outputs` and `state` among them. */
  readonly roots: ReadonlySet<string>;
}

/** The names that stand as words of the language in an expression. */
const KEYWORDS = new Set('and or not in is if else true false none True False None'.split(' '));

/** The references of one expression. */
export function expressionReferences(expression: string): References {
  return collect([expression]);
}

/** The references of all the expressions and tags of a template. */
export function templateReferences(source: string): References {
  const code = scanTemplate(source).filter(({ kind }) => kind === 'value' || kind === 'tag');
  return collect(code.map(({ body }) => body));
}

type Root = 'input' | 'outputs' | 'state';

function collect(expressions: readonly string[]): References {
  const found: Record<Root, Set<string> | 'all'> = {
    input: new Set(),
    outputs: new Set(),
    state: new Set(),
  };
  const roots = new Set<string>();
  for (const expression of expressions) {
    const list = tokens(expression);
    for (const [i, token] of list.entries()) {
      if (token.kind !== 'name' || KEYWORDS.has(token.text) || !isLookup(list, i)) continue;
      roots.add(token.text);
      if (token.text !== 'input' && token.text !== 'outputs' && token.text !== 'state') continue;
      const names = found[token.text];
      const name = memberName(list, i + 1);
      if (name === undefined) found[token.text] = 'all';
      else if (names !== 'all') names.add(name);
    }
  }
  return { ...found, roots };
}

/** False for an attribute, a filter, a test or a keyword argument. */
function isLookup(list: readonly Token[], i: number): boolean {
  const before = list[i - 1]?.text;
  if (before === '.' || before === '|' || before === 'is') return false;
  if (before === 'not' && list[i - 2]?.text === 'is') return false;
  const inCall = before === '(' || before === ',';
  return !(inCall && list[i + 1]?.text === '=');
}

/** The name in `.name` or `['name']`. */
function memberName(list: readonly Token[], i: number): string | undefined {
  const [first, second, third] = [list[i], list[i + 1], list[i + 2]];
  if (first?.text === '.' && second?.kind === 'name') return second.text;
  const plain = second?.kind === 'string' && !second.text.includes('\\');
  return first?.text === '[' && plain && third?.text === ']' ? second.text.slice(1, -1) : undefined;
}

/** A path of own properties such as `outputs.ask.brand`, undefined for any other expression. */
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
