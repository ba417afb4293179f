/** Finds the only JSON object or list among the parts of a text. */
import type { JsonPart } from './scan-answer.ts';

/** The text of the only value, or why there is none. `nearly`: with small mistakes. */
export type FoundJson =
  | { readonly kind: 'strict' | 'nearly'; readonly text: string }
  | { readonly kind: 'none'; readonly message: string };

/** A list such as `[1]` or `[2, 3]` may be a reference to sources, so any other value is preferred. */
const REFERENCE = /^\[\s*\d{1,3}(?:\s*,\s*\d{1,3})*\s*\]$/;

const CUT_OFF = 'its JSON is cut off or nested too deep';

/** Returns the only value. Strict values are preferred. Two different values are refused. */
export function findJson(text: string, parts: readonly JsonPart[]): FoundJson {
  const has = (kind: JsonPart['kind']): boolean => parts.some((part) => part.kind === kind);
  if (has('cut')) return { kind: 'none', message: CUT_OFF };
  if (has('broken')) {
    return { kind: 'none', message: 'it holds text that looks like JSON and is not' };
  }
  const kind = has('strict') ? 'strict' : 'nearly';
  const found = parts.filter((part) => part.kind === kind);
  const texts = [...new Set(found.map(({ start, end }) => text.slice(start, end)))];
  const values = texts.filter((value) => value.length > 200 || !REFERENCE.test(value));
  const left = values.length > 0 ? values : texts;
  if (left.length === 1) return { kind, text: left[0]! };
  const message = left.length === 0 ? 'it holds no JSON' : `it holds ${left.length} JSON values`;
  return { kind: 'none', message };
}
