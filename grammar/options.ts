import { MAX_PARALLEL } from './limits.ts';
import type { OptionValueKind, ValueSpec } from './value-spec.ts';

/** The definition of one key of WITH. */
export interface OptionSpec extends ValueSpec {
  readonly key: string;
  readonly appliesTo: readonly ('map' | 'run')[];
  readonly meaning: string;
  /** A valid value, as a user writes it. */
  readonly example: string;
}

const BOTH = ['map', 'run'] as const;
const MAP = ['map'] as const;

const TABLE: readonly OptionSpec[] = [
  option(
    'parallel',
    ['integer'],
    BOTH,
    'Runs in flight at most at any moment; of a RUN those of its for_each_row cells.',
    '5',
    { min: 1, max: MAX_PARALLEL },
  ),
  option('batch', ['integer', 'string'], MAP, 'Rows in one model call at most.', '20', {
    min: 1,
    values: ['auto'],
  }),
  option(
    'service',
    ['string'],
    MAP,
    "How the calls are made: by the provider's Batch API.",
    "'batch'",
    {
      values: ['batch'],
    },
  ),
  option('limit', ['integer'], BOTH, 'Rows read at most.', '1000', { min: 0 }),
  option('on_error', ['string'], BOTH, 'What a row whose cascade failed becomes.', "'null'", {
    values: ['null', 'fail', 'skip'],
    prefix: 'default:',
    runValues: ['null', 'fail'],
  }),
  option('error_column', ['string'], MAP, 'Name of a column for the error of a row.', "'error'"),
  option('retries', ['integer'], BOTH, 'Retries of a retryable failure.', '2', { min: 0 }),
  option('timeout', ['duration'], BOTH, "Time for one row's run.", "'30s'"),
  option('deadline', ['duration'], BOTH, 'Time for the whole statement.', "'10m'"),
  option('max_cost', ['number'], BOTH, 'Dollars that the statement may spend.', '0.50', { min: 0 }),
  option('max_calls', ['integer'], BOTH, 'Model calls that the statement may make.', '500', {
    min: 0,
  }),
  option('max_total_tokens', ['integer'], BOTH, 'Tokens that the statement may use.', '100000', {
    min: 0,
  }),
  option(
    'rpm',
    ['integer'],
    BOTH,
    'Model calls a minute at most, where the provider allows more.',
    '60',
    {
      min: 1,
    },
  ),
  option(
    'input_tpm',
    ['integer'],
    BOTH,
    'Input tokens a minute at most, where the provider allows more.',
    '100000',
    {
      min: 1,
    },
  ),
  option(
    'output_tpm',
    ['integer'],
    BOTH,
    'Output tokens a minute at most, where the provider allows more.',
    '20000',
    {
      min: 1,
    },
  ),
  option('max_pairs', ['integer'], BOTH, 'Pairs that a semantic join may ask.', '100000', {
    min: 0,
  }),
  option(
    'cache',
    ['boolean', 'duration', 'string'],
    BOTH,
    'Whether answers of earlier statements are used.',
    'false',
    { values: ['refresh'] },
  ),
  option('dedupe', ['boolean'], BOTH, 'Whether equal inputs run once.', 'false'),
  option('model', ['string'], BOTH, "Model in place of the cascade's.", "'openai/gpt-4o-mini'"),
  option('temperature', ['number'], BOTH, "Temperature in place of the cascade's.", '0.2', {
    min: 0,
  }),
  option('max_tokens', ['integer'], BOTH, "The model's output cap.", '400', { min: 1 }),
  option('top_p', ['number'], BOTH, "Nucleus sampling in place of the cascade's.", '0.9', {
    min: 0,
  }),
  option('reasoning_effort', ['string'], BOTH, 'How much the model reasons.', "'low'"),
  option('seed', ['integer'], BOTH, "The model's seed.", '42'),
  option('order', ['string'], MAP, 'Order in which rows are delivered.', "'input'", {
    values: ['input', 'completion'],
  }),
  option('strategy', ['string'], MAP, 'How the rows are run.', "'auto'", {
    values: ['auto', 'batch', 'sequential', 'union_all', 'static', 'wave'],
  }),
  option('as_table', ['string'], BOTH, 'Table that the rows are written to.', "'enriched'"),
  option('schema', ['string'], BOTH, 'Schema for the tables that are made.', "'main'"),
  option('result_column', ['string'], BOTH, 'Name of the result column.', "'brand'"),
  option('dedupe_by', ['string'], MAP, 'Column of which each value is kept once.', "'product_id'"),
  option('distinct', ['boolean'], MAP, 'Whether each row is kept once, as DISTINCT.', 'true'),
  option('label', ['string'], BOTH, 'Kept with the caller in the receipts.', "'nightly'"),
];

function option(
  key: string,
  kinds: readonly OptionValueKind[],
  appliesTo: OptionSpec['appliesTo'],
  meaning: string,
  example: string,
  more: Omit<ValueSpec, 'kinds'> = {},
): OptionSpec {
  return Object.freeze({ key, kinds, appliesTo, meaning, example, ...more });
}

/** Every option of WITH by its key, in the order of the documentation. */
export const OPTIONS: ReadonlyMap<string, OptionSpec> = new Map(
  TABLE.map((spec) => [spec.key, spec]),
);
