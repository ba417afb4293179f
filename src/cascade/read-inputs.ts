/** Determines which columns a cascade reads: those declared in `inputs_schema`, or those found in its templates. */
import type { Json, JsonObject } from '../util/json.ts';
import type { Cascade, Cell } from './cascade.ts';
import { referencesOf } from './jinja-names.ts';
import { namedCascades } from './named-cascades.ts';
import type { NamingText } from './template-texts.ts';

/** The inputs that every RUN gives. */
export const RUN_INPUTS = ['data_table', 'row_count', 'columns'] as const;

/**
 * Returns the JSON Schema of the inputs. The short form `name: description` is widened to a schema in which each name is
 * required unless its description ends with "(optional)".
 */
export function widenInputsSchema(written: JsonObject): JsonObject | { readonly problem: string } {
  const isSchema =
    written['type'] === 'object' ||
    ['properties', 'required'].some((key) => typeof written[key] === 'object') ||
    ['$schema', '$ref', 'allOf', 'anyOf', 'oneOf'].some((key) => key in written);
  if (isSchema) return written;
  const properties: Record<string, Json> = {};
  const required: string[] = [];
  for (const [name, description] of Object.entries(written)) {
    if (typeof description !== 'string' && description !== null) {
      return {
        problem: `${name}: expected a description, or write inputs_schema as a JSON Schema`,
      };
    }
    properties[name] = description === null ? {} : { description };
    if (!/\(optional\)\.?\s*$/i.test(description ?? '')) required.push(name);
  }
  return { type: 'object', properties, required };
}

/** Returns the names under `properties` and `required`. */
export function declaredInputs(schema: JsonObject): readonly string[] {
  const properties = schema['properties'];
  const names =
    typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
  return [...new Set([...names, ...requiredInputs(schema)])];
}

/** Keywords with which a schema may accept inputs that its `properties` do not name. */
const OPENING =
  '$ref $dynamicRef allOf anyOf oneOf if then else dependentSchemas patternProperties'.split(' ');

/**
 * Returns the columns for a row's input: the declared inputs, and if the schema accepts others, also the inputs that the
 * cascade reads.
 */
export function inputColumnsOf(
  schema: JsonObject | undefined,
  cells: readonly Cell[],
  texts: readonly NamingText[],
  nested: ReadonlyMap<string, Cascade>,
): readonly string[] | 'all' {
  const declared = schema === undefined ? [] : declaredInputs(schema);
  if (schema !== undefined && !takesMore(schema, declared)) return declared;
  const read = inputsOf(cells, texts, nested);
  return read === 'all' ? 'all' : [...new Set([...declared, ...read])];
}

/**
 * True if a schema accepts inputs that it does not declare. A schema that declares inputs, and does not mention others,
 * accepts no others.
 */
export function takesMore(schema: JsonObject, declared: readonly string[]): boolean {
  if (OPENING.some((keyword) => keyword in schema)) return true;
  const rest = schema['additionalProperties'] ?? schema['unevaluatedProperties'];
  return rest === undefined ? declared.length === 0 : rest !== false;
}

/** Returns the names under `required`. */
export function requiredInputs(schema: JsonObject | undefined): readonly string[] {
  const required = schema?.['required'];
  if (!Array.isArray(required)) return [];
  return required.filter((name): name is string => typeof name === 'string');
}

/** Returns the inputs that the cells and the output read. */
function inputsOf(
  cells: readonly Cell[],
  texts: readonly NamingText[],
  nested: ReadonlyMap<string, Cascade>,
): readonly string[] | 'all' {
  const { input } = referencesOf(texts.flatMap(({ names }) => names));
  if (input === 'all') return 'all';
  const found = new Set(input);
  for (const cell of cells) {
    if (cell.kind === 'js' || readsWholeInput(cell, nested)) return 'all';
    if (cell.kind !== 'cascade' || cell.inputs !== undefined) continue;
    const columns = nested.get(cell.cascade)?.inputColumns ?? 'all';
    if (columns === 'all') return 'all';
    for (const name of columns) found.add(name);
  }
  return [...found];
}

/** True if a ward is code, or if a ward or an evaluator is a cascade that reads its input `input`. */
function readsWholeInput(cell: Cell, nested: ReadonlyMap<string, Cascade>): boolean {
  const { wards } = cell;
  if ([...(wards?.pre ?? []), ...(wards?.post ?? [])].some(({ kind }) => kind === 'js'))
    return true;
  return namedCascades(cell).some(({ name, given }) => {
    const columns = nested.get(name)?.inputColumns ?? 'all';
    return given !== undefined && (columns === 'all' || columns.includes('input'));
  });
}
