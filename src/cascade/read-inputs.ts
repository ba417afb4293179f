/** Which columns a cascade reads: declared in `inputs_schema`, or found in its templates. */
import type { Json, JsonObject } from '../util/json.ts';
import type { Cascade, Cell } from './cascade.ts';
import { expressionReferences, type References, templateReferences } from './jinja-scan.ts';
import { namedCascades } from './named-cascades.ts';

/** JSON Schema of the inputs; the short form `name: description` is widened, each name required unless its description ends with "(optional)". */
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

/** The names under `properties`. */
export function declaredInputs(schema: JsonObject): readonly string[] {
  const properties = schema['properties'];
  const names =
    typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
  return [...new Set([...names, ...requiredInputs(schema)])];
}

/** Keywords by which a schema may take inputs that its `properties` do not name. */
const OPENING =
  '$ref $dynamicRef allOf anyOf oneOf if then else dependentSchemas patternProperties'.split(' ');

/** The columns that a row's input is made of: the declared inputs, and where more may come, what the cascade reads. */
export function inputColumnsOf(
  schema: JsonObject | undefined,
  cells: readonly Cell[],
  output: string | undefined,
  nested: ReadonlyMap<string, Cascade>,
): readonly string[] | 'all' {
  const declared = schema === undefined ? [] : declaredInputs(schema);
  if (schema !== undefined && !takesMore(schema, declared)) return declared;
  const read = inputsOf(cells, output, nested);
  return read === 'all' ? 'all' : [...new Set([...declared, ...read])];
}

function takesMore(schema: JsonObject, declared: readonly string[]): boolean {
  if (OPENING.some((keyword) => keyword in schema)) return true;
  const rest = schema['additionalProperties'] ?? schema['unevaluatedProperties'];
  return rest === undefined ? declared.length === 0 : rest !== false;
}

/** The names under `required`. */
export function requiredInputs(schema: JsonObject | undefined): readonly string[] {
  const required = schema?.['required'];
  if (!Array.isArray(required)) return [];
  return required.filter((name): name is string => typeof name === 'string');
}

/** The inputs that the cells and the output read. */
function inputsOf(
  cells: readonly Cell[],
  output: string | undefined,
  nested: ReadonlyMap<string, Cascade>,
): readonly string[] | 'all' {
  const found = new Set<string>();
  for (const references of allReferences(cells, output)) {
    if (references.input === 'all') return 'all';
    for (const name of references.input) found.add(name);
  }
  for (const cell of cells) {
    if (cell.kind === 'js' || readsWholeInput(cell, nested)) return 'all';
    if (cell.kind !== 'cascade' || cell.inputs !== undefined) continue;
    const columns = nested.get(cell.cascade)?.inputColumns ?? 'all';
    if (columns === 'all') return 'all';
    for (const name of columns) found.add(name);
  }
  return [...found];
}

/** True where a ward or an evaluator is code, or a cascade that reads the `input` it is given. */
function readsWholeInput(cell: Cell, nested: ReadonlyMap<string, Cascade>): boolean {
  const { wards } = cell;
  if ([...(wards?.pre ?? []), ...(wards?.post ?? [])].some(({ kind }) => kind === 'js'))
    return true;
  return namedCascades(cell).some(({ name, given }) => {
    const columns = nested.get(name)?.inputColumns ?? 'all';
    return given !== undefined && (columns === 'all' || columns.includes('input'));
  });
}

function allReferences(cells: readonly Cell[], output: string | undefined): readonly References[] {
  const references: References[] = [];
  const add = (text: string | undefined): void => {
    if (text !== undefined) references.push(templateReferences(text));
  };
  const addExpression = (text: string | undefined): void => {
    if (text !== undefined) references.push(expressionReferences(text));
  };
  const addAll = (value: Json): void => {
    if (typeof value === 'string') add(value);
    else if (typeof value === 'object' && value !== null)
      for (const item of Object.values(value)) addAll(item);
  };
  addExpression(output);
  for (const cell of cells) {
    addExpression(cell.when);
    for (const expression of Object.values(cell.set ?? {})) addExpression(expression);
    if (cell.kind === 'sql_data') add(cell.query);
    if (cell.kind === 'instructions') {
      add(cell.instructions);
      add(cell.system);
    }
    if (cell.kind === 'cascade' || cell.kind === 'lookup') addAll(cell.inputs ?? {});
    for (const ward of [...(cell.wards?.pre ?? []), ...(cell.wards?.post ?? [])]) {
      if (ward.kind === 'sql') add(ward.query);
    }
    const evaluator = cell.takes?.evaluator;
    if (evaluator?.kind === 'instructions') {
      add(evaluator.instructions);
      add(evaluator.system);
    }
  }
  return references;
}

/** The words that stand for a value in an expression without being looked up in the run. */
const FUNCTIONS = new Set([
  'range',
  'dict',
  'namespace',
  'debug',
  'lipsum',
  'loop',
  'self',
  'super',
]);

/** The names in an expression that no run has, and the cells that it names and are not there. */
export function unknownNames(expression: string, cells: ReadonlySet<string>): readonly string[] {
  const { roots, outputs } = expressionReferences(expression);
  const unknown = [...roots].filter(
    (name) => !['input', 'outputs', 'state'].includes(name) && !FUNCTIONS.has(name),
  );
  const strangers = outputs === 'all' ? [] : [...outputs].filter((name) => !cells.has(name));
  return [...unknown, ...strangers.map((name) => `outputs.${name}`)];
}
