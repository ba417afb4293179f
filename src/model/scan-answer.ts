/** Finds JSON, `<think>` tags and Markdown fences in a model's answer. */
import { ANSWER_MAX_DEPTH } from '../limits.ts';
import { stringEnd } from './json-depth.ts';
import { strictJson } from './strict-json.ts';

/** The work limit of the search for JSON: characters looked at for each character of the answer. */
const ANSWER_SCAN_FACTOR = 8;
/** The maximum number of bracketed parts that the search tries to read. */
const ANSWER_MAX_CANDIDATES = 1_000;

/**
 * An outermost bracketed part that is not prose. `strict`: it parses as JSON. `nearly`: it parses after the repair of
 * small mistakes. `broken`: it looks like JSON and cannot be parsed. `cut`: it looks like JSON and is never closed.
 */
export interface JsonPart {
  readonly kind: 'strict' | 'nearly' | 'broken' | 'cut';
  readonly start: number;
  readonly end: number;
}

/** A tag such as `<think>` or `</think>` outside of JSON. `quoted`: the tag stands in a quoted text. */
export interface ThoughtTag {
  readonly kind: 'opens' | 'closes' | 'quoted';
  readonly start: number;
  readonly end: number;
}

/** All parts, tags and fences of an answer, each in the order of the text. */
export interface AnswerMarks {
  readonly parts: readonly JsonPart[];
  readonly tags: readonly ThoughtTag[];
  /** The start of each line outside of JSON that is a Markdown fence. */
  readonly fences: readonly number[];
}

/** The start of an object (and, below, of a list) that prose hardly ever has. A part with it is meant as JSON. */
const OBJECT = /\{\s*(?:["']|\/[/*]|-?\d+\s*:|[A-Za-z_$][\w$]*\s*[:/])/y;
const LIST =
  /\[\s*(?:\[|["']|\/[/*]|\{\s*(?:["'}]|\/[/*]|[A-Za-z_$][\w$]*\s*[:/])|(?:-?[\d.]+(?:[eE][+-]?\d+)?|\w+)\s*,)/y;
/** A quoted key before a bracket: the bracket is a part of an object whose beginning is missing. */
const QUOTED_KEY = /["']\s{0,20}:\s{0,20}$/;
const QUOTED_KEY_MAX_CHARS = 42;
const MARK = /[[{"]|<(\/?)think(?:ing)?>|^[ \t]*```(?:[A-Za-z][\w+.-]*)?[ \t\r]*$/gm;

/** Scans an answer. Undefined if the scan would exceed its bounds. */
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
    if (kind === undefined) continue; // prose in brackets, which may still contain JSON
    parts.push({ kind, start, end: kind === 'cut' ? text.length : end });
    if (kind === 'cut') break;
    quotes.forget();
    mark.lastIndex = end;
  }
  return { parts, tags, fences };
}

/** Returns the kind of a bracketed text; undefined for prose. A negative `end` means that the bracket is not closed. */
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

/** Tracks quoted texts outside of JSON, since brackets and tags in them are ignored. A quoted text ends at its line. */
class Quotes {
  readonly #text: string;
  /** Where the latest quoted text ends. */
  #end = -1;
  #newline = -1;

  constructor(text: string) {
    this.#text = text;
  }

  /** Takes in the quote at `at`. A quote within or at the end of the latest quoted text changes nothing. */
  meet(at: number): void {
    if (at <= this.#end) return;
    if (this.#newline < at) {
      const newline = this.#text.indexOf('\n', at);
      this.#newline = newline === -1 ? this.#text.length : newline;
    }
    this.#end = Math.min(stringEnd(this.#text, at), this.#newline);
  }

  /** True if a part that ends at `end`, and begins after the last quote that was met, is in quotes. */
  hold(end: number): boolean {
    return end <= this.#end;
  }

  forget(): void {
    this.#end = -1;
  }
}

/** Returns the index after the bracket that closes the one at `start`; if none does, minus the end of the search. */
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
