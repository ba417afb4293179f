/** Compiles a cascade: once in each worker, then used for every row. */
import type { Cascade, Cell } from '../cascade/cascade.ts';
import { usesSignal } from '../cascade/js-function.ts';
import { compileJson } from '../cascade/json-validator.ts';
import { compileSqlTemplate } from '../cascade/sql-template.ts';
import {
  compileExpression,
  compileTemplate,
  type Expression,
  soleExpression,
} from '../cascade/template.ts';
import { JS_CELL_TIMEOUT_MS } from '../limits.ts';
import type { Json, JsonObject } from '../util/json.ts';
import {
  type CompileNested,
  compileTakes,
  compileWards,
  type GuardScope,
} from './compile-guards.ts';
import { compilePrompt, schemaInstruction } from './compile-prompt.ts';
import type { CascadeProgram, CellProgram, InputProgram } from './program.ts';
import { lazyRealm } from './realm/lazy-realm.ts';

/** The cascade whose cells are compiled, and the functions that compile their parts. */
type CascadeScope = Pick<GuardScope, 'cascade' | 'compileNested' | 'compileCode'>;

/** Compiles a cascade and its nested cascades. Throws only for code or schemas that loading would refuse. */
export function compileCascade(cascade: Cascade): CascadeProgram {
  return compileOnce(cascade, new Map());
}

/** `programs` holds the cascades compiled so far, so that a cascade that many cells name is compiled once. */
function compileOnce(cascade: Cascade, programs: Map<Cascade, CascadeProgram>): CascadeProgram {
  const known = programs.get(cascade);
  if (known !== undefined) return known;
  const compileNested: CompileNested = (name) => compileOnce(cascade.nested[name]!, programs);
  const noOutputs = Object.freeze(
    Object.fromEntries(cascade.cells.map(({ name }) => [name, null] as const)),
  );
  const scope: CascadeScope = { cascade, compileNested, compileCode: lazyRealm(noOutputs) };
  const cells = cascade.cells.map((cell) => guardCell(scope, cell, compileCell(scope, cell)));
  const only = cascade.cells[0];
  const program: CascadeProgram = {
    cascade,
    cells,
    cellIndex: new Map(cells.map((cell, i) => [cell.name, i])),
    ...(cascade.output === undefined ? {} : { output: compileExpression(cascade.output) }),
    ...(cascade.inputsSchema === undefined || isOpenSchema(cascade)
      ? {}
      : { checkInput: compileJson(cascade.inputsSchema, true) }),
    noOutputs,
    isSingle:
      cells.length === 1 &&
      cells[0]?.kind !== 'guarded' &&
      only?.routing === undefined &&
      only?.set === undefined,
  };
  programs.set(cascade, program);
  return program;
}

/** True if a schema accepts every input, so that no row pays for a check. */
function isOpenSchema(cascade: Cascade): boolean {
  const { type, properties, required, ...rest } = cascade.inputsSchema ?? {};
  const asked = Array.isArray(required) && required.length > 0;
  const typed = Object.values((properties ?? {}) as JsonObject).some(
    (schema) =>
      typeof schema !== 'object' || Object.keys(schema ?? {}).some((key) => key !== 'description'),
  );
  return type === 'object' && !asked && !typed && Object.keys(rest).length === 0;
}

/** Wraps a cell that has takes or wards. A cell without them pays nothing for them. */
function guardCell(around: CascadeScope, { takes, wards }: Cell, cell: CellProgram): CellProgram {
  if (cell.kind === 'unsupported' || (takes === undefined && wards === undefined)) return cell;
  const { name, label, when, set, routing, nullOnError } = cell;
  const scope = { ...around, name, label };
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

function compileCell(scope: CascadeScope, cell: Cell): CellProgram {
  const { cascade, compileNested, compileCode } = scope;
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
        code: compileCode(cell.code, sourceUrl),
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
    case 'for_each_row': {
      const { hash } = cascade.nested[cell.cascade]!;
      return {
        ...base,
        kind: 'sql_data',
        query: {
          map: compileSqlTemplate(cell.query, 'map'),
          run: compileSqlTemplate(cell.query, 'run'),
        },
        materialize: cell.table,
        forEachRow: { cascadeHash: hash, column: cell.column },
        eachRow: compileNested(cell.cascade),
      };
    }
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
        ...(cell.images === undefined ? {} : { images: cell.images }),
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
