/**
 * Reads and checks the arguments of calls of `rvbbit_run`, `rvbbit_map_parallel`, `rvbbit_run_batch` and
 * `semantic_batch_matches`.
 */
import { RvbbitError } from '../errors.ts';
import { MAX_PARALLEL, VALUE_MAX_DEPTH } from '../limits.ts';
import { isObject, type Json, type JsonObject } from '../util/json.ts';
import { shortText } from '../util/short-text.ts';
import { roundedInteger } from './rounded-integer.ts';

/** The most characters of the JSON that one call is given. */
const SEED_JSON_MAX_CHARS = 64 * 1024 * 1024;
/** The most rows in the list that one call is given. */
export const SEED_MAX_ROWS = 100_000;

/**
 * The functions that run a cascade from any SQL, and their signatures. `semantic_batch_matches` runs the cascade of
 * MEANS.
 */
export const SEED_FUNCTIONS = {
  rvbbit_run: 'rvbbit_run(cascade VARCHAR, input JSON) → VARCHAR',
  rvbbit_map_parallel: 'rvbbit_map_parallel(cascade VARCHAR, rows JSON, n INTEGER) → JSON',
  rvbbit_run_batch: 'rvbbit_run_batch(cascade VARCHAR, rows JSON, as_table VARCHAR) → JSON',
  semantic_batch_matches: 'semantic_batch_matches(criterion VARCHAR, rows JSON, n INTEGER) → JSON',
} as const;

/** The name of one of these functions. */
export type SeedFunction = keyof typeof SEED_FUNCTIONS;

/** The function with this name, in any case; undefined if there is none. */
export function seedFunctionOf(name: string): SeedFunction | undefined {
  const lower = name.toLowerCase();
  return Object.hasOwn(SEED_FUNCTIONS, lower) ? (lower as SeedFunction) : undefined;
}

/** A column of the table that `rvbbit_run_batch` makes from its rows. */
export interface BatchColumn {
  readonly name: string;
  readonly type: 'BOOLEAN' | 'BIGINT' | 'DOUBLE' | 'VARCHAR' | 'JSON';
}

/** The runs that a call asks for. */
export type SeedCall =
  /** One run on one input; its answer is the value as text. */
  | { readonly kind: 'run'; readonly cascade: string; readonly input: JsonObject }
  /** A run for each row, `parallel` at a time; its answer is the list of the values in the order of the rows. */
  | {
      readonly kind: 'map';
      readonly cascade: string;
      readonly rows: readonly JsonObject[];
      readonly parallel: number;
    }
  /** A run for each row with a text, `parallel` at a time; its answer is a list of `{id, result}` in the order of `ids`. */
  | {
      readonly kind: 'matches';
      readonly rows: readonly JsonObject[];
      readonly parallel: number;
      /** For each row: its id, and its place in `rows`; no place if the text is NULL, which meets no criterion. */
      readonly ids: readonly { readonly id: Json; readonly row?: number }[];
    }
  /** One run over the table that the rows make; its answer is RUN's report. */
  | {
      readonly kind: 'batch';
      readonly cascade: string;
      readonly rows: readonly JsonObject[];
      readonly columns: readonly BatchColumn[];
      readonly table: string;
    };

/**
 * Reads the arguments of a call, in order: texts as text, JSON as its text. Undefined if an argument is NULL: the
 * answer is then NULL without a run. Throws RVB_TYPE_MISMATCH with the signature, and RVB_LIMIT for too much data.
 */
export function readSeedCall(name: SeedFunction, args: readonly Json[]): SeedCall | undefined {
  const wanted = name === 'rvbbit_run' ? 2 : 3;
  if (args.length !== wanted) throw mismatch(name, `${args.length} arguments and not ${wanted}`);
  if (args.includes(null)) return undefined;
  const [cascade, json, last] = args;
  const first = name === 'semantic_batch_matches' ? 'criterion' : 'cascade';
  if (typeof cascade !== 'string') throw mismatch(name, `${shown(cascade)} as the ${first}`);
  const value = readJson(name, json);
  if (name === 'rvbbit_run') {
    if (!isObject(value)) throw mismatch(name, `${shown(value)} as the input, which is an object`);
    return { kind: 'run', cascade, input: value };
  }
  if (!Array.isArray(value)) throw mismatch(name, `${shown(value)} as the rows, which are a list`);
  if (value.length > SEED_MAX_ROWS) {
    throw tooMuch(name, `${value.length} rows`, `${SEED_MAX_ROWS}; give them in several calls`);
  }
  const rows = (value as readonly Json[]).map((row, i) => {
    if (isObject(row)) return row;
    throw mismatch(name, `${shown(row)} as row ${i + 1}, which is an object`);
  });
  if (name === 'rvbbit_map_parallel') {
    return { kind: 'map', cascade, rows, parallel: readParallel(name, last) };
  }
  if (name === 'semantic_batch_matches') {
    return { ...readTexts(name, cascade, rows), parallel: readParallel(name, last) };
  }
  if (typeof last !== 'string' || last.trim() === '') {
    throw mismatch(name, `${shown(last)} as the name of the table`);
  }
  const columns = columnsOf(rows);
  if (columns.length === 0) throw mismatch(name, 'rows without a column, which make no table');
  return { kind: 'batch', cascade, rows, columns, table: last };
}

function readParallel(name: SeedFunction, json: Json | undefined): number {
  const parallel = typeof json === 'string' ? Number.NaN : Number(json);
  if (Number.isInteger(parallel) && parallel >= 1 && parallel <= MAX_PARALLEL) return parallel;
  throw mismatch(name, `${shown(json)} as n, which is 1 to ${MAX_PARALLEL}`);
}

/** Reads rows `{id, text}` as the runs of MEANS that they ask for. */
function readTexts(name: SeedFunction, criterion: string, given: readonly JsonObject[]) {
  const rows: JsonObject[] = [];
  const ids = given.map((row, i) => {
    const { id = null, text = null } = row;
    if (text !== null && typeof text !== 'string') {
      throw mismatch(name, `${shown(text)} as the text of row ${i + 1}; rows are {id, text}`);
    }
    if (!('text' in row)) throw mismatch(name, `row ${i + 1} without a text; rows are {id, text}`);
    return text === null ? { id } : { id, row: rows.push({ text, criterion }) - 1 };
  });
  return { kind: 'matches', rows, ids } as const;
}

function readJson(name: SeedFunction, json: Json | undefined): Json {
  if (typeof json !== 'string') return json ?? null;
  if (json.length > SEED_JSON_MAX_CHARS) {
    const most = `${SEED_JSON_MAX_CHARS}; give it in several calls, or stage the rows and use RVBBIT RUN`;
    throw tooMuch(name, `${json.length} characters of JSON`, most);
  }
  const rounded = roundedInteger(json);
  if (rounded !== undefined) {
    throw mismatch(name, `${rounded}, which a JSON number cannot hold exactly; give it as text`);
  }
  const value = parsed(json);
  if (value === undefined) throw mismatch(name, `${shown(json)}, which is not JSON`);
  if (isDeeper(value, VALUE_MAX_DEPTH)) {
    throw tooMuch(name, 'JSON nested deeper', `${VALUE_MAX_DEPTH} levels`);
  }
  return value;
}

function parsed(json: string): Json | undefined {
  try {
    return JSON.parse(json) as Json;
  } catch {
    return undefined;
  }
}

function isDeeper(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeper(item as Json, levels - 1));
}

/**
 * The keys of the rows as columns, in the order of their first mention; each has the narrowest type that all its values
 * have.
 */
function columnsOf(rows: readonly JsonObject[]): readonly BatchColumn[] {
  const types = new Map<string, BatchColumn['type'] | undefined>();
  for (const row of rows) {
    for (const [key, value] of Object.entries(row)) {
      types.set(key, wider(types.get(key), typeOf(value)));
    }
  }
  return [...types].map(([name, type]) => ({ name, type: type ?? 'VARCHAR' }));
}

function typeOf(value: Json): BatchColumn['type'] | undefined {
  if (value === null) return undefined;
  switch (typeof value) {
    case 'boolean':
      return 'BOOLEAN';
    case 'number':
      // 1e300 is a whole number, but no BIGINT.
      return Number.isSafeInteger(value) ? 'BIGINT' : 'DOUBLE';
    case 'string':
      return 'VARCHAR';
    default:
      return 'JSON';
  }
}

function wider(
  known: BatchColumn['type'] | undefined,
  found: BatchColumn['type'] | undefined,
): BatchColumn['type'] | undefined {
  if (known === undefined || found === undefined || known === found) return known ?? found;
  const isNumber = [known, found].every((type) => type === 'BIGINT' || type === 'DOUBLE');
  return isNumber ? 'DOUBLE' : 'JSON';
}

function shown(value: Json | undefined): string {
  return shortText(JSON.stringify(value) ?? 'nothing');
}

function mismatch(name: SeedFunction, got: string): RvbbitError {
  return new RvbbitError('RVB_TYPE_MISMATCH', `${name} got ${got}: ${SEED_FUNCTIONS[name]}`, {
    stage: 'bind',
  });
}

function tooMuch(name: SeedFunction, got: string, most: string): RvbbitError {
  return new RvbbitError('RVB_LIMIT', `${name} got ${got}, and the most is ${most}`, {
    stage: 'bind',
  });
}
