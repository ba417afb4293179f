/** Says in notes why figures are ranges, and on what they are based. */

import type { CallPlan } from '../../plan/plan.ts';
import type { CellEstimate, CostEstimate } from '../../result.ts';
import { isExact } from '../estimate/estimate.ts';
import type { Forecast } from '../estimate/forecast.ts';
import { DOUBTED_SHARES } from '../explain-limits.ts';
import { costText } from './figure-text.ts';

export function cascadeNotes(
  { calls, cached, cells }: Forecast,
  { runs, foreseen }: { readonly runs: number; readonly foreseen: number },
): readonly string[] {
  const notes: string[] = [];
  if (foreseen < runs) {
    notes.push(
      `calls are counted for the first ${foreseen} of ${runs} runs, and the rest taken to be like them`,
    );
  }
  const perRow = cells.filter((cell) => cell.calls.most === null);
  if (perRow.length > 0) {
    notes.push(
      `calls of ${namesOf(perRow)} are made for each row of a for_each_row query, which EXPLAIN does not run: as many rows as the RUN has are expected`,
    );
  } else if (!isExact(calls) || !isExact(cached)) {
    notes.push(
      'calls are a range where a prompt, or whether a cell runs, depends on an answer that is not known yet',
    );
  }
  return [...notes, ...basisNotes(cells)];
}

/** Tells the price of the other way to make the calls, if there is one. */
export function priceNotes(
  service: CallPlan['service'],
  other: CostEstimate | undefined,
): readonly string[] {
  if (other?.expected === undefined || other.expected === null || other.expected === 0) return [];
  const text = costText(other);
  return service === undefined
    ? [`with service = 'batch', a MAP ASYNC costs ${text}, and may take a day`]
    : [
        `the calls are made by the provider's Batch API, which may take a day: single calls cost ${text}`,
      ];
}

/** Returns the note about the default share of TRUE answers: the calls at other shares, and how the real share gets known. */
export async function defaultShareNote(
  callsAt: (share: number) => Promise<number>,
): Promise<string> {
  const told: string[] = [];
  for (const share of DOUBTED_SHARES) {
    told.push(`${Math.round(await callsAt(share))} calls at ${share * 100} %`);
  }
  return `the default may be far off: ${told.join(', ')}; once the same has been asked of some rows, these or others, their share is taken`;
}

/** Returns notes about the basis of cost, output tokens and time. */
export function basisNotes(cells: readonly CellEstimate[]): readonly string[] {
  const guessed = cells.filter(({ basis, calls }) => basis === 'default' && calls.most !== 0);
  const ofModel = cells.filter(({ basis, calls }) => basis === 'model' && calls.most !== 0);
  const cached = cells.flatMap(({ cell, cachedShare, calls }) =>
    cachedShare === undefined || calls.most === 0
      ? []
      : [`${cell}: ${Math.round(cachedShare * 100)} % of the prompt`],
  );
  const assumed = cells.filter(({ isCostAssumed, calls }) => isCostAssumed && calls.most !== 0);
  const models = [...new Set(assumed.map(({ provider, model }) => `${provider}/${model}`))];
  return [
    ...(models.length === 0
      ? []
      : [
          `cost of ${models.join(', ')} is by list prices, which are assumed: prices at its provider say what it is`,
        ]),
    ...(cached.length === 0
      ? []
      : [`cost counts on the provider's cache: ${cached.join(', ')}, as in earlier calls`]),
    ...(guessed.length === 0
      ? []
      : [`tokens out and time of ${namesOf(guessed)} are defaults: no such call is on record`]),
    ...(ofModel.length === 0
      ? []
      : [
          `tokens out and time of ${namesOf(ofModel)} are those of the model's calls in other cells`,
        ]),
  ];
}

function namesOf(cells: readonly CellEstimate[]): string {
  return [...new Set(cells.map(({ cascade, cell }) => `${cascade}: ${cell}`))].join(', ');
}
