/** Builds the `Cell` that workers run from one validated cell of a file, and checks its templates. */
import type { Json, JsonObject } from '../util/json.ts';
import { buildTakes, buildWards } from './build-guards.ts';
import { buildPrompt, checkText, MODEL_KEYS } from './build-prompt.ts';
import type { Cell, Retry } from './cascade.ts';
import { checkSqlTemplate } from './check-sql-template.ts';
import { durationMs } from './duration.ts';
import type { JsSource } from './js-function.ts';
import type { ValuePath } from './parse-yaml.ts';
import type { Origin, ReportProblemAt } from './report.ts';
import type { CellFile } from './schema.ts';
import { didYouMean } from './spelling.ts';
import { checkExpression, soleExpression } from './template.ts';

/** The values of `tool` that are not paths of cascades. */
export const TOOLS: readonly string[] = ['sql_data', 'js', 'lookup'];

/** Builds a cell. Returns undefined after a problem that leaves no cell to build; `report` has been told of it. */
export function buildCell(
  file: CellFile,
  js: JsSource | undefined,
  origin: Origin,
  report: ReportProblemAt,
): Cell | undefined {
  const kind = cellKind(file, report);
  if (kind === undefined) return undefined;
  if (kind !== 'instructions') {
    for (const key of MODEL_KEYS) {
      if (file[key] !== undefined) report([key], `${key} belongs to a cell with instructions`);
    }
  }
  if (kind !== 'instructions' && file.images !== undefined) {
    report(['images'], 'images belongs to a cell with instructions');
  }
  if (kind !== 'sql_data' && kind !== 'for_each_row' && file.materialize !== undefined) {
    report(['materialize'], 'materialize belongs to a cell with tool: sql_data or for_each_row');
  }
  const base = commonKeys(file, kind, origin, report);
  const inputs = (file.inputs ?? {}) as JsonObject;
  switch (kind) {
    case 'instructions':
      if (file.inputs !== undefined) report(['inputs'], 'inputs belongs to a cell with a tool');
      return { ...base, kind, ...buildPrompt(file, report), ...imagesOf(file, report) };
    case 'sql_data': {
      onlyInputs(inputs, ['query'], report);
      if (typeof inputs['query'] !== 'string') {
        report(['inputs', 'query'], 'expected inputs.query, one SQL statement');
        return undefined;
      }
      checkQuery(['inputs', 'query'], inputs['query'], report);
      const table = file.materialize === true ? `_${file.name}` : file.materialize;
      return { ...base, kind, query: inputs['query'], ...(table ? { materialize: table } : {}) };
    }
    case 'for_each_row': {
      const { query, cascade, as: column = 'result' } = file.for_each_row!;
      if (file.inputs !== undefined)
        report(['inputs'], 'for_each_row takes its inputs from its query');
      checkQuery(['for_each_row', 'query'], query, report);
      const table = typeof file.materialize === 'string' ? file.materialize : `_${file.name}`;
      return { ...base, kind, query, cascade, column, table };
    }
    case 'js':
      onlyInputs(inputs, ['code', 'file'], report);
      return js === undefined ? undefined : { ...base, kind, ...js };
    case 'lookup':
      return { ...base, kind, inputs };
    case 'cascade':
      if (file.inputs === undefined) return { ...base, kind, cascade: file.tool! };
      checkInputs(['inputs'], inputs, report);
      return { ...base, kind, cascade: file.tool!, inputs };
  }
}

function checkQuery(path: ValuePath, query: string, report: ReportProblemAt): void {
  const problem = checkSqlTemplate(query);
  if (problem === undefined) return;
  const code = problem.code === 'RVB_TEMPLATE' ? undefined : problem.code;
  report(path, `${problem.message} (line ${problem.line} of the query)`, code);
}

/** Returns the names of the inputs in `images`. */
function imagesOf({ images }: CellFile, report: ReportProblemAt): { images?: readonly string[] } {
  if (images === undefined) return {};
  const names = images.map((image, i) => {
    const name = /^\s*input\.([A-Za-z_]\w*)\s*$/.exec(image)?.[1];
    if (name === undefined) {
      report(['images', i], 'images takes inputs that are BLOBs, e.g. [input.photo]');
    }
    return name ?? '';
  });
  const twice = names.findIndex((name, i) => names.indexOf(name) < i);
  if (twice !== -1) report(['images', twice], `input.${names[twice]} is there twice`);
  return { images: names };
}

/** Returns the cell's kind. Loading checks later whether the cascade that a tool names exists. */
function cellKind(file: CellFile, report: ReportProblemAt): Cell['kind'] | undefined {
  const ways = [file.instructions, file.tool, file.for_each_row];
  if (ways.filter((way) => way !== undefined).length !== 1) {
    report([], `cell ${file.name} needs exactly one of instructions, tool and for_each_row`);
    return undefined;
  }
  if (file.for_each_row !== undefined) return 'for_each_row';
  if (file.tool === undefined) return 'instructions';
  if (file.tool === 'sql_data' || file.tool === 'js' || file.tool === 'lookup') return file.tool;
  return 'cascade';
}

function commonKeys(
  file: CellFile,
  kind: Cell['kind'],
  origin: Origin,
  report: ReportProblemAt,
): Omit<Cell, 'kind'> {
  const takes = buildTakes(file, kind, report);
  const wards = buildWards(file, origin, report);
  const when = expressionText(['when'], file.when, report);
  const set: Record<string, string> = {};
  for (const [key, value] of Object.entries(file.set ?? {})) {
    set[key] = expressionText(['set', key], value, report) ?? 'none';
  }
  return {
    name: file.name,
    ...(when === undefined ? {} : { when }),
    ...(file.set === undefined ? {} : { set }),
    ...(file.routing === undefined ? {} : { routing: file.routing }),
    ...(file.output_schema === undefined ? {} : { outputSchema: file.output_schema as JsonObject }),
    ...(file.timeout === undefined ? {} : { timeoutMs: durationMs(file.timeout)! }),
    ...(file.on_error === undefined ? {} : { onError: file.on_error === 'fail' ? 'fail' : 'null' }),
    ...(file.retry === undefined ? {} : { retry: buildRetry(file.retry) }),
    ...(takes === undefined ? {} : { takes }),
    ...(wards === undefined ? {} : { wards }),
    ...(kind === 'lookup' ? { unsupported: [kind] } : {}),
  };
}

/** Checks an expression and returns its text. YAML's true, false and numbers are also expressions. */
export function expressionText(
  path: ValuePath,
  value: string | number | boolean | undefined,
  report: ReportProblemAt,
): string | undefined {
  if (value === undefined) return undefined;
  const problem = checkExpression(String(value));
  if (problem !== undefined) report(path, `not an expression: ${problem}`);
  return String(value);
}

function buildRetry({ max_attempts, backoff, base }: NonNullable<CellFile['retry']>): Retry {
  return {
    ...(max_attempts === undefined ? {} : { maxAttempts: max_attempts }),
    ...(backoff === undefined ? {} : { backoff }),
    ...(base === undefined ? {} : { baseMs: durationMs(base)! }),
  };
}

function checkInputs(path: ValuePath, value: Json, report: ReportProblemAt): void {
  if (typeof value === 'string') {
    const sole = soleExpression(value);
    if (sole === undefined) checkText(path, value, report);
    else expressionText(path, sole, report);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      checkInputs([...path, Array.isArray(value) ? Number(key) : key], item as Json, report);
    }
  }
}

function onlyInputs(inputs: JsonObject, known: readonly string[], report: ReportProblemAt): void {
  for (const key of Object.keys(inputs)) {
    if (known.includes(key)) continue;
    const hint =
      key === 'materialize' ? '; it stands beside inputs, not in it' : didYouMean(key, known);
    report(['inputs', key], `unknown key ${key} in inputs${hint}`);
  }
}
