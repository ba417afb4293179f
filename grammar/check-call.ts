import type {
  Identifier,
  NumberLiteral,
  Option,
  ResultColumn,
  Span,
  StringLiteral,
} from './ast.ts';
import { type Problem, shown } from './diagnostics.ts';
import { MAX_PARALLEL } from './limits.ts';
import { OPTIONS } from './options.ts';
import { optionValue } from './setting-values.ts';

/** The parts of a MAP or RUN as written, not checked yet. */
export interface CallParts {
  readonly isRun: boolean;
  readonly parallel: NumberLiteral | undefined;
  readonly batch: NumberLiteral | StringLiteral | undefined;
  readonly distinct: Span | undefined;
  readonly cascade: StringLiteral;
  readonly alias: Identifier | undefined;
  readonly asSpan: Span | undefined;
  readonly asColumns: readonly ResultColumn[] | undefined;
  readonly returningSpan: Span | undefined;
  readonly returned: readonly ResultColumn[] | undefined;
  readonly tablesSpan: Span | undefined;
  readonly options: readonly Option[];
}

type ReportCallProblem = (code: Problem['code'], message: string, span: Span) => void;

/** Reports the parts of a MAP or RUN that the parser accepts but the dialect forbids. */
export function checkCall(parts: CallParts, problems: Problem[]): void {
  const report: ReportCallProblem = (code, message, span) => problems.push({ code, message, span });
  if (parts.isRun) checkRun(parts, report);
  else checkMap(parts, report);
  if (parts.cascade.value.trim() === '') {
    report('RVB_SYNTAX', 'The cascade path is empty.', parts.cascade.span);
  }
  checkRepeatedOptions(parts, report);
  const kind = parts.isRun ? 'run' : 'map';
  for (const { key } of parts.options) {
    const spec = OPTIONS.get(key.value);
    if (spec === undefined || spec.appliesTo.includes(kind)) continue;
    const message = `The option ${key.value} belongs to RVBBIT ${parts.isRun ? 'MAP' : 'RUN'}.`;
    report('RVB_UNKNOWN_OPTION', message, key.span);
  }
}

function checkRun(parts: CallParts, report: ReportCallProblem): void {
  if (parts.parallel !== undefined) {
    report('RVB_SYNTAX', 'PARALLEL belongs to RVBBIT MAP.', parts.parallel.span);
  }
  if (parts.batch !== undefined) {
    report('RVB_SYNTAX', 'BATCH belongs to RVBBIT MAP.', parts.batch.span);
  }
  if (parts.distinct !== undefined) {
    report('RVB_SYNTAX', 'DISTINCT belongs to RVBBIT MAP.', parts.distinct);
  }
  if (parts.asSpan !== undefined) {
    const message = 'AS belongs to RVBBIT MAP; RUN takes RETURNING ( … ) after USING.';
    report('RVB_SYNTAX', message, parts.asSpan);
  }
}

function checkMap(parts: CallParts, report: ReportCallProblem): void {
  if (parts.parallel !== undefined && !isCount(parts.parallel.value, MAX_PARALLEL)) {
    const message = `PARALLEL takes a whole number from 1 to ${MAX_PARALLEL}, for example PARALLEL 5.`;
    report('RVB_OPTION_TYPE', message, parts.parallel.span);
  }
  const { batch } = parts;
  if (batch?.kind === 'NumberLiteral' && !isCount(batch.value, Number.MAX_SAFE_INTEGER)) {
    const message = 'BATCH takes a whole number of at least 1, for example BATCH 20, or AUTO.';
    report('RVB_OPTION_TYPE', message, batch.span);
  }
  if (parts.tablesSpan !== undefined) {
    report('RVB_SYNTAX', 'RETURNING TABLES belongs to RVBBIT RUN.', parts.tablesSpan);
  }
  if (parts.asColumns !== undefined && parts.returned !== undefined) {
    const message = 'The result columns stand twice, in AS ( … ) and in RETURNING ( … ).';
    report('RVB_SYNTAX', message, parts.returningSpan!);
  }
}

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most;
}

/** Reports a setting that is given twice with different values. Equal values are allowed. */
function checkRepeatedOptions(parts: CallParts, report: ReportCallProblem): void {
  const seen = new Map<string, { value: unknown; by: string }>();
  const modifier = (key: string, value: unknown, by: string) => {
    if (value !== undefined) seen.set(key, { value, by });
  };
  modifier('parallel', parts.parallel?.value, 'PARALLEL');
  modifier('batch', parts.batch?.value, 'BATCH');
  modifier('distinct', parts.distinct && true, 'DISTINCT');
  modifier('result_column', parts.alias?.value, 'AS');
  for (const option of parts.options) {
    const { key, span } = option;
    const value = optionValue(option) ?? option.value.value;
    const earlier = seen.get(key.value);
    if (earlier === undefined) {
      seen.set(key.value, { value, by: key.value });
    } else if (earlier.value !== value) {
      const twice = earlier.by === key.value ? 'twice' : `here and in ${earlier.by}`;
      const message = `${shown(key.value)} is given ${twice}, with different values.`;
      report('RVB_SYNTAX', message, span);
    }
  }
}
