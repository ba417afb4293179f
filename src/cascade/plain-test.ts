/**
 * Decides common conditions, such as `input.price is not none and input.kind == 'book'`, without WebAssembly (30 times
 * faster). Jinja decides every other condition.
 */
import type { Json } from '../util/json.ts';
import { parsePath } from './jinja-scan.ts';

interface Comparison {
  readonly path: readonly string[];
  /** The text or null with which the value is compared. */
  readonly operand: null | string;
  readonly isNegated: boolean;
}

/** Comparisons that are all joined by the same word. */
export interface PlainTest {
  readonly comparisons: readonly Comparison[];
  readonly join: 'and' | 'or';
}

const PATH = /(?:input|outputs?|state)(?:\.[A-Za-z_]\w*|\['[^'\\]*'\]|\["[^"\\]*"\])*/;
const COMPARISON = new RegExp(
  String.raw`\s*(${PATH.source})\s*(?:\s(is\s+not|is)\s+none\b|([=!]=)\s*(?:'([^'\\]*)'|"([^"\\]*)"))\s*`,
  'y',
);
const JOIN = /(and|or)\b/y;

/** Parses a condition. Returns undefined for any expression that is not such a condition. */
export function parsePlainTest(text: string): PlainTest | undefined {
  const comparisons: Comparison[] = [];
  let join: PlainTest['join'] | undefined;
  for (let at = 0; ; ) {
    COMPARISON.lastIndex = at;
    const match = COMPARISON.exec(text);
    if (match === null) return undefined;
    const [, source = '', is, equals, single, double] = match;
    const path = parsePath(source);
    if (path === undefined) return undefined;
    const isNegated = is === undefined ? equals === '!=' : is !== 'is';
    comparisons.push({
      path,
      operand: is === undefined ? (single ?? double ?? '') : null,
      isNegated,
    });
    at = COMPARISON.lastIndex;
    if (at === text.length) return { comparisons, join: join ?? 'and' };
    JOIN.lastIndex = at;
    const word = JOIN.exec(text)?.[1] as PlainTest['join'] | undefined;
    if (word === undefined || (join !== undefined && word !== join)) return undefined;
    join = word;
    at = JOIN.lastIndex;
  }
}

/** Decides a condition. Returns undefined if Jinja must decide, because a value is a list, an object or undefined. */
export function decidePlainTest(
  { comparisons, join }: PlainTest,
  valueAt: (path: readonly string[]) => Json | undefined,
): boolean | undefined {
  const decides = join === 'or';
  for (const { path, operand, isNegated } of comparisons) {
    const value = valueAt(path);
    if (value === undefined || (typeof value === 'object' && value !== null)) return undefined;
    if (((value === operand) !== isNegated) === decides) return decides;
  }
  return !decides;
}
