/** Parses YAML text to plain values, each with its place in the file. */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { SourcePlace } from '../errors.ts';
import { CASCADE_MAX_DEPTH, CASCADE_MAX_PROBLEMS } from '../limits.ts';
import type { Json } from '../util/json.ts';
import type { Problem } from './problems.ts';
import { type QuotesMissing, unquotedColon, unquotedTemplate } from './quotes-missing.ts';

/** A path into the file's value, as zod reports it. */
export type ValuePath = readonly (string | number)[];

/** A parsed file. If `problems` is not empty, the value may differ from the text. */
export interface ParsedYaml {
  readonly value: Json;
  readonly problems: readonly Problem[];
  /** Returns the place of a value (or its key). For a path that does not exist, returns the place of its nearest parent. */
  place(path: ValuePath, part?: 'key' | 'value'): SourcePlace;
  /** Returns the place of the word at an offset of a text. */
  placeOfWord(path: ValuePath, text: string, offset: number): SourcePlace;
  /** True if the value is a block text (`|` or `>`), which begins on the line after its place. */
  isBlock(path: ValuePath): boolean;
}

const REFUSED_KEYS = new Set(['__proto__', 'constructor', 'prototype', '<<']);

/** Parses text that `guardYaml` accepted. Errors and warnings are both problems. */
export function parseYaml(text: string, file: string): ParsedYaml {
  const lineCounter = new LineCounter();
  const problems: Problem[] = [];
  const offsets = new Map<string, number>();
  const ends = new Map<string, number>();
  const blocks = new Set<string>();
  const at = (offset: number): SourcePlace => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  // The library's own duplicate-key check is quadratic. `toValue` checks the keys of each object instead.
  const document = parseDocument(text, {
    lineCounter,
    strict: true,
    uniqueKeys: false,
    stringKeys: true,
    prettyErrors: false,
  });
  const issues = [...document.errors, ...document.warnings];
  // Other errors of the parser may only be consequences of such a mistake.
  const mistakes = quotesMissing(text, issues);
  if (mistakes.length > 0) {
    for (const { offset, message } of mistakes) problems.push({ place: at(offset), message });
    return { ...NOTHING, problems, place: () => at(0), placeOfWord: () => at(0) };
  }
  for (const { code, message, pos } of issues) {
    const what = code === 'MULTIPLE_DOCS' ? 'a file holds one document' : message.split('\n')[0]!;
    problems.push({ place: at(pos[0]), message: what });
  }

  function toValue(node: Node | null, path: ValuePath): Json {
    const offset = node?.range?.[0];
    if (offset !== undefined) offsets.set(JSON.stringify(path), offset);
    if (isScalar(node) && node.range) ends.set(JSON.stringify(path), node.range[1]);
    if (isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED')) {
      blocks.add(JSON.stringify(path));
    }
    if (path.length > CASCADE_MAX_DEPTH) {
      problems.push({
        place: at(offset ?? 0),
        message: `nesting deeper than ${CASCADE_MAX_DEPTH}`,
      });
      return null;
    }
    if (isSeq<Node>(node)) return node.items.map((item, i) => toValue(item, [...path, i]));
    if (isMap<Node, Node>(node)) {
      const value: Record<string, Json> = {};
      for (const { key, value: item } of node.items) {
        const name = isScalar(key) ? String(key.value) : '';
        const place = at(key?.range?.[0] ?? offset ?? 0);
        const itemPath = [...path, name];
        if (key?.range) offsets.set(`key ${JSON.stringify(itemPath)}`, key.range[0]);
        if (REFUSED_KEYS.has(name))
          problems.push({ place, message: `the key ${name} is not allowed` });
        else if (Object.hasOwn(value, name))
          problems.push({ place, message: `duplicate key ${name}` });
        else value[name] = toValue(item, itemPath);
      }
      return value;
    }
    return isScalar(node) ? toScalar(node.value, offset ?? 0) : null;
  }

  function toScalar(value: unknown, offset: number): Json {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number' && Number.isFinite(value)) {
      if (!Number.isInteger(value) || Number.isSafeInteger(value)) return value;
    }
    const message = 'a number that JSON cannot hold exactly; put it in quotes';
    problems.push({ place: at(offset), message });
    return null;
  }

  function place(path: ValuePath, part: 'key' | 'value' = 'value'): SourcePlace {
    for (let length = path.length; length >= 0; length--) {
      const name = JSON.stringify(path.slice(0, length));
      const key = offsets.get(`key ${name}`);
      const value = offsets.get(name);
      const offset = part === 'key' ? (key ?? value) : (value ?? key);
      if (offset !== undefined) return at(offset);
    }
    return { file, line: 1, column: 1 };
  }

  return {
    value: toValue(document.contents as Node | null, []),
    problems,
    isBlock: (path) => blocks.has(JSON.stringify(path)),
    place,
    placeOfWord(path, value, offset) {
      const name = JSON.stringify(path);
      const [start, end] = [offsets.get(name), ends.get(name)];
      const word = /^[\p{L}\p{N}_]+/u.exec(value.slice(offset))?.[0];
      if (start === undefined || end === undefined || word === undefined) return place(path);
      // Folding, indentation and escapes may separate words but do not change them. So the word's n-th occurrence in
      // the value is its n-th occurrence in the file.
      let found = start - 1;
      for (let i = value.indexOf(word); i >= 0 && i <= offset; i = value.indexOf(word, i + 1)) {
        found = text.indexOf(word, found + 1);
        if (found < 0 || found >= end) return place(path);
      }
      return found < start ? place(path) : at(found);
    },
  };
}

const NOTHING = { value: null, isBlock: () => false };

/** Finds the texts that lack quotes from the parser's errors, each once. */
function quotesMissing(
  text: string,
  issues: readonly { readonly code: string; readonly pos: readonly [number, number] }[],
): readonly QuotesMissing[] {
  const found = new Map<number, QuotesMissing>();
  for (const { code, pos } of issues.slice(0, CASCADE_MAX_PROBLEMS)) {
    const isKey = code === 'BLOCK_AS_IMPLICIT_KEY' || code === 'BLOCK_IN_FLOW';
    const mistake =
      unquotedTemplate(text, pos[0]) ?? (isKey ? unquotedColon(text, pos[0]) : undefined);
    if (mistake !== undefined && !found.has(mistake.offset)) found.set(mistake.offset, mistake);
  }
  return [...found.values()];
}
