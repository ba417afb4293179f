/** The schema of JSON Schemas. The bundle holds it compiled (`.ci/bundle.mjs`): ajv takes 50 ms to do that. */
import type { Ajv2020, ValidateFunction } from 'ajv/dist/2020.js';

/** Its name, which a schema may give as `$schema`. */
export const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

/** Returns the function that tells whether a value is a JSON Schema of draft 2020-12. */
export function compiledMetaSchema(ajv: Ajv2020): ValidateFunction {
  return ajv.getSchema(DRAFT)!;
}
