/**
 * Refuses hostile YAML before it is parsed.
 *
 * `yaml` 2.9.1 aborts the whole process on about 10 KB of nested `[`: the regular expression compiler runs out of
 * memory, which cannot be caught. Its duplicate-key check is quadratic. Its lexer does not recurse, so the lexer's
 * tokens are counted first: a text that passes is shallow and small.
 */
import { CST, Lexer } from 'yaml';
import type { SourcePlace } from '../errors.ts';
import { CASCADE_MAX_BYTES, CASCADE_MAX_DEPTH } from '../limits.ts';
import type { Problem } from './problems.ts';
import { unquotedTemplate } from './quotes-missing.ts';

const CASCADE_MAX_KEYS = 2_000;
/** The most items of any kind (list entries, keys, commas) in one file. Parsing time grows with their number. */
const CASCADE_MAX_ITEMS = 10_000;

/** The text of a YAML file, or the problem in it. */
export type GuardedYaml =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: Problem };

/** Decodes a file's bytes and checks their size, encoding, nesting, number of keys, anchors and tags. */
export function guardYaml(bytes: Uint8Array, file: string): GuardedYaml {
  const refuse = (
    message: string,
    place: SourcePlace = { file, line: 1, column: 1 },
  ): GuardedYaml => ({
    ok: false,
    problem: { place, message },
  });
  if (bytes.length > CASCADE_MAX_BYTES) {
    return refuse(`the file has ${bytes.length} bytes; a cascade may have ${CASCADE_MAX_BYTES}`);
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return refuse('the file is UTF-16; save it as UTF-8');
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('the file is not UTF-8');
  }
  const control = /[^\P{Cc}\t\n\r\u0085]/u.exec(text);
  if (control !== null) {
    const code = control[0].codePointAt(0)?.toString(16).padStart(4, '0') ?? '';
    return refuse(`control character U+${code}`, placeAt(text, control.index, file));
  }
  const refusal = scanTokens(text);
  if (refusal === undefined) return { ok: true, text };
  const mistake = refusal.isSyntax ? unquotedTemplate(text, refusal.offset) : undefined;
  const { message, offset } = mistake ?? refusal;
  return refuse(message, placeAt(text, offset, file));
}

/** Returns the 1-based line and column of an offset. */
function placeAt(text: string, offset: number, file: string): SourcePlace {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { file, line, column: offset - before.lastIndexOf('\n') };
}

interface Refusal {
  readonly message: string;
  readonly offset: number;
  /** True if the text contains a mark of YAML that may have been meant as plain text. */
  readonly isSyntax?: true;
}

const TOO_DEEP = `nesting deeper than ${CASCADE_MAX_DEPTH} levels`;

const REFUSED: Partial<Record<string, string>> = {
  anchor: 'anchors and aliases are not allowed; write the value out',
  alias: 'anchors and aliases are not allowed; write the value out',
  tag: 'tags are not allowed',
  directive: 'YAML directives are not allowed',
  'directive-line': 'YAML directives are not allowed',
};

/** Marks without width that the lexer inserts between the pieces of the text. */
const ZERO_WIDTH = new Set(['\u0002', '\u0018', '\u001f']);
const SCALAR_FOLLOWS = '\u001f';
const BLANK = new Set(['space', 'newline', 'comment']);
const KEYS = new Set(['map-value-ind', 'explicit-key-ind']);
const ITEMS = new Set(['comma', 'seq-item-ind', 'flow-seq-start', 'flow-map-start']);

/** Counts the lexer's tokens. The lexer is a generator, so reading stops at the first problem of a hostile file. */
function scanTokens(text: string): Refusal | undefined {
  let offset = 0;
  let lineStart = 0;
  let atLineStart = true;
  let scalarFollows = false;
  let flowDepth = 0;
  let keys = 0;
  let items = 0;
  let documents = 0;
  let afterScalar = false;
  // The columns at which block collections begin. A deeper collection always begins further right.
  const columns: number[] = [];
  for (const token of new Lexer().lex(text)) {
    if (ZERO_WIDTH.has(token)) {
      scalarFollows = token === SCALAR_FOLLOWS;
      continue;
    }
    const type = scalarFollows ? 'scalar' : (CST.tokenType(token) ?? 'scalar');
    scalarFollows = false;
    const refused = REFUSED[type];
    if (refused !== undefined) return { message: refused, offset, isSyntax: true };
    const isScalar = type === 'scalar' || type.endsWith('-quoted-scalar');
    // The parser would collect an error for each of thousands of such texts. A block text ends with its line, so
    // another text may follow it.
    if (isScalar && afterScalar) {
      return {
        message: 'two texts side by side; is a comma, a colon or a quote missing?',
        offset,
        isSyntax: true,
      };
    }
    if (type !== 'space') afterScalar = isScalar && !token.endsWith('\n');
    if ((type === 'doc-start' || type === 'doc-end') && ++documents > 2) {
      return { message: 'a file holds one document', offset };
    }
    if (KEYS.has(type) && ++keys > CASCADE_MAX_KEYS) {
      return { message: `more than ${CASCADE_MAX_KEYS} keys`, offset };
    }
    if ((ITEMS.has(type) || isScalar) && ++items > CASCADE_MAX_ITEMS) {
      return { message: `more than ${CASCADE_MAX_ITEMS} items`, offset };
    }
    if (type === 'flow-seq-start' || type === 'flow-map-start') flowDepth++;
    if (type === 'flow-seq-end' || type === 'flow-map-end') flowDepth = Math.max(0, flowDepth - 1);
    const indicator = type === 'seq-item-ind' || KEYS.has(type);
    if (flowDepth === 0 && (indicator || (atLineStart && !BLANK.has(type)))) {
      const column = offset - lineStart;
      while (columns.length > 0 && columns[columns.length - 1]! >= column) columns.pop();
      columns.push(column);
    }
    // A block level takes two columns: for a key and its colon.
    if (flowDepth > CASCADE_MAX_DEPTH || columns.length > 2 * CASCADE_MAX_DEPTH) {
      return { message: TOO_DEEP, offset };
    }
    const lastBreak = token.lastIndexOf('\n');
    if (lastBreak >= 0) lineStart = offset + lastBreak + 1;
    if (lastBreak >= 0 && lastBreak === token.length - 1) atLineStart = true;
    else if (type !== 'space') atLineStart = false;
    offset += token.length;
  }
  return undefined;
}
