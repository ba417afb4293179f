/** Where JSON, the tags of thoughts and Markdown fences stand in a text. */
import { ANSWER_MAX_DEPTH } from '../limits.ts';
import { stringEnd } from './json-depth.ts';
import { strictJson } from './strict-json.ts';

/** Characters that the search for JSON in an answer looks at, for each character of it. */
const ANSWER_SCAN_FACTOR = 8;
/** Bracketed parts of an answer that it tries to read. */
const ANSWER_MAX_CANDIDATES = 1_000;

/**
 * An outermost bracketed part that is no prose. `strict` parses as it stands, `nearly` but for small
 * slips; `broken` and `cut` (to the end of the text) were meant as JSON.
 */
export interface JsonPart {
  readonly kind: 'strict' | 'nearly' | 'broken' | 'cut';
  readonly start: number;
  readonly end: number;
}

/** `<think>`, `</think>` or the like, outside of JSON. */
export interface ThoughtTag {
  readonly kind: 'opens' | 'closes' | 'quoted';
  readonly start: number;
  readonly end: number;
}

export interface AnswerMarks {
  readonly parts: readonly JsonPart[];
  readonly tags: readonly ThoughtTag[];
  /** Where lines begin that are fences, outside of JSON. */
  readonly fences: readonly number[];
}

/** Openings that JSON has and prose hardly: where one of them is broken, nothing in or after it is taken for the answer. */
const OBJECT = /\{\s*(?:["']|\/[/*]|-?\d+\s*:|[A-Za-z_$][\w$]*\s*[:/])/y;
const LIST =
  /\[\s*(?:\[|["']|\/[/*]|\{\s*(?:["'}]|\/[/*]|[A-Za-z_$][\w$]*\s*[:/])|(?:-?[\d.]+(?:[eE][+-]?\d+)?|\w+)\s*,)/y;
/** What comes after one is a piece of an object whose beginning is missing. */
const QUOTED_KEY = /["']\s{0,20}:\s{0,20}$/;
const QUOTED_KEY_MAX_CHARS = 42;
const MARK = /[[{"]|<(\/?)think(?:ing)?>|^[ \t]*```(?:[A-Za-z][\w+.-]*)?[ \t\r]*$/gm;

/** Undefined where there is more to look at than the bounds allow. */
export function scanAnswer(text: string): AnswerMarks | undefined {
  const parts: JsonPart[] = [];
  const tags: ThoughtTag[] = [];
  const fences: number[] = [];
  const quotes = new Quotes(text);
  let tried = 0;
  let steps = text.length * ANSWER_SCAN_FACTOR + 1_000;
  const mark = new RegExp(MARK);
  for (let match = mark.exec(text); match !== null; match = mark.exec(text)) {
    const start = match.index;
    const [found, slash] = match;
    if (found === '"') {
      quotes.meet(start);
      continue;
    }
    if (slash !== undefined) {
      const end = start + found.length;
      const kind = quotes.hold(end) ? 'quoted' : slash === '' ? 'opens' : 'closes';
      tags.push({ kind, start, end });
      continue;
    }
    if (found !== '{' && found !== '[') {
      fences.push(start);
      continue;
    }
    const end = balancedEnd(text, start, steps);
    steps -= Math.abs(end) - start;
    if (steps <= 0 || ++tried > ANSWER_MAX_CANDIDATES) return undefined;
    const kind = end > 0 && quotes.hold(end) ? undefined : kindOf(text, start, end);
    if (kind === undefined) continue; // prose in brackets; it may still hold a value
    parts.push({ kind, start, end: kind === 'cut' ? text.length : end });
    if (kind === 'cut') break;
    quotes.forget();
    mark.lastIndex = end;
  }
  return { parts, tags, fences };
}

/** What the bracketed text is; undefined for prose. An `end` below 0: the bracket is not closed. */
function kindOf(text: string, start: number, end: number): JsonPart['kind'] | undefined {
  const isSerious = matchesAt(OBJECT, text, start) || matchesAt(LIST, text, start);
  if (end < 0) return isSerious ? 'cut' : undefined;
  const before = text.slice(Math.max(0, start - QUOTED_KEY_MAX_CHARS), start);
  if (QUOTED_KEY.test(before)) return 'broken';
  const candidate = text.slice(start, end);
  if (parses(candidate)) return 'strict';
  if (strictJson(candidate) !== undefined) return 'nearly';
  return isSerious ? 'broken' : undefined;
}

/** Texts in quotes outside of JSON: what they enclose is not looked at. A JSON text does not go beyond its line. */
class Quotes {
  readonly #text: string;
  /** Where the quoted text that is read ends. */
  #end = -1;
  #newline = -1;

  constructor(text: string) {
    this.#text = text;
  }

  /** A quote at `at`: it opens a text, closes one, or stands in one, escaped. */
  meet(at: number): void {
    if (at <= this.#end) return;
    if (this.#newline < at) {
      const newline = this.#text.indexOf('\n', at);
      this.#newline = newline === -1 ? this.#text.length : newline;
    }
    this.#end = Math.min(stringEnd(this.#text, at), this.#newline);
  }

  /** Whether what ends at `end`, and began after the last quote that was met, is in quotes. */
  hold(end: number): boolean {
    return end <= this.#end;
  }

  forget(): void {
    this.#end = -1;
  }
}

/** Index after the bracket that closes the one at `start`; where there is none, minus where the search ended. */
function balancedEnd(text: string, start: number, steps: number): number {
  const closers: number[] = [];
  const last = Math.min(text.length, start + steps + 1);
  for (let i = start; i < last; i++) {
    const code = text.charCodeAt(i);
    switch (code) {
      case 0x22 /* " */:
        i = stringEnd(text, i);
        break;
      case 0x5b /* [ */:
      case 0x7b /* { */:
        if (closers.length >= ANSWER_MAX_DEPTH) return -i;
        closers.push(code + 2);
        break;
      case 0x5d /* ] */:
      case 0x7d /* } */:
        if (closers.pop() !== code) return -i;
        if (closers.length === 0) return i + 1;
        break;
    }
  }
  return -last;
}

function matchesAt(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
