/** Reads an operator from a cascade that declares one, or lists the problems of the declaration. */
import { createHash } from 'node:crypto';
import type { Cascade } from '../cascade/cascade.ts';
import type { ValuePath } from '../cascade/parse-yaml.ts';
import { declaredInputs, requiredInputs } from '../cascade/read-inputs.ts';
import type { SqlFunctionFile } from '../cascade/schema.ts';
import { didYouMean } from '../cascade/spelling.ts';
import type { Json, JsonObject } from '../util/json.ts';
import { type ColumnType, readColumnType, TYPE_NAMES } from '../values/column-type.ts';
import { sqlFunctionOf } from './function-file.ts';
import type { Operator, OperatorArg, OperatorPattern } from './operator.ts';
import { callProblem, readSpelling } from './spelling.ts';

/** One problem, and its path in the file's value. */
export interface OperatorProblem {
  readonly path: ValuePath;
  readonly message: string;
}

type ReportProblem = (path: ValuePath, message: string) => void;

/** An argument as the file declares it. */
interface ReadArg extends OperatorArg {
  readonly columnType: ColumnType;
  readonly optional: boolean;
}

/** The names of an operator and its function: MEANS and `semantic_means`, also if the file says `semantic_means`. */
export function namesOfOperator(written: string): Pick<Operator, 'name' | 'functionName'> {
  const bare = written.toLowerCase().replace(/^semantic_(?=.)/, '');
  return { name: bare.toUpperCase(), functionName: `semantic_${bare}` };
}

/** The operator, or every problem of its declaration. The cascade must have a `sql_function`. */
export function readOperator(
  cascade: Cascade,
  source: Operator['source'],
): Operator | { readonly problems: readonly OperatorProblem[] } {
  const file = sqlFunctionOf(cascade)!;
  const problems: OperatorProblem[] = [];
  const report: ReportProblem = (path, message) => problems.push({ path, message });
  const shape = file.shape ?? 'SCALAR';
  const returns = readReturns(file, report);
  const args = readArgs(file, cascade.inputsSchema, report);
  if (shape !== 'SCALAR' && args[0] !== undefined && args[0].columnType.family !== 'list') {
    report(
      ['sql_function', 'args', 0, 'type'],
      `the first argument of ${shape === 'AGGREGATE' ? 'an AGGREGATE' : 'a DIMENSION'} is the list of its values: ${args[0].type}[]`,
    );
  }
  const patterns = readPatterns(file, shape, args, report);
  if (file.symmetric && (args.length !== 2 || args[0]!.type !== args[1]!.type)) {
    report(['sql_function', 'symmetric'], 'only two arguments of one type can be symmetric');
  }
  const schema = inputsSchema(cascade, args, report);
  if (problems.length > 0 || returns === undefined) return { problems };
  return {
    ...namesOfOperator(file.name),
    shape,
    returns: returns.name,
    args: args.map(({ name, type }) => ({ name, type })),
    patterns,
    symmetric: file.symmetric ?? false,
    deterministic: file.deterministic ?? true,
    cascade: schema === undefined ? cascade : withInputs(cascade, schema),
    source,
  };
}

function readReturns(file: SqlFunctionFile, report: ReportProblem): ColumnType | undefined {
  if (file.returns === undefined) {
    report(['sql_function'], 'sql_function.returns is missing: the type of the value');
    return undefined;
  }
  const type = readColumnType(file.returns);
  if (type === undefined) report(['sql_function', 'returns'], notAType(file.returns));
  for (const key of ['minimum', 'maximum'] as const) {
    if (file[key] === undefined || type === undefined) continue;
    if (['integer', 'decimal', 'float'].includes(type.family)) continue;
    report(['sql_function', key], `${key} is for numbers, and the value is ${type.name}`);
  }
  if ((file.minimum ?? Number.NEGATIVE_INFINITY) > (file.maximum ?? Number.POSITIVE_INFINITY)) {
    report(['sql_function', 'minimum'], 'minimum is more than maximum');
  }
  return type;
}

/** Reads the arguments. If the file has a schema, arguments that it does not require are optional too. */
function readArgs(
  file: SqlFunctionFile,
  schema: JsonObject | undefined,
  report: ReportProblem,
): readonly ReadArg[] {
  if (file.args === undefined || file.args.length === 0) {
    report(['sql_function'], 'sql_function.args is missing: a list of {name, type}');
    return [];
  }
  const args: ReadArg[] = [];
  const required = schema === undefined ? undefined : requiredInputs(schema);
  for (const [i, { name, type, ...said }] of file.args.entries()) {
    const at: ValuePath = ['sql_function', 'args', i];
    const optional = said.optional ?? (required !== undefined && !required.includes(name));
    if (args.some((other) => other.name === name)) report([...at, 'name'], `two arguments ${name}`);
    if (!optional && args.some((other) => other.optional)) {
      report([...at, 'name'], `${name} comes after an optional argument and must be optional too`);
    }
    if (optional && i === 0) report(at, 'the first argument cannot be optional');
    const columnType = readColumnType(type);
    if (columnType === undefined) report([...at, 'type'], notAType(type));
    // Kept with some type, so that uses of the argument are not reported as well.
    const read = columnType ?? readColumnType('VARCHAR')!;
    args.push({ name, type: read.name, columnType: read, optional });
  }
  return args;
}

function notAType(text: string): string {
  const near = didYouMean(text.toUpperCase(), TYPE_NAMES);
  const hint = near === '' ? '; for a struct or a map return JSON' : near;
  return `'${text}' is not a type that operators can have${hint}`;
}

function readPatterns(
  file: SqlFunctionFile,
  shape: Operator['shape'],
  args: readonly ReadArg[],
  report: ReportProblem,
): readonly OperatorPattern[] {
  const patterns: OperatorPattern[] = [];
  const seen = new Set<string>();
  const spellings = file.operators ?? [];
  const unnamed = spellings.length > 0 ? undefined : callProblem(file.name.toUpperCase());
  if (unnamed !== undefined) report(['sql_function', 'name'], unnamed);
  for (const [i, text] of spellings.entries()) {
    const at: ValuePath = ['sql_function', 'operators', i];
    const spelling = readSpelling(text);
    if ('problem' in spelling) {
      report(at, spelling.problem);
      continue;
    }
    const slots = spelling.kind === 'call' ? spelling.slots : [spelling.left, spelling.right];
    const problem = slotsProblem(slots, spelling.kind, args);
    if (problem !== undefined) report(at, problem);
    const words =
      spelling.kind === 'call' ? `${spelling.name}(${slots.length})` : spelling.words.join(' ');
    if (seen.has(words)) report(at, `${words} is there twice`);
    seen.add(words);
    if (spelling.kind === 'call') continue;
    if (shape !== 'SCALAR')
      report(at, `an operator of shape ${shape} is only called: NAME({${slots[0]}})`);
    patterns.push({ left: spelling.left, words: spelling.words, right: spelling.right });
  }
  return patterns;
}

/**
 * What is wrong with a spelling's arguments. Infix: two arguments, and no other is required. A call: the arguments from
 * the first on, in order.
 */
function slotsProblem(
  slots: readonly string[],
  kind: 'infix' | 'call',
  args: readonly ReadArg[],
): string | undefined {
  const names = args.map(({ name }) => name);
  const stranger = slots.find((slot) => !names.includes(slot));
  if (stranger !== undefined) return `{${stranger}} is no argument${didYouMean(stranger, names)}`;
  const left = args.find(({ name, optional }) => !optional && !slots.includes(name));
  if (left !== undefined) return `the required argument ${left.name} is missing from this spelling`;
  if (new Set(slots).size < slots.length) return 'this spelling has the same argument twice';
  if (kind === 'call' && slots.some((slot, i) => slot !== names[i])) {
    return `the arguments of a call come in their order: ${names.join(', ')}`;
  }
  return undefined;
}

/**
 * The schema of the inputs that the arguments make; undefined if the file has a schema, which is then compared with the
 * arguments.
 */
function inputsSchema(
  cascade: Cascade,
  args: readonly ReadArg[],
  report: ReportProblem,
): JsonObject | undefined {
  const names = args.map(({ name }) => name);
  const wanted = args.filter(({ optional }) => !optional).map(({ name }) => name);
  if (cascade.inputsSchema !== undefined) {
    const declared = declaredInputs(cascade.inputsSchema);
    const required = requiredInputs(cascade.inputsSchema);
    for (const name of required.filter((input) => !names.includes(input))) {
      report(['inputs_schema'], `${name} is no argument of the operator${didYouMean(name, names)}`);
    }
    for (const name of names.filter((arg) => !declared.includes(arg))) {
      report(['inputs_schema'], `the argument ${name} is missing from inputs_schema`);
    }
    for (const name of names.filter((arg) => required.includes(arg) !== wanted.includes(arg))) {
      const [here, there] = required.includes(name)
        ? ['required', 'optional']
        : ['optional', 'required'];
      report(['inputs_schema'], `${name} is ${here} in inputs_schema and ${there} in args`);
    }
    checkTypes(cascade.inputsSchema, args, report);
    return undefined;
  }
  return {
    type: 'object',
    properties: Object.fromEntries(args.map((arg) => [arg.name, jsonType(arg.columnType)])),
    required: wanted,
  };
}

/** Reports an argument for which the declared schema has a `type` that shares no JSON type with the argument's values. */
function checkTypes(schema: JsonObject, args: readonly ReadArg[], report: ReportProblem): void {
  const properties = schema['properties'];
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) return;
  for (const { name, type, columnType } of args) {
    const declared = Reflect.get(Object(Reflect.get(properties, name)), 'type') as Json | undefined;
    const wanted = jsonType(columnType)['type'];
    if (declared === undefined || wanted === undefined) continue;
    const said = listOf(declared).map((each) => (each === 'integer' ? 'number' : each));
    if (listOf(wanted).some((each) => said.includes(each))) continue;
    report(
      ['inputs_schema', 'properties', name],
      `the argument ${name} is ${type}, and inputs_schema says ${listOf(declared).join(' or ')}`,
    );
  }
}

function listOf(value: Json): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [value];
}

/** The JSON Schema of a type's values, as far as it can say it; large numbers come as texts. */
function jsonType({ family, element }: ColumnType): { readonly [key: string]: Json } {
  if (element !== undefined) return { type: 'array', items: nullable(jsonType(element)) };
  if (family === 'boolean') return { type: 'boolean' };
  if (family === 'float') return { type: 'number' };
  if (family === 'integer' || family === 'decimal') return { type: ['number', 'string'] };
  return family === 'json' ? {} : { type: 'string' };
}

/** A schema that also allows null: a list of values may hold NULLs. */
function nullable(schema: { readonly [key: string]: Json }): JsonObject {
  const { type } = schema;
  if (type === undefined) return schema;
  return { ...schema, type: [...listOf(type), 'null'] };
}

/**
 * The cascade with this schema for its inputs. Workers know a cascade by its hash, so another schema needs another
 * hash.
 */
function withInputs(cascade: Cascade, inputsSchema: JsonObject): Cascade {
  const text = `${cascade.hash}\0${JSON.stringify(inputsSchema)}`;
  return {
    ...cascade,
    hash: createHash('sha256').update(text).digest('hex'),
    inputsSchema,
    promptReads: [],
    inputColumns: declaredInputs(inputsSchema),
    requiredInputs: requiredInputs(inputsSchema),
  };
}
