/** Compiled cascades, cells, takes and wards. They hold functions, so they stay in the worker that compiled them. */
import type { Cascade, Retry, Takes, Ward } from '../cascade/cascade.ts';
import type { JsonValidator } from '../cascade/json-validator.ts';
import type { SqlTemplate } from '../cascade/sql-template.ts';
import type { Expression, Template } from '../cascade/template.ts';
import type { Json, JsonObject } from '../util/json.ts';
import type { PromptProgram } from './compile-prompt.ts';
import type { ForEachRow } from './contract.ts';
import type { CodeInRealm } from './realm/realm.ts';

/** A compiled cascade. */
export interface CascadeProgram {
  readonly cascade: Cascade;
  readonly cells: readonly CellProgram[];
  readonly cellIndex: ReadonlyMap<string, number>;
  readonly output?: Expression;
  readonly checkInput?: JsonValidator;
  /** Null by the name of each cell: the content of `outputs` before a cell has run. */
  readonly noOutputs: Readonly<Record<string, Json>>;
  /**
   * True: the only parts are one cell without guards, `set` and `routing`, and perhaps `output`. No other cell sees the
   * cell's output.
   */
  readonly isSingle: boolean;
}

interface CellProgramBase {
  readonly name: string;
  /** The cascade's file and the cell's name, for error messages. */
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
  /** Returns the code in its cascade's realm. The first call of any cell's code makes the realm. */
  readonly code: () => CodeInRealm;
  readonly usesSignal: boolean;
  readonly timeoutMs: number;
  readonly source: string;
  readonly sourceUrl: string;
  readonly firstLine: number;
}

/** A query, compiled for MAP and for RUN. In RUN, `input.data_table` is an identifier. */
export interface SqlCellProgram extends CellProgramBase {
  readonly kind: 'sql_data';
  readonly query: Readonly<Record<'map' | 'run', SqlTemplate>>;
  readonly materialize?: string;
  readonly forEachRow?: ForEachRow;
  /** The cascade of `forEachRow`, for EXPLAIN. Its runs are a MAP of their own. */
  readonly eachRow?: CascadeProgram;
}

/** A nested cascade, and how its input is built. Without `inputs`, it gets the input of its caller. */
export interface CascadeCellProgram extends CellProgramBase {
  readonly kind: 'cascade';
  readonly program: CascadeProgram;
  readonly inputs?: Readonly<Record<string, InputProgram>>;
}

/** A model call: its prompts, schema and images. */
export interface InstructionsCellProgram extends CellProgramBase, PromptProgram {
  readonly kind: 'instructions';
  /** The cell's `output_schema`, and the text that tells the model of the schema. */
  readonly schema?: JsonObject;
  readonly schemaInstruction?: string;
  /** The inputs that are sent as images. */
  readonly images?: readonly string[];
}

/** A cell with takes or wards. The label, `when`, `set` and `routing` of the inner cell stand here. */
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

/** How one input of a nested cascade is built: from a typed expression, a text, or a structure of them. */
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

/** The evaluator that chooses among takes. */
export type EvaluatorProgram =
  /** Its schema is made for each choice, because it depends on the number of takes. */
  { readonly kind: 'instructions'; readonly cell: InstructionsCellProgram } | NestedProgram;

/** A cascade that an evaluator or a ward runs, without a cell around it. */
export interface NestedProgram {
  readonly kind: 'cascade';
  readonly name: string;
  readonly label: string;
  readonly program: CascadeProgram;
  readonly timeoutMs?: number;
}

/** One ward: its check, and the consequence of a refusal. */
export interface WardProgram {
  readonly name: string;
  readonly label: string;
  readonly mode: Ward['mode'];
  /** The most times that the cell runs because of this ward. 1 for all modes except `retry`. */
  readonly maxAttempts: number;
  readonly check: JsCellProgram | SqlCellProgram | NestedProgram;
}
