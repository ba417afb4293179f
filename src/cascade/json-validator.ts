/** Validates JSON Schema, draft 2020-12, with ajv, which is loaded with the first schema. */
import type { Ajv2020, Options } from 'ajv/dist/2020.js';
import type { Json, JsonObject } from '../util/json.ts';
import { requirePackage } from '../util/require-package.ts';
import { compiledMetaSchema, DRAFT } from './meta-schema.ts';

/** Checks a value. Returns the first problem, or undefined. */
export type JsonValidator = (value: Json) => SchemaProblem | undefined;

/** The first problem of a value: its place, and what was expected there. */
export interface SchemaProblem {
  /** For example `.rows[3].price`. Empty for the value itself. */
  readonly path: string;
  readonly message: string;
}

let shared: Ajv2020 | undefined;

/** Returns the one ajv instance. It compiles the meta-schema once, which takes longer than all later work. */
function ajv(): Ajv2020 {
  if (shared !== undefined) return shared;
  const loaded: unknown = requirePackage('ajv/dist/2020.js');
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

/** Returns the keywords that are known, so that they need no warning. */
export function knownKeywords(): ReadonlySet<string> {
  return new Set(['$anchor', ...Object.keys(ajv().RULES.keywords)]);
}

/** Throws a `TypeError` if the value is no JSON Schema of the draft that it names. */
function checkSchema(schema: JsonObject): void {
  const { $schema = DRAFT } = schema;
  const check = $schema === DRAFT ? compiledMetaSchema(ajv()) : undefined;
  if ((check === undefined ? ajv().validateSchema(schema) : check(schema)) === true) return;
  const errors = check === undefined ? ajv().errors : check.errors;
  throw new TypeError(ajv().errorsText(errors, { dataVar: 'schema' }));
}

/**
 * Compiles a schema. Throws ajv's error if it is not a schema. Unknown keywords and formats are ignored. `isChecked`:
 * the schema was already compiled in another thread, so it is not checked against the meta-schema again.
 */
export function compileJson(schema: JsonObject, isChecked = false): JsonValidator {
  if ('$async' in schema) throw new TypeError('$async is not available');
  if (!isChecked) checkSchema(schema);
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
