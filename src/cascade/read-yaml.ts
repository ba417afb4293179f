/** Reads a YAML file that people write, and checks it against its schema. Every problem has its place in the file. */
import type { z } from 'zod';
import { guardYaml } from './guard-yaml.ts';
import { type ParsedYaml, parseYaml } from './parse-yaml.ts';
import type { Problem } from './problems.ts';
import { validate } from './validate.ts';

/** The file's value, or all of its problems. */
export type ReadYaml<T> =
  | { readonly ok: true; readonly value: T; readonly parsed: ParsedYaml }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** True if the only problems are keys that the schema does not have. */
      readonly areUnknownKeys: boolean;
    };

/** Reads and checks the bytes of `file`. */
export function readYaml<T>(bytes: Uint8Array, file: string, schema: z.ZodType<T>): ReadYaml<T> {
  const guarded = guardYaml(bytes, file);
  if (!guarded.ok) return { ok: false, problems: [guarded.problem], areUnknownKeys: false };
  const parsed = parseYaml(guarded.text, file);
  const { problems } = parsed;
  if (problems.length > 0) return { ok: false, problems, areUnknownKeys: false };
  const validated = validate(schema, parsed.value);
  if (validated.ok) return { ok: true, value: validated.value, parsed };
  return {
    ok: false,
    problems: validated.findings.map(({ path, message, isUnknownKey }) => ({
      place: parsed.place(path, isUnknownKey ? 'key' : 'value'),
      message,
    })),
    areUnknownKeys: validated.findings.every(({ isUnknownKey }) => isUnknownKey),
  };
}
