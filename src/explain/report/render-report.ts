/** Renders a report as text, as a tree, or as JSON: the same form for EXPLAIN, `engine.explain` and the command line. */

import { assertUnreachable } from '../../errors.ts';
import type { ExplainActual, ExplainFigure, ExplainNode, ExplainReport } from '../../result.ts';
import { dollars } from '../../util/dollars.ts';
import { rangeText } from '../estimate/estimate.ts';
import { costText, guardsText, limitText, seconds1, secondsText } from './figure-text.ts';

/** The forms in which EXPLAIN is shown. */
export type ExplainFormat = 'text' | 'tree' | 'json';

/** Returns the report as lines. */
export function renderReport(report: ExplainReport, format: ExplainFormat): readonly string[] {
  switch (format) {
    case 'json':
      return [JSON.stringify(report)];
    case 'tree':
      return treeLines(report);
    case 'text':
      return textLines(report);
    default:
      return assertUnreachable(format);
  }
}

/** A named figure: the predicted value and, under ANALYZE, the actual value and the error. */
interface Fact {
  readonly name: string;
  readonly predicted: string;
  readonly actual?: string;
  readonly error?: string;
}

const NAME_WIDTH = 16;

function textLines(report: ExplainReport): readonly string[] {
  const facts = factsOf(report);
  const head = `${title(report)} ${report.cascades.join(', ')}`;
  const sql = report.sql.flatMap((text) => text.split('\n').map((line) => `    ${line}`));
  const lines = report.actual === undefined ? facts.map(plainLine) : comparedLines(facts);
  return [
    head,
    ...lines,
    ...report.notes.map((note) => `  ${'note'.padEnd(NAME_WIDTH)} ${note}`),
    ...(sql.length === 0 ? [] : ['  SQL sent to DuckDB', ...sql]),
  ];
}

function title({ statement }: ExplainReport): string {
  return statement === 'semantic' ? 'SEMANTIC SQL' : statement.toUpperCase();
}

function plainLine({ name, predicted }: Fact): string {
  return `  ${name.padEnd(NAME_WIDTH)} ${predicted}`;
}

/** Returns lines with predicted, actual and error in columns of their own. */
function comparedLines(facts: readonly Fact[]): readonly string[] {
  const compared = facts.filter(({ actual }) => actual !== undefined);
  const width = Math.max('predicted'.length, ...compared.map(({ predicted }) => predicted.length));
  const actualWidth = Math.max('actual'.length, ...compared.map(({ actual }) => actual!.length));
  const line = (name: string, predicted: string, actual: string, error: string) =>
    `  ${name.padEnd(NAME_WIDTH)} ${predicted.padEnd(width)}  ${actual.padEnd(actualWidth)}  ${error}`.trimEnd();
  return [
    line('', 'predicted', 'actual', 'error'),
    ...facts.map(({ name, predicted, actual, error }) =>
      actual === undefined
        ? plainLine({ name, predicted })
        : line(name, predicted, actual, error ?? ''),
    ),
  ];
}

function factsOf(report: ExplainReport): readonly Fact[] {
  const { actual, parallel } = report;
  const compare = (
    key: ExplainFigure,
    name: string,
    predicted: string,
    write: (actual: ExplainActual) => string,
  ): Fact => ({
    name,
    predicted,
    ...(actual === undefined
      ? {}
      : { actual: write(actual), error: percentText(actual.errorPercent[key]) }),
  });
  const isSemantic = report.statement === 'semantic';
  return [
    {
      name: 'rows',
      predicted:
        report.rows === null ? 'not counted ahead' : `${report.rows} (${limitText(report)})`,
    },
    ...(report.deduped === 0 ? [] : [{ name: 'deduped', predicted: String(report.deduped) }]),
    compare(
      'resultRows',
      'rows out',
      report.statement === 'sql' ? 'not counted ahead' : rangeText(report.resultRows),
      ({ resultRows }) => String(resultRows),
    ),
    {
      name: isSemantic ? 'questions' : 'distinct inputs',
      predicted: rangeText(report.distinctInputs),
    },
    compare('runs', 'runs', rangeText(report.runs), ({ runs }) => String(runs)),
    compare('calls', 'calls', rangeText(report.calls), ({ calls }) => String(calls)),
    compare('cached', 'cached', rangeText(report.cached), ({ cached }) => String(cached)),
    compare('tokensIn', 'tokens in', rangeText(report.tokensIn), ({ tokensIn }) =>
      String(tokensIn),
    ),
    compare('tokensOut', 'tokens out', rangeText(report.tokensOut), ({ tokensOut }) =>
      String(tokensOut),
    ),
    compare('cost', 'cost', costText(report.cost), ({ costMicroUsd }) =>
      costMicroUsd === null ? 'uncosted' : dollars(costMicroUsd),
    ),
    compare('seconds', `seconds at ${parallel}`, secondsText(report.seconds), ({ seconds }) =>
      seconds1(seconds),
    ),
    { name: 'limits', predicted: guardsText(report.guards) },
    ...(report.refusal === null ? [] : [{ name: 'refusal', predicted: report.refusal }]),
    {
      name: 'strategy',
      predicted: report.reason === '' ? report.strategy : `${report.strategy}: ${report.reason}`,
    },
    ...(isSemantic
      ? []
      : [{ name: 'input columns', predicted: report.inputColumns.join(', ') || 'none' }]),
    ...(actual === undefined || (actual.failed === 0 && actual.status === 'complete')
      ? []
      : [{ name: 'ended', predicted: `${actual.status}, ${actual.failed} failed` }]),
  ];
}

function percentText(percent: number | null): string {
  if (percent === null) return '';
  return `${percent > 0 ? '+' : ''}${Math.round(percent)} %`;
}

function treeLines(report: ExplainReport): readonly string[] {
  const { tree, actual } = report;
  if (actual === undefined) return nodeLines(tree);
  const compared = factsOf(report).filter((fact) => fact.actual !== undefined);
  const node: ExplainNode = {
    name: 'Actual',
    facts: compared.map(
      ({ name, predicted, actual: came, error }) =>
        `${name}: ${came}, predicted ${predicted}${error === '' ? '' : ` (${error})`}`,
    ),
    children: [],
  };
  return nodeLines({ ...tree, children: [...tree.children, node] });
}

function nodeLines({ name, facts, children }: ExplainNode): readonly string[] {
  const rail = children.length > 0 ? '│  ' : '   ';
  return [
    name,
    ...facts.map((fact) => `${rail}${fact}`),
    ...children.flatMap((child, index) => {
      const isLast = index === children.length - 1;
      const [first, ...rest] = nodeLines(child);
      return [
        `${isLast ? '└─ ' : '├─ '}${first}`,
        ...rest.map((line) => `${isLast ? '   ' : '│  '}${line}`),
      ];
    }),
  ];
}
