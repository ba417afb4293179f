/** YAML text to plain values, each with its place in the file. */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { SourcePlace } from '../errors.ts';
import { CASCADE_MAX_DEPTH } from '../limits.ts';
import type { Json } from '../util/json.ts';
import type { Problem } from './problems.ts';

/** A path into the file's value, as zod reports it. */
export type ValuePath = readonly (string | number)[];

/** A parsed file. `problems` is empty where the value can be trusted to be what the text says. */
export interface ParsedYaml {
  readonly value: Json;
  readonly problems: readonly Problem[];
  /** Where a value (or its key) stands; for a path that is not there, its nearest parent. */
  place(path: ValuePath, part?: 'key' | 'value'): SourcePlace;
  /** True where the value is a block text (`|` or `>`), which begins on the line after its place. */
  isBlock(path: ValuePath): boolean;
}

const REFUSED_KEYS = new Set(['__proto__', 'constructor', 'prototype', '<<']);

/** Parses text that `guardYaml` has passed. Errors and warnings alike are problems. */
export function parseYaml(text: string, file: string): ParsedYaml {
  const lineCounter = new LineCounter();
  const problems: Problem[] = [];
  const offsets = new Map<string, number>();
  const blocks = new Set<string>();
  const at = (offset: number): SourcePlace => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  // The library's own duplicate-key check is quadratic; `toValue` does it with a set.
  const document = parseDocument(text, {
    lineCounter,
    strict: true,
    uniqueKeys: false,
    stringKeys: true,
    prettyErrors: false,
  });
  for (const issue of [...document.errors, ...document.warnings]) {
    const message =
      issue.code === 'MULTIPLE_DOCS' ? 'a file holds one document' : issue.message.split('\n')[0]!;
    problems.push({ place: at(issue.pos[0]), message });
  }

  function toValue(node: Node | null, path: ValuePath): Json {
    const offset = node?.range?.[0];
    if (offset !== undefined) offsets.set(JSON.stringify(path), offset);
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

  return {
    value: toValue(document.contents as Node | null, []),
    problems,
    isBlock: (path) => blocks.has(JSON.stringify(path)),
    place(path, part = 'value') {
      for (let length = path.length; length >= 0; length--) {
        const name = JSON.stringify(path.slice(0, length));
        const key = offsets.get(`key ${name}`);
        const value = offsets.get(name);
        const offset = part === 'key' ? (key ?? value) : (value ?? key);
        if (offset !== undefined) return at(offset);
      }
      return { file, line: 1, column: 1 };
    },
  };
}
