/** The zod schema of cascade files. `examples/cascade.schema.json` is generated from it. */
import * as z from 'zod';
import { OPERATOR_MAX_ARGS } from '../limits.ts';
import type { JsonObject } from '../util/json.ts';
import { durationMs } from './duration.ts';

/** The largest `factor` of a cell's `takes`. */
const TAKES_MAX_FACTOR = 100;
const CASCADE_MAX_CELLS = 200;
/** The most entries of one `sql_function.operators`. */
const OPERATOR_MAX_SPELLINGS = 16;

const NAME = /^(?!(?:constructor|prototype)$)(?!__)[A-Za-z_][A-Za-z0-9_]{0,99}$/;

const name = z.string().regex(NAME, {
  error: 'expected a name of letters, digits and _, so that outputs.<name> can be written',
});

const text = z.string().min(1, { error: 'expected a text that is not empty' });
const object = z.record(z.string(), z.unknown());
const positiveInt = z.int().min(1);

/** An expression may also be YAML's true, false or a number. */
const expression = z.union([text, z.boolean(), z.number()], {
  error: 'expected a Jinja expression without braces',
});

const NOT_A_DURATION = { error: 'expected a duration such as 500ms, 30s or 5m, or seconds' };
const duration = z.union(
  [
    z.number().positive(NOT_A_DURATION),
    z.string().refine((value) => durationMs(value) !== undefined, NOT_A_DURATION),
  ],
  NOT_A_DURATION,
);

const jsonSchema = z.record(z.string(), z.unknown(), {
  error: 'expected a JSON Schema (a mapping)',
});

const retry = z.strictObject({
  max_attempts: positiveInt.max(100).optional().describe('attempts in all, the first one included'),
  backoff: z.enum(['none', 'linear', 'exponential']).optional(),
  base: duration.optional().describe('the first wait'),
});

/** A model, or a list of models. Each is asked if the models before it are unavailable. */
const models = z.union([text, z.array(text).min(1)]);

/** The keys that are sent to the model besides the prompt. */
const modelKeys = {
  system: text.optional(),
  model: models.optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  max_tokens: positiveInt.optional(),
  reasoning_effort: text.optional().describe('e.g. minimal, low, medium or high'),
  seed: z.int().optional(),
  stop: z.array(text).optional(),
};

const evaluator = z.strictObject({
  instructions: text.optional().describe('a prompt that shows {{ takes }} and asks for the best'),
  cascade: text.optional().describe('a cascade of input and takes; its value is the index'),
  ...modelKeys,
  timeout: duration.optional(),
});

const takes = z.strictObject({
  factor: positiveInt.max(TAKES_MAX_FACTOR).describe('how many times the cell is done'),
  reduce: z
    .enum(['vote', 'median', 'first_valid', 'evaluator'])
    .optional()
    .describe('how the values become one; default vote'),
  evaluator: evaluator.optional().describe('with reduce: evaluator'),
});

const ward = z.strictObject({
  name: name.optional().describe('how messages call it'),
  mode: z.enum(['blocking', 'retry', 'advisory']).optional().describe('default blocking'),
  max_attempts: positiveInt
    .max(100)
    .optional()
    .describe('retry: attempts of the cell in all, the first one included; default 3'),
  timeout: duration.optional(),
  js: text
    .optional()
    .describe(
      'an async function body of input, outputs, state, output: true, false or {ok, reason}',
    ),
  sql: text.optional().describe('a query; the first column of its first row is the verdict'),
  cascade: text.optional().describe('a cascade of input, outputs, state, output; a verdict'),
});

const wards = z.strictObject({
  pre: z.array(ward).optional().describe('before the cell, on its input'),
  post: z.array(ward).optional().describe('after the cell, on its output'),
});

const forEachRow = z.strictObject({
  query: text.describe('the rows, in order: one SQL query'),
  cascade: text.describe('the cascade that runs once a row'),
  as: name.optional().describe('the column of its value; default result'),
});

const cell = z.strictObject({
  name: name.describe('outputs.<name> in the cells after it'),
  instructions: text.optional().describe('a prompt, as a Jinja template: a model call'),
  tool: text.optional().describe('sql_data, js, lookup, or the path of another cascade'),
  inputs: object.optional().describe("the tool's inputs"),
  materialize: z
    .union([name, z.boolean()], { error: 'expected a table name, or true for _<cell>' })
    .optional()
    .describe('sql_data and for_each_row: the table of the result; true: _<cell>'),
  ...modelKeys,
  images: z
    .array(text)
    .min(1)
    .optional()
    .describe('inputs whose BLOBs are sent with the prompt, e.g. [input.photo]'),
  output_schema: jsonSchema
    .optional()
    .describe('JSON Schema, draft 2020-12, of what the cell gives'),
  when: expression.optional().describe('the cell runs where this is true'),
  set: z
    .record(name, expression)
    .optional()
    .describe('state keys and their expressions, after the cell'),
  routing: z
    .record(z.string(), name)
    .optional()
    .describe("the next cell, by the output's _route; default: the next cell for any other _route"),
  timeout: duration.optional(),
  on_error: z
    .union([z.literal('fail'), z.literal('null'), z.null()], { error: "expected 'fail' or 'null'" })
    .optional()
    .describe('null: a failing cell gives null and the run goes on'),
  retry: retry.optional(),
  for_each_row: forEachRow.optional().describe('RUN: a cascade once a row of a query'),
  takes: takes.optional(),
  wards: wards.optional(),
});

const sqlArgument = z.strictObject({
  name,
  type: text.describe('a DuckDB type'),
  optional: z.boolean().optional().describe('a call may leave it out'),
});

const sqlFunction = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'expected a name of letters, digits and _' }),
  shape: z.enum(['SCALAR', 'AGGREGATE', 'DIMENSION']).optional(),
  returns: text.optional().describe('a DuckDB type, e.g. BOOLEAN'),
  minimum: z.number().optional().describe('of a number: a smaller one is a failure'),
  maximum: z.number().optional().describe('of a number: a larger one is a failure'),
  args: z.array(sqlArgument).max(OPERATOR_MAX_ARGS).optional(),
  operators: z
    .array(text)
    .max(OPERATOR_MAX_SPELLINGS)
    .optional()
    .describe('e.g. "{text} MEANS {criterion}" or "TLDR({text})"'),
  symmetric: z.boolean().optional().describe('the two arguments may be swapped'),
  deterministic: z
    .boolean()
    .optional()
    .describe(
      'false: nothing is cached; a MAP asks each row, a semantic statement once for equal arguments',
    ),
});

const testCase = z.strictObject({
  name: text.optional(),
  input: object,
  expect: z.unknown(),
});

/** The whole file. */
export const cascadeFileSchema = z.strictObject({
  cascade_id: text.optional().describe('absent: the name of the file'),
  description: z.string().optional(),
  inputs_schema: object.optional().describe('JSON Schema, or the short form `name: description`'),
  cells: z
    .array(cell)
    .min(1, { error: 'expected at least one cell' })
    .max(CASCADE_MAX_CELLS, { error: `more than ${CASCADE_MAX_CELLS} cells` }),
  output: expression.optional().describe('the value of a run; absent: what the last cell gave'),
  model: models.optional(),
  sql_function: sqlFunction.optional(),
  test_cases: z.array(testCase).optional(),
});

/** A file's value after validation. */
export type CascadeFile = z.infer<typeof cascadeFileSchema>;
/** One entry of `cells` after validation. */
export type CellFile = z.infer<typeof cell>;
/** `sql_function` after validation. */
export type SqlFunctionFile = z.infer<typeof sqlFunction>;
/** One entry of a cell's `wards.pre` or `wards.post` after validation. */
export type WardFile = z.infer<typeof ward>;

/** Returns the JSON Schema of cascade files, for editors. */
export function cascadeJsonSchema(): JsonObject {
  const schema = z.toJSONSchema(cascadeFileSchema, { target: 'draft-2020-12', io: 'input' });
  const { $schema, ...rest } = schema as unknown as Record<string, JsonObject[string]>;
  return { $schema: $schema ?? null, title: 'RVBBIT cascade', ...rest };
}
