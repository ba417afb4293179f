/** Checks for values that JSON.parse accepts and the engine does not. */
import type { Json } from '../util/json.ts';

/**
 * Freezes a parsed value, or returns the problem with it: a number beyond a double's range, a lone surrogate, or a
 * `__proto__` key. Recursive: the caller has bounded the value's depth before parsing.
 */
export function checkedJson(value: Json): string | undefined {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? undefined : 'it holds a number that is too large';
    case 'string':
      return value.isWellFormed() ? undefined : 'it holds half a character (a lone surrogate)';
    case 'boolean':
      return undefined;
  }
  if (value === null) return undefined;
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) {
      const problem = checkedJson(item);
      if (problem !== undefined) return problem;
    }
  } else {
    for (const [key, item] of Object.entries(value)) {
      if (key === '__proto__') return 'it holds a key __proto__';
      const problem = key.isWellFormed() ? checkedJson(item) : checkedJson(key);
      if (problem !== undefined) return problem;
    }
  }
  Object.freeze(value);
  return undefined;
}
