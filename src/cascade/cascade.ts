/**
 * A validated cascade: plain data, made on the main thread from YAML and compiled in the workers.
 * Optional keys are absent, never undefined, so that a cascade survives a structured clone unchanged.
 */
import type { Json, JsonObject } from '../json.ts';

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
  /** Cascades that cells name in `tool`, by that text. */
  readonly nested: Readonly<Record<string, Cascade>>;
  /**
   * The columns that the cascade reads: the declared inputs, else the `input.<name>`s that a scan of
   * its templates finds, else 'all' (a `js` cell or a bare `input` without a schema).
   */
  readonly inputColumns: readonly string[] | 'all';
  /** Declared inputs that a row must have. */
  readonly requiredInputs: readonly string[];
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
  /** Keys that are valid but executed by a later version, e.g. `takes`; a statement that uses them is refused. */
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

/** A model call. */
export interface InstructionsCell extends CellBase {
  readonly kind: 'instructions';
  readonly instructions: string;
  readonly system?: string;
  readonly model?: string;
  readonly parameters?: JsonObject;
}

/** A row of a small table, kept in memory. */
export interface LookupCell extends CellBase {
  readonly kind: 'lookup';
  readonly inputs: JsonObject;
}

export type Cell = SqlDataCell | JsCell | CascadeCell | InstructionsCell | LookupCell;
