/** Shows the plan as a tree: the result is at the top, and what is read is at the bottom. */
import type { CellEstimate, Estimate, ExplainNode, ExplainReport } from '../../result.ts';
import { rangeText } from '../estimate/estimate.ts';
import { costText, limitText, secondsText } from './figure-text.ts';

type TreelessReport = Omit<ExplainReport, 'tree'>;

/** One operator of a semantic statement. The steps are in the order in which the operators are asked. */
export interface OperatorStep {
  readonly operator: string;
  readonly cascade: string;
  readonly questions: Estimate;
}

export function cascadeTree(report: TreelessReport): ExplainNode {
  const { statement, rows, resultRows, distinctInputs, deduped, cells, sql } = report;
  const read: ExplainNode = {
    name: 'Read',
    facts: [
      `${rows} rows, ${limitText(report)}`,
      ...(deduped > 0 ? [`${deduped} dropped as duplicates`] : []),
    ],
    children: sql.map(sqlNode),
  };
  const distinct: ExplainNode = {
    name: 'Distinct inputs',
    facts: [rangeText(distinctInputs)],
    children: [read],
  };
  return {
    name: `${statement.toUpperCase()} ${report.cascades.join(', ')}`,
    facts: [`${rangeText(resultRows)} rows come out`],
    children: [
      {
        name: 'Run',
        facts: [
          `${rangeText(report.runs)} runs, ${atATime(report.parallel)}, ${secondsText(report.seconds)}`,
          `strategy ${report.strategy}: ${report.reason}`,
        ],
        children: [...cells.map(cellNode), statement === 'map' ? distinct : read],
      },
    ],
  };
}

export function semanticTree(report: TreelessReport, steps: readonly OperatorStep[]): ExplainNode {
  const { rows, resultRows, cells, sql } = report;
  const read: ExplainNode = {
    name: 'Read',
    facts: rows === null ? [] : [`${rows} rows that plain conditions leave`],
    children: sql.map(sqlNode),
  };
  const asked = steps.map(
    ({ operator, cascade, questions }): ExplainNode => ({
      name: operator,
      facts: [`${rangeText(questions)} questions`],
      children: cells.filter((cell) => cell.cascade === cascade).map(cellNode),
    }),
  );
  return {
    name: 'SEMANTIC SQL',
    facts: [`${rangeText(resultRows)} rows come out`],
    children: [
      {
        name: 'Ask',
        facts: [
          `${rangeText(report.runs)} questions, ${atATime(report.parallel)}, ${secondsText(report.seconds)}`,
          `strategy ${report.strategy}${report.reason === '' ? '' : `: ${report.reason}`}`,
        ],
        children: [...asked, read],
      },
    ],
  };
}

function cellNode({ cell, provider, model, ...figures }: CellEstimate): ExplainNode {
  const { calls, cached, tokensIn, tokensOut, cachedShare, cost, meanMs } = figures;
  const ofCache =
    cachedShare === undefined
      ? ''
      : ` (${Math.round(cachedShare * 100)} % from the provider's cache)`;
  return {
    name: `cell ${cell}`,
    facts: [
      `${provider}/${model}: ${rangeText(calls)} calls, ${rangeText(cached)} cached`,
      `tokens ${rangeText(tokensIn)} in${ofCache}, ${rangeText(tokensOut)} out; ${costText(cost)}; ${Math.round(meanMs)} ms a call`,
    ],
    children: [],
  };
}

function sqlNode(text: string): ExplainNode {
  return { name: 'SQL', facts: text.split('\n'), children: [] };
}

function atATime(parallel: number): string {
  return parallel === 1 ? 'one at a time' : `${parallel} at a time`;
}
