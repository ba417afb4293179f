/** `rvbbit test --models`: runs the same labelled rows with several models or cascades, and counts right answers. */
import { jsonEquals } from '../../cascade/plain-json.ts';
import { quoteIdentifier } from '../../duck/quote.ts';
import type { Engine } from '../../engine.ts';
import { RvbbitError } from '../../errors.ts';
import { isCall } from '../../journal/account.ts';
import type { JournalRecord } from '../../journal/records.ts';
import type { Json, JsonObject } from '../../util/json.ts';
import { CliError, exitCodeOf } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { printRows } from '../print-rows.ts';
import { type Interrupts, watchInterrupts } from '../signals.ts';
import { say } from '../stderr.ts';

/** The number of runs at a time without `--parallel`. */
const PARALLEL = 10;
/** The column of the right answers without `--label`. */
const LABEL = 'expected';
/** The number of characters of an input or answer in the table of disagreements. */
const SHOWN_CHARS = 60;
/** The number of disagreements that the table shows. JSON has all of them. */
const SHOWN_ROWS = 50;

/** A cascade's path under its root, and an engine on that root. */
export interface ComparedCascade {
  readonly engine: Engine;
  readonly path: string;
  /** The cascade as it was typed. */
  readonly name: string;
}

interface LabelledRow {
  readonly input: JsonObject;
  readonly expected: Json;
}

interface Candidate {
  readonly cascade: ComparedCascade;
  /** Undefined for the model that the cascade or the configuration names. */
  readonly model: string | undefined;
  /** The rows in one call. Undefined: each row is a run of its own. */
  readonly batch: string | undefined;
  readonly name: string;
}

/** The outcome of one row: an answer, or the code of the error. */
type Answer = { readonly value: Json } | { readonly error: string };

interface Measured {
  readonly candidate: Candidate;
  readonly answers: readonly Answer[];
  readonly calls: number;
  readonly hits: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** Null if a call has no price. */
  readonly costMicroUsd: number | null;
  /** The milliseconds of each answered call, ascending. */
  readonly latencies: readonly number[];
}

/**
 * Compares, and prints two tables or JSON. The exit code is 1 if a model is right less often than `--at-least` says,
 * and 5 if rows failed.
 */
export async function compareModels(
  cascades: readonly ComparedCascade[],
  options: CliOptions,
): Promise<number> {
  const models = modelsOf(options);
  const batches = batchesOf(options);
  const interrupts = watchInterrupts();
  try {
    const rows = await rowsOf(cascades, options);
    const measured: Measured[] = [];
    for (const cascade of cascades) {
      for (const model of models) {
        const named = nameOf(cascade, model, cascades.length, models.length);
        for (const batch of batches) {
          if (interrupts.interrupted) break;
          const name = batch === undefined ? named : `${named}, ${batch} a call`;
          if (options.quiet !== true) say(`${name}: ${rows.length} rows`);
          const candidate = { cascade, model, batch, name };
          const ask = batch === undefined ? measure : measureTogether;
          measured.push(await ask(candidate, rows, options, interrupts));
        }
      }
    }
    if (interrupts.interrupted) return exitCodeOf(['interrupted']);
    await report(measured, rows, options);
    return exitCodeOf(verdicts(measured, rows, options));
  } finally {
    interrupts.close();
  }
}

function modelsOf({ models, atLeast }: CliOptions): (string | undefined)[] {
  if (atLeast !== undefined && !(atLeast >= 0 && atLeast <= 100)) {
    throw new CliError('usage', '--at-least takes a percentage from 0 to 100');
  }
  if (models === undefined) return [undefined];
  const names = models.split(',').map((name) => name.trim());
  if (names.includes('')) {
    throw new CliError('usage', `--models takes names with commas between them, not '${models}'`);
  }
  return [...new Set(names)];
}

function batchesOf({ batch, data }: CliOptions): (string | undefined)[] {
  if (batch === undefined) return [undefined];
  const numbers = batch.split(',').map((number) => number.trim());
  if (!numbers.every((number) => /^[1-9]\d{0,3}$/.test(number))) {
    throw new CliError('usage', `--batch takes numbers with commas between them, not '${batch}'`);
  }
  if (data === undefined) {
    throw new CliError('usage', '--batch compares labelled rows', 'name their file with --data');
  }
  return [...new Set(numbers)];
}

function nameOf(
  { name }: ComparedCascade,
  model: string | undefined,
  cascades: number,
  models: number,
): string {
  if (model === undefined) return name;
  return cascades > 1 && models > 1 ? `${name}, ${model}` : cascades > 1 ? name : model;
}

/** Returns the rows of `--data`, else the test cases of the first cascade. */
async function rowsOf(
  cascades: readonly ComparedCascade[],
  { data, label = LABEL }: CliOptions,
): Promise<LabelledRow[]> {
  const { engine, path, name } = cascades[0]!;
  const { inputColumns, testCases } = await engine.loadCascade(path);
  if (data === undefined) {
    if (testCases.length === 0) {
      const advice = 'add some, or name a file of labelled rows with --data';
      throw new CliError('usage', `${name} has no test_cases`, advice);
    }
    return testCases.map(({ input, expect }) => ({ input, expected: expect }));
  }
  const rows = await readData(engine, data);
  const columns = Object.keys(rows[0] ?? {});
  if (!columns.includes(label)) {
    const advice = '--label names the column of the right answers';
    throw new CliError(
      'usage',
      `${data} has no column ${label}; it has ${columns.join(', ')}`,
      advice,
    );
  }
  return rows.map((row) => ({
    input: Object.fromEntries(
      Object.entries(row).filter(
        ([key]) => key !== label && (inputColumns === 'all' || inputColumns.includes(key)),
      ),
    ),
    expected: row[label] ?? null,
  }));
}

function readerOf(file: string): string {
  if (/\.parquet$/i.test(file)) return 'read_parquet';
  return /\.(?:json|jsonl|ndjson)$/i.test(file) ? 'read_json' : 'read_csv';
}

async function readData(engine: Engine, file: string): Promise<JsonObject[]> {
  try {
    const sql = `SELECT * FROM ${readerOf(file)}($file)`;
    const { rows } = await engine.query(sql, { file }, { valueForm: 'json' });
    if (rows.length === 0) throw new CliError('usage', `${file} has no rows`);
    return rows as readonly Record<string, Json>[] as JsonObject[];
  } catch (thrown) {
    if (!(thrown instanceof RvbbitError)) throw thrown;
    throw new CliError('open', `cannot read ${file}: ${thrown.message}`);
  }
}

/** Asks about every row, at most `--parallel` rows at a time. Throws if the model cannot be asked at all. */
async function measure(
  candidate: Candidate,
  rows: readonly LabelledRow[],
  { parallel = PARALLEL }: CliOptions,
  interrupts: Interrupts,
): Promise<Measured> {
  const { cascade, model } = candidate;
  const tally = { calls: 0, hits: 0, tokensIn: 0, tokensOut: 0, cost: 0, isPriced: true };
  const latencies: number[] = [];
  const onRecord = (record: JournalRecord) => {
    if (record.t === 'cache.hits') tally.hits += record.count;
    if (record.t !== 'attempt.end' || record.outcome === 'not_sent') return;
    tally.calls += 1;
    tally.tokensIn += record.tokensIn;
    tally.tokensOut += record.tokensOut;
    if (record.costMicroUsd === null) tally.isPriced = false;
    else tally.cost += record.costMicroUsd;
    if (record.outcome === 'ok') latencies.push(record.durationMs);
  };
  const answers: Answer[] = [];
  let next = 0;
  const lane = async () => {
    for (let at = next++; at < rows.length && !interrupts.interrupted; at = next++) {
      const { outcome } = await cascade.engine.runCascade(cascade.path, rows[at]!.input, {
        signal: interrupts.signal,
        ...(model === undefined ? {} : { model }),
      });
      answers[at] =
        outcome.kind === 'failed'
          ? { error: outcome.error.code }
          : { value: outcome.kind === 'ok' ? outcome.value : null };
    }
  };
  cascade.engine.events.on('record', onRecord);
  try {
    await Promise.all(Array.from({ length: Math.min(parallel, rows.length) }, lane));
  } finally {
    cascade.engine.events.off('record', onRecord);
  }
  latencies.sort((a, b) => a - b);
  const { calls, hits, tokensIn, tokensOut, cost, isPriced } = tally;
  return {
    ...{ candidate, answers, calls, hits, tokensIn, tokensOut, latencies },
    costMicroUsd: isPriced ? cost : null,
  };
}

/** Asks about the rows of `--data` with several rows in one call, by a MAP. */
async function measureTogether(
  candidate: Candidate,
  rows: readonly LabelledRow[],
  { parallel = PARALLEL, data = '', label = LABEL }: CliOptions,
  { signal }: Interrupts,
): Promise<Measured> {
  const { cascade, model, batch } = candidate;
  const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
  const latencies: number[] = [];
  const calls = new Set<string>();
  const onRecord = (record: JournalRecord) => {
    if (record.t === 'attempt.start' && isCall(record)) calls.add(record.attempt);
    const isEnd = record.t === 'attempt.end' && calls.delete(record.attempt);
    if (isEnd && record.outcome === 'ok') latencies.push(record.durationMs);
  };
  cascade.engine.events.on('record', onRecord);
  try {
    const asked = model === undefined ? '' : `, model = ${text(model)}`;
    const { rows: got, summary } = await cascade.engine.query(
      `RVBBIT MAP PARALLEL ${parallel} BATCH ${batch} ${text(cascade.path)} AS rvbbit_answer
        USING (SELECT * EXCLUDE (${quoteIdentifier(label)}) FROM ${readerOf(data)}($file))
        WITH (limit = ${rows.length}, cache = false, error_column = 'rvbbit_error'${asked})`,
      { file: data },
      { valueForm: 'json', signal },
    );
    const answers = got.map(({ rvbbit_answer: value, rvbbit_error: error }, at): Answer => {
      if (error !== null) return { error: (error as { readonly code: string }).code };
      const isJson = typeof value === 'string' && typeof rows[at]?.expected === 'object';
      return { value: isJson ? jsonOf(value) : (value as Json) };
    });
    return {
      ...{ candidate, answers, calls: summary.calls.sent, hits: 0 },
      tokensIn: summary.tokens.in,
      tokensOut: summary.tokens.out,
      latencies: latencies.sort((a, b) => a - b),
      costMicroUsd: summary.costMicroUsd,
    };
  } finally {
    cascade.engine.events.off('record', onRecord);
  }
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function isRight(answer: Answer | undefined, expected: Json): boolean {
  return answer !== undefined && 'value' in answer && sameAnswer(answer.value, expected);
}

/** True if the values are equal as JSON or as texts. A CSV file does not distinguish the number 1 from the text. */
function sameAnswer(value: Json, expected: Json): boolean {
  if (jsonEquals(value, expected)) return true;
  if (typeof value === 'object' || typeof expected === 'object') return false;
  return String(value) === String(expected);
}

function agreementOf({ answers }: Measured, rows: readonly LabelledRow[]): number {
  return rows.filter(({ expected }, at) => isRight(answers[at], expected)).length;
}

function verdicts(
  measured: readonly Measured[],
  rows: readonly LabelledRow[],
  { atLeast = 0 }: CliOptions,
): ('failed' | 'rows')[] {
  const isBelow = measured.some((one) => (100 * agreementOf(one, rows)) / rows.length < atLeast);
  const hasFailed = measured.some(({ answers }) => answers.some((answer) => 'error' in answer));
  return [...(isBelow ? ['failed' as const] : []), ...(hasFailed ? ['rows' as const] : [])];
}

async function report(
  measured: readonly Measured[],
  rows: readonly LabelledRow[],
  options: CliOptions,
): Promise<void> {
  const summaries = measured.map((one) => {
    const agree = agreementOf(one, rows);
    const failed = one.answers.filter((answer) => 'error' in answer).length;
    return {
      candidate: one.candidate.name,
      rows: rows.length,
      agree,
      agreement: Math.round((10_000 * agree) / rows.length) / 10_000,
      failed,
      calls: one.calls,
      cached: one.hits,
      tokens_in: one.tokensIn,
      tokens_out: one.tokensOut,
      cost_usd: one.costMicroUsd === null ? null : one.costMicroUsd / 1e6,
      p50_ms: percentile(one.latencies, 0.5),
      p95_ms: percentile(one.latencies, 0.95),
    };
  });
  const disagreements = rows.flatMap(({ input, expected }, at) =>
    measured.every(({ answers }) => isRight(answers[at], expected))
      ? []
      : [
          {
            row: at + 1,
            input,
            expected,
            answers: Object.fromEntries(
              measured.map(({ candidate, answers }) => [candidate.name, answers[at] ?? null]),
            ),
          },
        ],
  );
  if (options.json === true) {
    process.stdout.write(
      `${JSON.stringify({ candidates: summaries, disagreements }, undefined, 2)}\n`,
    );
    return;
  }
  const numbers = { rows: 'BIGINT', agree: 'BIGINT', agreement: 'DOUBLE', failed: 'BIGINT' };
  const spending = { calls: 'BIGINT', cached: 'BIGINT', tokens_in: 'BIGINT', tokens_out: 'BIGINT' };
  await printRows(
    {
      candidate: 'VARCHAR',
      ...numbers,
      ...spending,
      cost_usd: 'DOUBLE',
      p50_ms: 'DOUBLE',
      p95_ms: 'DOUBLE',
    },
    summaries,
    { format: 'table' },
  );
  if (disagreements.length === 0) return;
  const names = measured.map(({ candidate }) => candidate.name);
  await printRows(
    Object.fromEntries(['row', 'input', 'expected', ...names].map((name) => [name, 'VARCHAR'])),
    disagreements.slice(0, SHOWN_ROWS).map(({ row, input, expected, answers }) => ({
      row: String(row),
      input: shown(Object.values(input).length === 1 ? Object.values(input)[0]! : input),
      expected: shown(expected),
      ...Object.fromEntries(names.map((name) => [name, answerText(answers[name] ?? null)])),
    })),
    { format: 'table' },
  );
  const left = disagreements.length - SHOWN_ROWS;
  if (left > 0) say(`${left} more rows on which they disagree: --json has all`);
}

function answerText(answer: Answer | null): string {
  if (answer === null) return '';
  return 'error' in answer ? answer.error : shown(answer.value);
}

function shown(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS - 1)}…` : text;
}

/** Returns a percentile of ascending values; null without values. */
function percentile(values: readonly number[], part: number): number | null {
  const value = values[Math.max(0, Math.ceil(values.length * part) - 1)];
  return value === undefined ? null : Math.round(value);
}
