/** Finds keywords of a JSON Schema that have no effect because the validator does not know them. */
import type { Json, JsonObject } from '../util/json.ts';
import type { ValuePath } from './parse-yaml.ts';

/** Keywords whose value is a schema or a list of schemas. */
const SCHEMAS = new Set(
  'items prefixItems contains additionalProperties unevaluatedProperties unevaluatedItems propertyNames not if then else allOf anyOf oneOf contentSchema'.split(
    ' ',
  ),
);
/** Keywords whose value is an object of schemas by name. */
const NAMED_SCHEMAS = new Set(
  'properties patternProperties dependentSchemas $defs definitions'.split(' '),
);

/**
 * Returns the paths of keywords in a schema and its subschemas that are not in `known`. Keywords that begin with `x-`
 * belong to the author and are not reported.
 */
export function unknownKeywords(
  schema: JsonObject,
  known: ReadonlySet<string>,
): readonly ValuePath[] {
  const found: ValuePath[] = [];
  const walk = (value: Json, path: ValuePath): void => {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const [i, item] of value.entries()) walk(item as Json, [...path, i]);
      return;
    }
    for (const [keyword, below] of Object.entries(value)) {
      const at = [...path, keyword];
      if (SCHEMAS.has(keyword)) walk(below, at);
      else if (NAMED_SCHEMAS.has(keyword)) {
        for (const [name, named] of Object.entries(below ?? {})) walk(named as Json, [...at, name]);
      } else if (!known.has(keyword) && !keyword.startsWith('x-')) found.push(at);
    }
  };
  walk(schema, []);
  return found;
}
