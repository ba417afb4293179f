/** A cascade made ready to run: once a worker, then used for every row. */
import type { Cascade, Cell, Retry } from '../src/cascade/cascade.ts';
import { compileJs, type JsFunction, usesSignal } from '../src/cascade/js-function.ts';
import { compileJson, type JsonValidator } from '../src/cascade/json-validator.ts';
import { compileSqlTemplate, type SqlTemplate } from '../src/cascade/sql-template.ts';
import {
  compileExpression,
  compileTemplate,
  type Expression,
  soleExpression,
  type Template,
} from '../src/cascade/template.ts';
import type { Json, JsonObject } from '../src/json.ts';
import { JS_CELL_TIMEOUT_MS } from '../src/limits.ts';
import {
  type CompileNested,
  compileTakes,
  compileWards,
  type TakesProgram,
  type WardProgram,
} from './compile-guards.ts';
import { compilePrompt, type PromptProgram, schemaInstruction } from './compile-prompt.ts';

/** A compiled cascade. Holds functions, so it stays in its worker. */
export interface CascadeProgram {
  readonly cascade: Cascade;
  readonly cells: readonly CellProgram[];
  readonly cellIndex: ReadonlyMap<string, number>;
  readonly output?: Expression;
  readonly checkInput?: JsonValidator;
  /** Every cell's name with null: what `outputs` holds before a cell has run. */
  readonly noOutputs: Readonly<Record<string, Json>>;
  readonly hasJs: boolean;
  /** One js cell and nothing else but `output`: its value is read once and need not be frozen. */
  readonly isSingle: boolean;
}

interface CellProgramBase {
  readonly name: string;
  /** The cascade's file and the cell, for messages. */
  readonly label: string;
  readonly when?: Expression;
  readonly set?: readonly (readonly [string, Expression])[];
  readonly routing?: Readonly<Record<string, string>>;
  readonly checkOutput?: JsonValidator;
  readonly timeoutMs?: number;
  readonly nullOnError: boolean;
  readonly retry?: Retry;
}

/** A js cell's function. */
export interface JsCellProgram extends CellProgramBase {
  readonly kind: 'js';
  readonly call: JsFunction;
  readonly usesSignal: boolean;
  readonly timeoutMs: number;
  readonly source: string;
  readonly sourceUrl: string;
  readonly firstLine: number;
}

/** A query, for MAP and for RUN, where `input.data_table` is a name. */
export interface SqlCellProgram extends CellProgramBase {
  readonly kind: 'sql_data';
  readonly query: Readonly<Record<'map' | 'run', SqlTemplate>>;
  readonly materialize?: string;
}

/** A nested cascade and how its input is made; without `inputs` it is the caller's. */
export interface CascadeCellProgram extends CellProgramBase {
  readonly kind: 'cascade';
  readonly program: CascadeProgram;
  readonly inputs?: Readonly<Record<string, InputProgram>>;
}

/** A model call: its prompts, and what is sent with them. */
export interface InstructionsCellProgram extends CellProgramBase, PromptProgram {
  readonly kind: 'instructions';
  /** `output_schema`, and how the model is told of it. */
  readonly schema?: JsonObject;
  readonly schemaInstruction?: string;
}

/** A cell with takes or wards. Its own label, `when`, `set` and `routing` are those of the cell in it. */
export interface GuardedCellProgram extends CellProgramBase {
  readonly kind: 'guarded';
  readonly cell: CellProgram;
  readonly takes?: TakesProgram;
  readonly pre: readonly WardProgram[];
  readonly post: readonly WardProgram[];
}

/** A cell of a kind that this version cannot run. */
export interface UnsupportedCellProgram extends CellProgramBase {
  readonly kind: 'unsupported';
  readonly what: string;
}

export type CellProgram =
  | JsCellProgram
  | SqlCellProgram
  | CascadeCellProgram
  | InstructionsCellProgram
  | GuardedCellProgram
  | UnsupportedCellProgram;

/** How one input of a nested cascade is made: a typed expression, a text, or a structure of them. */
export type InputProgram =
  | { readonly kind: 'expression'; readonly expression: Expression }
  | { readonly kind: 'text'; readonly template: Template }
  | { readonly kind: 'list'; readonly items: readonly InputProgram[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, InputProgram])[] }
  | { readonly kind: 'constant'; readonly value: Json };

/** Compiles a cascade and those nested in it. Throws only on code or schemas that loading would refuse. */
export function compileCascade(cascade: Cascade): CascadeProgram {
  return compileOnce(cascade, new Map());
}

/** `programs`: what is compiled so far, so that a cascade which many cells name is compiled once. */
function compileOnce(cascade: Cascade, programs: Map<Cascade, CascadeProgram>): CascadeProgram {
  const known = programs.get(cascade);
  if (known !== undefined) return known;
  const compileNested: CompileNested = (name) => compileOnce(cascade.nested[name]!, programs);
  const cells = cascade.cells.map((cell) =>
    guardCell(cascade, cell, compileCell(cascade, cell, compileNested), compileNested),
  );
  const only = cascade.cells[0];
  const program: CascadeProgram = {
    cascade,
    cells,
    cellIndex: new Map(cells.map((cell, i) => [cell.name, i])),
    ...(cascade.output === undefined ? {} : { output: compileExpression(cascade.output) }),
    ...(cascade.inputsSchema === undefined || isOpenSchema(cascade)
      ? {}
      : { checkInput: compileJson(cascade.inputsSchema, true) }),
    noOutputs: Object.freeze(Object.fromEntries(cells.map(({ name }) => [name, null]))),
    hasJs: cascade.cells.some(hasCode),
    isSingle:
      cells.length === 1 &&
      cells[0]?.kind !== 'guarded' &&
      only?.routing === undefined &&
      only?.set === undefined,
  };
  programs.set(cascade, program);
  return program;
}

/** True where a schema asks for nothing, so that no row pays for it. */
function isOpenSchema(cascade: Cascade): boolean {
  const { type, properties, required, ...rest } = cascade.inputsSchema ?? {};
  const asked = Array.isArray(required) && required.length > 0;
  const typed = Object.values((properties ?? {}) as JsonObject).some(
    (schema) =>
      typeof schema !== 'object' || Object.keys(schema ?? {}).some((key) => key !== 'description'),
  );
  return type === 'object' && !asked && !typed && Object.keys(rest).length === 0;
}

function hasCode({ kind, wards }: Cell): boolean {
  return (
    kind === 'js' || [...(wards?.pre ?? []), ...(wards?.post ?? [])].some((w) => w.kind === 'js')
  );
}

/** Puts takes and wards around a cell, so that a cell without them pays nothing for them. */
function guardCell(
  cascade: Cascade,
  { takes, wards }: Cell,
  cell: CellProgram,
  compileNested: CompileNested,
): CellProgram {
  if (cell.kind === 'unsupported' || (takes === undefined && wards === undefined)) return cell;
  const { name, label, when, set, routing, nullOnError } = cell;
  const scope = { cascade, name, label, compileNested };
  return {
    kind: 'guarded',
    name,
    label,
    ...(when === undefined ? {} : { when }),
    ...(set === undefined ? {} : { set }),
    ...(routing === undefined ? {} : { routing }),
    nullOnError,
    cell,
    ...(takes === undefined ? {} : { takes: compileTakes(takes, scope) }),
    pre: compileWards(wards?.pre ?? [], scope),
    post: compileWards(wards?.post ?? [], scope),
  };
}

function compileCell(cascade: Cascade, cell: Cell, compileNested: CompileNested): CellProgram {
  const label = `${cascade.file}: cell ${cell.name}`;
  const base = {
    name: cell.name,
    label,
    ...(cell.when === undefined ? {} : { when: compileExpression(cell.when) }),
    ...(cell.set === undefined ? {} : { set: compileEntries(cell.set) }),
    ...(cell.routing === undefined ? {} : { routing: cell.routing }),
    ...(cell.outputSchema === undefined
      ? {}
      : { checkOutput: compileJson(cell.outputSchema, true) }),
    ...(cell.timeoutMs === undefined ? {} : { timeoutMs: cell.timeoutMs }),
    nullOnError: cell.onError === 'null',
    ...(cell.retry === undefined ? {} : { retry: cell.retry }),
  };
  const unsupported = cell.unsupported?.[0];
  if (unsupported !== undefined) return { ...base, kind: 'unsupported', what: unsupported };
  switch (cell.kind) {
    case 'js': {
      const sourceUrl = `cascade:${cell.source}#${cell.name}`;
      return {
        ...base,
        kind: 'js',
        call: compileJs(cell.code, sourceUrl),
        usesSignal: usesSignal(cell.code),
        timeoutMs: cell.timeoutMs ?? JS_CELL_TIMEOUT_MS,
        source: cell.source,
        sourceUrl,
        firstLine: cell.firstLine ?? 1,
      };
    }
    case 'sql_data':
      return {
        ...base,
        kind: 'sql_data',
        query: {
          map: compileSqlTemplate(cell.query, 'map'),
          run: compileSqlTemplate(cell.query, 'run'),
        },
        ...(cell.materialize === undefined ? {} : { materialize: cell.materialize }),
      };
    case 'cascade': {
      const program = compileNested(cell.cascade);
      if (cell.inputs === undefined) return { ...base, kind: 'cascade', program };
      const inputs = Object.fromEntries(
        Object.entries(cell.inputs).map(([name, value]) => [name, compileInput(value)]),
      );
      return { ...base, kind: 'cascade', program, inputs };
    }
    case 'instructions': {
      const { outputSchema: schema } = cell;
      return {
        ...base,
        kind: 'instructions',
        ...compilePrompt(cascade, cell),
        ...(schema === undefined ? {} : { schema, schemaInstruction: schemaInstruction(schema) }),
      };
    }
    case 'lookup':
      return { ...base, kind: 'unsupported', what: cell.kind };
  }
}

function compileEntries(
  set: Readonly<Record<string, string>>,
): readonly (readonly [string, Expression])[] {
  return Object.entries(set).map(([key, text]) => [key, compileExpression(text)] as const);
}

function compileInput(value: Json): InputProgram {
  if (typeof value === 'string') {
    const sole = soleExpression(value);
    if (sole !== undefined) return { kind: 'expression', expression: compileExpression(sole) };
    return { kind: 'text', template: compileTemplate(value) };
  }
  if (Array.isArray(value)) return { kind: 'list', items: value.map(compileInput) };
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => [key, compileInput(item)] as const);
    return { kind: 'object', entries };
  }
  return { kind: 'constant', value };
}
