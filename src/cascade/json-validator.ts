/** JSON Schema, draft 2020-12, by ajv; loaded with the first schema. */
import { createRequire } from 'node:module';
import type { Ajv2020, Options } from 'ajv/dist/2020.js';
import type { Json, JsonObject } from '../util/json.ts';

/** Checks a value; what is wrong with it, or undefined. */
export type JsonValidator = (value: Json) => SchemaProblem | undefined;

/** The first thing wrong: where in the value, and what was expected there. */
export interface SchemaProblem {
  /** e.g. `.rows[3].price`; empty for the value itself. */
  readonly path: string;
  readonly message: string;
}

let shared: Ajv2020 | undefined;

/** One instance: it compiles the schema of schemas once, which takes longer than all that follows. */
function ajv(): Ajv2020 {
  if (shared !== undefined) return shared;
  const loaded: unknown = createRequire(import.meta.url)('ajv/dist/2020.js');
  const { Ajv2020: Constructor } = loaded as {
    readonly Ajv2020: new (options: Options) => Ajv2020;
  };
  shared = new Constructor({
    strict: false,
    validateFormats: false,
    addUsedSchema: false,
    logger: false,
  });
  return shared;
}

/** The keywords that count. */
export function knownKeywords(): ReadonlySet<string> {
  return new Set(['$anchor', ...Object.keys(ajv().RULES.keywords)]);
}

/**
 * Compiles a schema. Throws ajv's error where it is not one. Unknown keywords and formats are ignored.
 * `isChecked`: the schema was compiled before, in another thread, and is not held against the schema of
 * schemas again.
 */
export function compileJson(schema: JsonObject, isChecked = false): JsonValidator {
  if ('$async' in schema) throw new TypeError('$async is not available');
  if (!isChecked && ajv().validateSchema(schema) !== true) {
    throw new TypeError(ajv().errorsText(ajv().errors, { dataVar: 'schema' }));
  }
  ajv().opts.validateSchema = false;
  const validate = ajv().compile(schema);
  ajv().removeSchema(schema);
  return (value) => {
    if (validate(value) === true) return undefined;
    const error = validate.errors?.[0];
    const path = (error?.instancePath ?? '')
      .replace(/\/(\d+)(?=\/|$)/g, '[$1]')
      .replaceAll('/', '.');
    return { path, message: error?.message ?? 'does not fit the schema' };
  };
}
