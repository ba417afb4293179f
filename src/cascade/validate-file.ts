/** A parsed file against the schema: every problem, with its place and the nearest known key. */
import type { Json } from '../json.ts';
import type { ParsedYaml, ValuePath } from './parse-yaml.ts';
import type { Problem } from './problems.ts';
import { type CascadeFile, cascadeFileSchema, knownKeys } from './schema.ts';
import { didYouMean } from './spelling.ts';

/** The validated value, or all that is wrong with it. */
export function validateFile(
  parsed: ParsedYaml,
):
  | { readonly ok: true; readonly file: CascadeFile }
  | { readonly ok: false; readonly problems: readonly Problem[] } {
  const result = cascadeFileSchema.safeParse(parsed.value);
  if (result.success) return { ok: true, file: result.data };
  const problems: Problem[] = [];
  for (const issue of result.error.issues) {
    const path = issue.path.filter((part): part is string | number => typeof part !== 'symbol');
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        const place = parsed.place([...path, key], 'key');
        problems.push({ place, message: unknownKey(key, path) });
      }
      continue;
    }
    const missing = issue.code === 'invalid_type' && valueAt(parsed.value, path) === undefined;
    const message = missing
      ? `${formatPath(path)} is missing`
      : `${formatPath(path)}: ${issue.message.replace(/^Invalid input: /, '')}`;
    problems.push({ place: parsed.place(path), message });
  }
  return { ok: false, problems };
}

function unknownKey(key: string, path: ValuePath): string {
  const where = path.length === 0 ? '' : ` in ${formatPath(path)}`;
  return `unknown key ${key}${where}${didYouMean(key, knownKeys(path))}`;
}

function valueAt(value: Json, path: ValuePath): unknown {
  let found: unknown = value;
  for (const part of path) {
    found = typeof found === 'object' && found !== null ? Reflect.get(found, part) : undefined;
  }
  return found;
}

/** A path as people write it: `cells[0].retry.base`. */
export function formatPath(path: ValuePath): string {
  if (path.length === 0) return 'the file';
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
  return text.replace(/^\./, '');
}
