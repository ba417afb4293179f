/** JSON Schema, draft 2020-12, by ajv; loaded with the first schema. */
import { createRequire } from 'node:module';
import type { Ajv2020 } from 'ajv/dist/2020.js';
import type { Json, JsonObject } from '../json.ts';

/** Checks a value; what is wrong with it, or undefined. */
export type JsonValidator = (value: Json) => SchemaProblem | undefined;

/** The first thing wrong: where in the value, and what was expected there. */
export interface SchemaProblem {
  /** e.g. `.rows[3].price`; empty for the value itself. */
  readonly path: string;
  readonly message: string;
}

let Constructor: typeof Ajv2020 | undefined;

/** Compiles a schema. Throws ajv's error where it is not one. Unknown keywords and formats are ignored. */
export function compileJson(schema: JsonObject): JsonValidator {
  Constructor ??= (
    createRequire(import.meta.url)('ajv/dist/2020.js') as { readonly Ajv2020: typeof Ajv2020 }
  ).Ajv2020;
  if ('$async' in schema) throw new TypeError('$async is not available');
  const ajv = new Constructor({ strict: false, validateFormats: false, logger: false });
  const validate = ajv.compile(schema);
  return (value) => {
    if (validate(value) === true) return undefined;
    const error = validate.errors?.[0];
    const path = (error?.instancePath ?? '')
      .replace(/\/(\d+)(?=\/|$)/g, '[$1]')
      .replaceAll('/', '.');
    return { path, message: error?.message ?? 'does not fit the schema' };
  };
}
