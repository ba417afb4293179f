/** Checks the names in a cascade file: of cells, of routing targets, and in templates and expressions. */
import { nearestSpelling } from '../../grammar/spelling.ts';
import type { SourcePlace } from '../errors.ts';
import { isObject, type JsonObject } from '../util/json.ts';
import type { InputRead } from './cascade.ts';
import { FILTERS, FUNCTIONS, isKnownToJinja, TESTS } from './jinja-host.ts';
import type { NameUse, PathStep } from './jinja-names.ts';
import { declaredInputs, RUN_INPUTS, takesMore } from './read-inputs.ts';
import type { ReportProblemAt } from './report.ts';
import type { CascadeFile, CellFile } from './schema.ts';
import { didYouMean } from './spelling.ts';
import type { NamingText } from './template-texts.ts';

/** Reports duplicate cell names, and routes to cells that do not exist. */
export function checkCellNames(written: CascadeFile, report: ReportProblemAt): void {
  const names = new Set(written.cells.map((cell) => cell.name));
  const seen = new Set<string>();
  for (const [i, cell] of written.cells.entries()) {
    if (seen.has(cell.name)) report(['cells', i, 'name'], `duplicate cell name ${cell.name}`);
    seen.add(cell.name);
    for (const [route, target] of Object.entries(cell.routing ?? {})) {
      if (names.has(target)) continue;
      const message = `routing to cell ${target}, which is not there${didYouMean(target, names)}`;
      report(['cells', i, 'routing', route], message);
    }
  }
}

/** Reports a problem with the word at an offset of a text. */
export type ReportWord = (text: NamingText, offset: number, message: string) => void;

/** Reports every name in the texts that cannot exist in any run of the cascade. */
export function checkNames(
  written: CascadeFile,
  texts: readonly NamingText[],
  inputs: DeclaredInputs | undefined,
  report: ReportWord,
): void {
  const cells = new Map(written.cells.map((cell) => [cell.name, cell]));
  const names: KnownNames = {
    inputs,
    cells,
    state: written.cells.flatMap(({ set }) => Object.keys(set ?? {})),
  };
  for (const text of texts) {
    for (const use of text.names) {
      const problem = problemOf(use, text, names);
      if (problem !== undefined) report(text, problem.offset, problem.message);
    }
  }
}

/**
 * Returns the inputs that the texts read by name but `inputs_schema` does not declare, once each. An input may be
 * missing if some text of the file reads it with `default` or tests it with `is defined`.
 */
export function inputReadsOf(
  texts: readonly NamingText[],
  inputsSchema: JsonObject | undefined,
  placeOf: (text: NamingText, offset: number) => SourcePlace,
): readonly InputRead[] {
  const declared = inputsSchema === undefined ? [] : declaredInputs(inputsSchema);
  const reads = new Map<string, InputRead>();
  for (const text of texts) {
    for (const { kind, steps, isLocal, mayBeMissing } of text.names) {
      const [root, second, third] = steps;
      if (kind !== 'name' || isLocal || root.name !== 'input') continue;
      const name = second?.name;
      if (name === undefined || declared.includes(name)) continue;
      const known = reads.get(name);
      const isOptional = (mayBeMissing && third === undefined) || known?.isOptional === true;
      const place = known?.place ?? placeOf(text, second!.offset);
      reads.set(name, { name, place, isOptional });
    }
  }
  return [...reads.values()];
}

/** Returns the inputs that prompts read, once each. */
export function promptReadsOf(
  texts: readonly NamingText[],
  placeOf: (text: NamingText, offset: number) => SourcePlace,
): readonly Omit<InputRead, 'isOptional'>[] {
  const reads = new Map<string, Omit<InputRead, 'isOptional'>>();
  for (const text of texts) {
    if (text.path.at(-1) !== 'instructions' && text.path.at(-1) !== 'system') continue;
    for (const { kind, steps, isLocal } of text.names) {
      const [root, second] = steps;
      if (kind !== 'name' || isLocal || root.name !== 'input' || second?.name === undefined)
        continue;
      const { name, offset } = second;
      if (!reads.has(name)) reads.set(name, { name, place: placeOf(text, offset) });
    }
  }
  return [...reads.values()];
}

/** The inputs that a file declares: in its `inputs_schema`, else as the arguments of its operator. */
export interface DeclaredInputs {
  readonly schema: JsonObject;
  /** The part of a message that says why another input is unknown. */
  readonly why: string;
  /** True if a RUN may also give its own inputs. Only binding shows whether it does. */
  readonly isOfRun: boolean;
}

/** Returns the declared inputs; undefined if the file declares none. */
export function inputsDeclaredBy(
  { sql_function: operator }: CascadeFile,
  inputsSchema: JsonObject | undefined,
): DeclaredInputs | undefined {
  if (inputsSchema !== undefined) {
    const why = 'which inputs_schema does not declare';
    return { schema: inputsSchema, why, isOfRun: operator === undefined };
  }
  if (operator?.args === undefined || operator.args.length === 0) return undefined;
  const properties = Object.fromEntries(operator.args.map(({ name }) => [name, {}]));
  const why = 'which is no argument in sql_function.args';
  return { schema: { properties }, why, isOfRun: false };
}

/** The names that the texts of a file may use. */
interface KnownNames {
  readonly inputs: DeclaredInputs | undefined;
  readonly cells: ReadonlyMap<string, CellFile>;
  /** The keys that any cell sets. */
  readonly state: readonly string[];
}

interface WordProblem {
  readonly offset: number;
  readonly message: string;
}

function problemOf(
  { kind, steps, isLocal }: NameUse,
  text: NamingText,
  names: KnownNames,
): WordProblem | undefined {
  const [{ name = '', offset }, ...rest] = steps;
  switch (kind) {
    case 'filter': {
      const isOfQuery = name === 'ident';
      if (isOfQuery ? text.kind === 'query' : isKnownToJinja('filter', name)) return undefined;
      if (isOfQuery) return { offset, message: 'the filter ident belongs to a query' };
      const known = text.kind === 'query' ? [...FILTERS, 'ident'] : FILTERS;
      return { offset, message: `unknown filter ${name}${didYouMean(name, known)}` };
    }
    case 'test':
      if (isKnownToJinja('test', name)) return undefined;
      return { offset, message: `unknown test ${name}${didYouMean(name, TESTS)}` };
    case 'method': {
      // A name that the template itself declares may be a Jinja object, which has methods.
      if (isLocal || isKnownToJinja('function', name)) return undefined;
      const { name: method = '', offset: place } = rest[0]!;
      const near = isKnownToJinja('filter', method) ? method : undefined;
      const hint = near === undefined ? '' : `; write it as a filter: … | ${near}`;
      return { offset: place, message: `values have no methods, and ${method}() is none${hint}` };
    }
    case 'declared':
      return undefined;
    case 'name':
      return isLocal ? loopProblem(steps) : rootProblem(steps, text, names);
  }
}

const LOOP = 'index index0 revindex revindex0 first last length depth depth0 previtem nextitem'
  .split(' ')
  .concat('changed', 'cycle');

/** Checks the attributes of `loop` in a `for`. A `loop` that the template itself declares is not distinguished from it. */
function loopProblem([root, second]: NameUse['steps']): WordProblem | undefined {
  if (root.name !== 'loop' || second?.name === undefined || LOOP.includes(second.name)) {
    return undefined;
  }
  const known = LOOP.map((name) => `loop.${name}`);
  const name = `loop.${second.name}`;
  return { offset: second.offset, message: `unknown name ${name}${didYouMean(name, known)}` };
}

function rootProblem(
  [root, ...rest]: NameUse['steps'],
  text: NamingText,
  names: KnownNames,
): WordProblem | undefined {
  const { name = '', offset } = root;
  const [first, ...more] = rest;
  switch (name) {
    case 'input':
      return first === undefined ? undefined : inputProblem(rest, names.inputs);
    case 'state':
      if (first?.name === undefined || names.state.includes(first.name)) return undefined;
      return unknown('state', first, names.state, 'which no cell sets');
    case 'outputs': {
      if (first?.name === undefined) return undefined;
      const cell = names.cells.get(first.name);
      if (cell === undefined) return unknown('outputs', first, [...names.cells.keys()]);
      return outputProblem(`outputs.${cell.name}`, more, cell);
    }
  }
  if (name === text.sees) {
    const isOne = name === 'output';
    if (text.cell === undefined || (!isOne && first?.name !== undefined)) return undefined;
    return outputProblem(isOne ? name : 'takes[…]', isOne ? rest : more, text.cell);
  }
  if (isKnownToJinja('function', name)) return undefined;
  return { offset, message: `unknown name ${name}${rootHint(name, text, names)}` };
}

/**
 * Returns why a nested cascade that gets this file's whole input can never have the input `name`; undefined if it may
 * have it.
 */
export function undeclaredInput(
  name: string,
  inputs: DeclaredInputs | undefined,
): string | undefined {
  return inputProblem([{ name, offset: 0 }], inputs)?.message;
}

function inputProblem(
  steps: readonly PathStep[],
  inputs: DeclaredInputs | undefined,
): WordProblem | undefined {
  if (inputs === undefined || (inputs.isOfRun && isRunInput(steps[0]?.name))) return undefined;
  return undeclared('input', inputs.schema, steps, inputs.why);
}

function isRunInput(name: string | undefined): boolean {
  return (RUN_INPUTS as readonly (string | undefined)[]).includes(name);
}

/** Checks a path into a cell's output against the cell's `output_schema` and kind. */
function outputProblem(
  before: string,
  steps: readonly PathStep[],
  { tool, materialize, output_schema: schema, for_each_row: forEachRow }: CellFile,
): WordProblem | undefined {
  if (schema !== undefined) {
    const why = "which the cell's output_schema does not declare";
    const problem = undeclared(before, schema as JsonObject, steps, why);
    if (problem !== undefined) return problem;
  }
  if (forEachRow !== undefined) {
    return undeclared(before, EACH_ROW, steps, 'which for_each_row does not give');
  }
  if (tool !== 'sql_data') return undefined;
  const shape = materialize === undefined || materialize === false ? ROWS : TABLE;
  return undeclared(before, shape, steps, 'which a query does not give');
}

const ROWS: JsonObject = { properties: { rows: {}, columns: {}, row_count: {} } };
const TABLE: JsonObject = { properties: { table: {}, columns: {}, row_count: {} } };
const EACH_ROW: JsonObject = { properties: { table: {}, columns: {}, row_count: {}, failed: {} } };

/** Returns the first step of a path for which a schema has no property. */
function undeclared(
  before: string,
  schema: JsonObject,
  [step, ...rest]: readonly PathStep[],
  why: string,
): WordProblem | undefined {
  if (step === undefined) return undefined;
  if (step.name === undefined) {
    const { items } = schema;
    return isObject(items) ? undeclared(`${before}[…]`, items, rest, why) : undefined;
  }
  const declared = declaredInputs(schema);
  if (!declared.includes(step.name)) {
    return takesMore(schema, declared) ? undefined : unknown(before, step, declared, why);
  }
  const properties = schema['properties'];
  const below = isObject(properties) ? properties[step.name] : undefined;
  return isObject(below) ? undeclared(`${before}.${step.name}`, below, rest, why) : undefined;
}

function unknown(
  before: string,
  { name = '', offset }: PathStep,
  known: readonly string[],
  why?: string,
): WordProblem {
  const near = nearestSpelling(name, known);
  const offered = known.slice(0, NAMES_OFFERED).map((each) => `${before}.${each}`);
  const others = offered.length === 0 ? '' : `; there is ${offered.join(', ')}`;
  const hint = near === undefined ? others : `; did you mean ${before}.${near}?`;
  const reason = why === undefined ? '' : `, ${why}`;
  return { offset, message: `unknown name ${before}.${name}${reason}${hint}` };
}

/** The number of names that a message lists if no known name is similar. */
const NAMES_OFFERED = 5;

/** Suggests a name for an unknown one: it may be misspelt, or lack its `input.`, `outputs.` or `state.`. */
function rootHint(name: string, text: NamingText, names: KnownNames): string {
  const { inputs, cells, state } = names;
  const declared = inputs === undefined ? [] : declaredInputs(inputs.schema);
  const whole = [
    ...(declared.includes(name) ? [`input.${name}`] : []),
    ...(cells.has(name) ? [`outputs.${name}`] : []),
    ...(state.includes(name) ? [`state.${name}`] : []),
  ][0];
  if (whole !== undefined) return `; did you mean ${whole}?`;
  const roots = ['input', 'outputs', 'state', ...(text.sees === undefined ? [] : [text.sees])];
  const locals = text.names.flatMap(({ kind, steps }) =>
    kind === 'declared' ? [steps[0].name!] : [],
  );
  const near = nearestSpelling(name, [...roots, ...locals, ...FUNCTIONS]);
  if (near !== undefined) return `; did you mean ${near}?`;
  const isOpen = inputs === undefined || takesMore(inputs.schema, declared);
  return isOpen ? `; did you mean input.${name}?` : `; there are ${roots.join(', ')}`;
}
