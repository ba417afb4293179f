/** What the workers run: cascades, their cells, takes and wards, compiled. They hold functions and stay in their worker. */
import type { Cascade, Retry, Takes, Ward } from '../cascade/cascade.ts';
import type { JsonValidator } from '../cascade/json-validator.ts';
import type { SqlTemplate } from '../cascade/sql-template.ts';
import type { Expression, Template } from '../cascade/template.ts';
import type { Json, JsonObject } from '../util/json.ts';
import type { PromptProgram } from './compile-prompt.ts';
import type { CodeInRealm } from './realm/realm.ts';

/** A compiled cascade. */
export interface CascadeProgram {
  readonly cascade: Cascade;
  readonly cells: readonly CellProgram[];
  readonly cellIndex: ReadonlyMap<string, number>;
  readonly output?: Expression;
  readonly checkInput?: JsonValidator;
  /** Every cell's name with null: what `outputs` holds before a cell has run. */
  readonly noOutputs: Readonly<Record<string, Json>>;
  /** One cell and nothing else but `output`: no other sees what it gives. */
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

/** A js cell's code. */
export interface JsCellProgram extends CellProgramBase {
  readonly kind: 'js';
  /** The code in its cascade's realm, which is made when the first of its cells is called. */
  readonly code: () => CodeInRealm;
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
  /** Inputs that are sent as images. */
  readonly images?: readonly string[];
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

/** A cell's takes. */
export interface TakesProgram {
  readonly factor: number;
  readonly reduce: Takes['reduce'];
  readonly evaluator?: EvaluatorProgram;
}

/** Who chooses among takes. */
export type EvaluatorProgram =
  /** The schema of its answer depends on how many takes there are. */
  { readonly kind: 'instructions'; readonly cell: InstructionsCellProgram } | NestedProgram;

/** A cascade that is not a cell. */
export interface NestedProgram {
  readonly kind: 'cascade';
  readonly name: string;
  readonly label: string;
  readonly program: CascadeProgram;
  readonly timeoutMs?: number;
}

/** One ward: what it does, and what follows where it refuses. */
export interface WardProgram {
  readonly name: string;
  readonly label: string;
  readonly mode: Ward['mode'];
  /** Times that the cell is done at most because of this ward; 1 for all modes but `retry`. */
  readonly maxAttempts: number;
  readonly check: JsCellProgram | SqlCellProgram | NestedProgram;
}
