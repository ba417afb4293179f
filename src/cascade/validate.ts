/** Checks a value against a zod schema. Every problem has its path, and an unknown key the nearest known one. */
import type { z } from 'zod';
import { nearestSpelling } from '../../grammar/spelling.ts';
import type { ValuePath } from './parse-yaml.ts';

/** One problem of a value. */
export interface Finding {
  readonly path: ValuePath;
  readonly message: string;
  /** True if the last part of the path is a key that the schema does not have. */
  readonly isUnknownKey: boolean;
}

/** The value after validation, or all of its problems. */
export type Validated<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/** Checks a value. `place` is the path of the value itself. Messages contain this path and no values. */
export function validate<T>(
  schema: z.ZodType<T>,
  value: unknown,
  place: ValuePath = [],
): Validated<T> {
  const result = schema.safeParse(value, { error: knownKeys });
  if (result.success) return { ok: true, value: result.data };
  const findings = result.error.issues.flatMap((issue): Finding[] => {
    const path = issue.path.filter((part) => typeof part !== 'symbol');
    const named = formatPath([...place, ...path]);
    if (issue.code === 'unrecognized_keys') {
      const known = issue.message.split(', ');
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown key ${key}${named === '' ? '' : ` in ${named}`}${hint(key, known)}`,
        isUnknownKey: true,
      }));
    }
    const where = named || 'the file';
    const isMissing = issue.code === 'invalid_type' && valueAt(value, path) === undefined;
    const text = issue.code === 'invalid_key' ? issue.issues[0]!.message : issue.message;
    const message = isMissing
      ? `${where} is missing`
      : `${where}: ${text.replace(/^Invalid input: /, '')}`;
    return [{ path, message, isUnknownKey: false }];
  });
  return { ok: false, findings };
}

/** Returns `; did you mean x?`, or lists all known keys. */
function hint(key: string, known: readonly string[]): string {
  const near = nearestSpelling(key, known);
  return near === undefined ? `; it has ${known.join(', ')}` : `; did you mean ${near}?`;
}

/** Returns the list of known keys as the message of an issue about unknown keys. Other issues keep their own messages. */
function knownKeys(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'unrecognized_keys') return undefined;
  return Object.keys((issue.inst as z.ZodObject).shape).join(', ');
}

function valueAt(value: unknown, path: ValuePath): unknown {
  let found = value;
  for (const part of path) {
    found = typeof found === 'object' && found !== null ? Reflect.get(found, part) : undefined;
  }
  return found;
}

/** Formats a path as people write it: `cells[0].retry.base`. */
function formatPath(path: ValuePath): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
  return text.replace(/^\./, '');
}
