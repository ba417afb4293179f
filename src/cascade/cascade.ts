/**
 * A validated cascade: plain data, made on the main thread from YAML and compiled in the workers.
 * Optional keys are absent, never undefined, so that a cascade survives a structured clone unchanged.
 */
import type { SourcePlace } from '../errors.ts';
import type { Json, JsonObject } from '../util/json.ts';

export interface Cascade {
  readonly cascadeId: string;
  readonly description?: string;
  /** The file's name in statements: relative to the cascade root, with forward slashes. */
  readonly file: string;
  /** SHA-256 of the bytes of the file, its code files and all nested cascades, in hex. Workers cache programs by it. */
  readonly hash: string;
  /** JSON Schema of `input`. The short form `name: description` has been widened to a schema. */
  readonly inputsSchema?: JsonObject;
  readonly cells: readonly Cell[];
  /** A Jinja expression without braces for the value of a run. Absent: the value is the last cell's output. */
  readonly output?: string;
  readonly model?: string;
  readonly sqlFunction?: JsonObject;
  readonly testCases: readonly TestCase[];
  /** The cascades that cells, wards and evaluators name, by the text with which they name them. */
  readonly nested: Readonly<Record<string, Cascade>>;
  /**
   * The columns that the cascade reads. These are the declared inputs. Without declared inputs, or if the schema allows
   * others, also the `input.<name>`s in its templates, or 'all' (a `js` cell, a bare `input`).
   */
  readonly inputColumns: readonly string[] | 'all';
  /** Declared inputs that every row must have. */
  readonly requiredInputs: readonly string[];
  /**
   * Inputs that templates read by name but `inputs_schema` does not declare. Binding checks that a run has those that
   * are not optional.
   */
  readonly inputReads: readonly InputRead[];
  /** Inputs that the templates of its own prompts read, so they must not be BLOBs. */
  readonly promptReads: readonly Omit<InputRead, 'isOptional'>[];
  /** Suspicious parts of the file and its nested cascades that are not errors, each with its place. */
  readonly warnings: readonly string[];
}

/** An input that a template reads. */
export interface InputRead {
  readonly name: string;
  readonly place: SourcePlace;
  /** True if `default` or `is defined` shows that the input may be missing. */
  readonly isOptional: boolean;
}

export interface TestCase {
  readonly name?: string;
  readonly input: JsonObject;
  readonly expect: Json;
}

interface CellBase {
  readonly name: string;
  /** A Jinja expression. The cell runs only if it is true. */
  readonly when?: string;
  /** The Jinja expression of each `state` key that is set after the cell. */
  readonly set?: Readonly<Record<string, string>>;
  /** The next cell by the value of `_route` in the output. `default` is for any other value. */
  readonly routing?: Readonly<Record<string, string>>;
  readonly outputSchema?: JsonObject;
  readonly timeoutMs?: number;
  /** If the cell fails: end the run as failed (default), or continue with a null output. */
  readonly onError?: 'fail' | 'null';
  readonly retry?: Retry;
  readonly takes?: Takes;
  readonly wards?: Wards;
  /** Tools that are valid but that only a later version executes, e.g. `lookup`. A statement that uses them is refused. */
  readonly unsupported?: readonly string[];
}

/** A query on the session's DuckDB. */
export interface SqlDataCell extends CellBase {
  readonly kind: 'sql_data';
  /** A template in which every `{{ … }}` becomes a bound parameter. */
  readonly query: string;
  /** The table for the result. */
  readonly materialize?: string;
}

/** A cascade that runs once for each row of a query, in parallel like the runs of a MAP. */
export interface ForEachRowCell extends CellBase {
  readonly kind: 'for_each_row';
  /** A template in which every `{{ … }}` becomes a bound parameter. */
  readonly query: string;
  /** A key of `Cascade.nested`. */
  readonly cascade: string;
  /** The column for the cascade's value, next to the query's columns. */
  readonly column: string;
  /** The table for the rows. */
  readonly table: string;
}

/** Code that runs in the worker: the body of an async function of `input, outputs, state, signal`. */
export interface JsCell extends CellBase {
  readonly kind: 'js';
  readonly code: string;
  /** The file of the code, for stack traces: the cascade's file or `inputs.file`. */
  readonly source: string;
  /** The 1-based line of `source` on which the code begins, so that errors can name the file's own lines. */
  readonly firstLine?: number;
}

/** Another cascade. Its value is the cell's output. */
export interface CascadeCell extends CellBase {
  readonly kind: 'cascade';
  /** A key of `Cascade.nested`. */
  readonly cascade: string;
  /** A template for each input of the cascade. Absent: the whole `input` is passed on. */
  readonly inputs?: JsonObject;
}

/** A prompt, with its model and parameters. */
export interface Prompt {
  readonly instructions: string;
  readonly system?: string;
  readonly model?: string;
  readonly parameters?: JsonObject;
}

/** A model call. */
export interface InstructionsCell extends CellBase, Prompt {
  readonly kind: 'instructions';
  /** Inputs that hold the bytes of images, which are sent with the prompt. */
  readonly images?: readonly string[];
}

/** A row of a small table that is kept in memory. */
export interface LookupCell extends CellBase {
  readonly kind: 'lookup';
  readonly inputs: JsonObject;
}

/** How a cell that failed temporarily is retried. */
export interface Retry {
  /** The number of attempts, including the first. */
  readonly maxAttempts?: number;
  readonly backoff?: 'none' | 'linear' | 'exponential';
  /** The wait before the second attempt. */
  readonly baseMs?: number;
}

/** A cell that runs several times, and how its values are reduced to one. */
export interface Takes {
  readonly factor: number;
  readonly reduce: 'vote' | 'median' | 'first_valid' | 'evaluator';
  /** Present if `reduce` is `evaluator`. */
  readonly evaluator?: Evaluator;
}

/** Returns the index of the best take. It is a model call, or a cascade of `input` and `takes`. */
export type Evaluator = { readonly timeoutMs?: number } & (
  | (Prompt & { readonly kind: 'instructions' })
  | { readonly kind: 'cascade'; readonly cascade: string }
);

/** Checks of a cell, in order: `pre` before it, on its input; `post` after it, on its output. */
export interface Wards {
  readonly pre: readonly Ward[];
  readonly post: readonly Ward[];
}

/** One check, and the consequence of a refusal. */
export type Ward = WardBase & (JsWard | SqlWard | CascadeWard);

interface WardBase {
  /** The ward's own name, else its place, e.g. `post[0]`. */
  readonly name: string;
  readonly mode: 'blocking' | 'retry' | 'advisory';
  /** With mode `retry`: the most times that the cell runs, including the first. */
  readonly maxAttempts?: number;
  readonly timeoutMs?: number;
}

/** The body of an async function of `input, outputs, state, signal, output`. It returns true, false or `{ok, reason}`. */
interface JsWard {
  readonly kind: 'js';
  readonly code: string;
  readonly source: string;
  readonly firstLine: number;
}

/** A query template. The first column of its first row is the verdict. */
interface SqlWard {
  readonly kind: 'sql';
  readonly query: string;
}

/** A cascade of `input, outputs, state, output`. Its value is the verdict. */
interface CascadeWard {
  readonly kind: 'cascade';
  readonly cascade: string;
}

export type Cell =
  | SqlDataCell
  | ForEachRowCell
  | JsCell
  | CascadeCell
  | InstructionsCell
  | LookupCell;
