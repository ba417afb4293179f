/**
 * A validated cascade: plain data, made on the main thread from YAML and compiled in the workers.
 * Optional keys are absent, never undefined, so that a cascade survives a structured clone unchanged.
 */
import type { SourcePlace } from '../errors.ts';
import type { Json, JsonObject } from '../util/json.ts';

export interface Cascade {
  readonly cascadeId: string;
  readonly description?: string;
  /** The file as the statement names it: relative to the cascade root, with forward slashes. */
  readonly file: string;
  /** SHA-256 of the file's bytes and those of every nested cascade, in hex: the workers' cache key. */
  readonly hash: string;
  /** JSON Schema of `input`; the short form `name: description` is widened to one. */
  readonly inputsSchema?: JsonObject;
  readonly cells: readonly Cell[];
  /** One Jinja expression without braces: the value of a run. Absent: the last cell's output. */
  readonly output?: string;
  readonly model?: string;
  readonly sqlFunction?: JsonObject;
  readonly testCases: readonly TestCase[];
  /** Cascades that cells, their wards and evaluators name, by that text. */
  readonly nested: Readonly<Record<string, Cascade>>;
  /**
   * The columns that the cascade reads: the declared inputs; without any, or where the schema takes others
   * too, also the `input.<name>`s that a scan of its templates finds, or 'all' (a `js` cell, a bare `input`).
   */
  readonly inputColumns: readonly string[] | 'all';
  /** Declared inputs that a row must have. */
  readonly requiredInputs: readonly string[];
  /** Inputs that templates read by name and `inputs_schema` does not declare: whether a run has them shows at its bind. */
  readonly inputReads: readonly InputRead[];
  /** Inputs that its own prompts read as texts. */
  readonly promptReads: readonly Omit<InputRead, 'isOptional'>[];
  /** What is odd about it and its nested cascades, though no error; each with its place. */
  readonly warnings: readonly string[];
}

/** An input that a template reads. */
export interface InputRead {
  readonly name: string;
  readonly place: SourcePlace;
  /** True where `default` or `is defined` says that it may be missing. */
  readonly isOptional: boolean;
}

export interface TestCase {
  readonly name?: string;
  readonly input: JsonObject;
  readonly expect: Json;
}

interface CellBase {
  readonly name: string;
  /** One Jinja expression: the cell runs where it is true. */
  readonly when?: string;
  /** `state` keys and the Jinja expression of each, evaluated after the cell. */
  readonly set?: Readonly<Record<string, string>>;
  /** From the cell's `_route` to the next cell's name; `default` for any other. */
  readonly routing?: Readonly<Record<string, string>>;
  readonly outputSchema?: JsonObject;
  readonly timeoutMs?: number;
  /** A failing cell: end the run as failed (default), or go on with a null output. */
  readonly onError?: 'fail' | 'null';
  readonly retry?: Retry;
  readonly takes?: Takes;
  readonly wards?: Wards;
  /** Keys that are valid but executed by a later version, e.g. `for_each_row`; a statement that uses them is refused. */
  readonly unsupported?: readonly string[];
}

/** A query on the session's DuckDB. */
export interface SqlDataCell extends CellBase {
  readonly kind: 'sql_data';
  /** A template in which every `{{ … }}` becomes a bound parameter. */
  readonly query: string;
  /** The table that the result goes to. */
  readonly materialize?: string;
}

/** The body of an async function of `input, outputs, state, signal`, run in the worker. */
export interface JsCell extends CellBase {
  readonly kind: 'js';
  readonly code: string;
  /** Where the code came from, for stack traces: the cascade's file or `inputs.file`. */
  readonly source: string;
  /** 1-based line of `source` on which the code begins, so that an error can name the file's own line. */
  readonly firstLine?: number;
}

/** Another cascade; its value is the cell's output. */
export interface CascadeCell extends CellBase {
  readonly kind: 'cascade';
  /** A key of `Cascade.nested`. */
  readonly cascade: string;
  /** Templates per input; absent: the whole `input` is passed on. */
  readonly inputs?: JsonObject;
}

/** What is asked of a model. */
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

/** A row of a small table, kept in memory. */
export interface LookupCell extends CellBase {
  readonly kind: 'lookup';
  readonly inputs: JsonObject;
}

/** How a cell that failed for a while is done again. */
export interface Retry {
  /** Attempts in all, the first one included. */
  readonly maxAttempts?: number;
  readonly backoff?: 'none' | 'linear' | 'exponential';
  /** The first wait. */
  readonly baseMs?: number;
}

/** A cell that is done several times, and how the values become one. */
export interface Takes {
  readonly factor: number;
  readonly reduce: 'vote' | 'median' | 'first_valid' | 'evaluator';
  /** There where `reduce` is `evaluator`. */
  readonly evaluator?: Evaluator;
}

/** Says which take is the best, by its index: a model call, or a cascade of `input` and `takes`. */
export type Evaluator = { readonly timeoutMs?: number } & (
  | (Prompt & { readonly kind: 'instructions' })
  | { readonly kind: 'cascade'; readonly cascade: string }
);

/** Checks of a cell: of what it is given, before it; of what it gives, after it. In order. */
export interface Wards {
  readonly pre: readonly Ward[];
  readonly post: readonly Ward[];
}

/** One check, and what follows where it refuses. */
export type Ward = WardBase & (JsWard | SqlWard | CascadeWard);

interface WardBase {
  /** Its own, else its place, e.g. `post[0]`. */
  readonly name: string;
  readonly mode: 'blocking' | 'retry' | 'advisory';
  /** `retry`: how often the cell is done at most, the first time included. */
  readonly maxAttempts?: number;
  readonly timeoutMs?: number;
}

/** The body of an async function of `input, outputs, state, signal, output` that gives true, false or `{ok, reason}`. */
interface JsWard {
  readonly kind: 'js';
  readonly code: string;
  readonly source: string;
  readonly firstLine: number;
}

/** A query template; the first column of its first row is the verdict. */
interface SqlWard {
  readonly kind: 'sql';
  readonly query: string;
}

/** A cascade of `input, outputs, state, output` whose value is the verdict. */
interface CascadeWard {
  readonly kind: 'cascade';
  readonly cascade: string;
}

export type Cell = SqlDataCell | JsCell | CascadeCell | InstructionsCell | LookupCell;
