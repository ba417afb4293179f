/** Says in words which way of a workload was the fastest, and why. */
import { callsOf } from '../../src/report/measures.ts';
import type { Timeline } from '../../src/report/timeline.ts';
import { round } from '../report.ts';
import type { Way } from '../strategies/ways.ts';
import type { Spread } from '../suite.ts';

/** A measured way of a workload. Times are in milliseconds. */
export interface MeasuredWay {
  readonly way: Way;
  readonly ms: Spread;
  /** The number of wrong rows in the worst sample. */
  readonly wrong: number;
  readonly timeline?: Timeline;
}

export interface Verdict {
  readonly winner: string;
  readonly reason: string;
}

/** The reason for the speed of each way. */
const WHY: Readonly<Record<Way, string>> = {
  'bare client': 'it is a plain loop without an engine',
  batch: 'each lane takes the next row as soon as it is free',
  'multi-row': 'several rows share a call',
  static: 'a lane that has ended its slice stands idle while others still work on theirs',
  wave: 'all lanes wait for the slowest row of each wave before the next one begins',
  union_all: 'branches by hash are of uneven size, and the largest one decides',
  'n sessions': 'branches by hash are of uneven size, and each is a statement with its own start',
  sequential: 'one row is worked on at a time',
  udf: 'DuckDB calls a JavaScript function on one thread, so one call is out at a time',
  'udf union all': 'the branches of a UNION ALL share the one thread that may call JavaScript',
};

/**
 * Makes the verdict. `boundMs` is the least possible time; undefined if the rows make no calls. The bare client cannot
 * win, because the other ways are compared with it.
 */
export function verdictOn(
  ways: readonly MeasuredWay[],
  parallel: number,
  boundMs: number | undefined,
): Verdict {
  const wrong = ways.filter((one) => one.wrong > 0).map(({ way }) => way);
  const inOrder = ways
    .filter(({ way, wrong: rows }) => way !== 'bare client' && rows === 0)
    .sort((a, b) => a.ms.median - b.ms.median);
  const [first, ...others] = inOrder;
  const wrongText = wrong.length === 0 ? '' : ` Wrong rows: ${wrong.join(', ')}.`;
  if (first === undefined) return { winner: 'none', reason: `No way gave right rows.${wrongText}` };
  const level = others.filter(({ ms }) => ms.min <= first.ms.max);
  const behind = others.filter((one) => !level.includes(one));
  const winner = [first, ...level].map(({ way }) => way).join(', ');
  const least =
    boundMs === undefined
      ? ''
      : `, ${(first.ms.median / boundMs).toFixed(2)} times the least possible`;
  const took = `${round(first.ms.median)} ms${least}.`;
  const how =
    level.length > 0
      ? `level, within each other's spread: ${took}`
      : `${took} With ${first.way} ${WHY[first.way]}${busyText(first, parallel)}.`;
  return { winner, reason: `${how}${behindText(first, behind, parallel)}${wrongText}` };
}

/** Describes the slowest way with n lanes and the slowest way with one lane, each with its reason. */
function behindText(first: MeasuredWay, behind: readonly MeasuredWay[], parallel: number): string {
  const isSerial = ({ way }: MeasuredWay) => way === 'sequential' || way.startsWith('udf');
  const told = [behind.findLast((one) => !isSerial(one)), behind.findLast(isSerial)];
  return told
    .filter((one) => one !== undefined)
    .map((one) => {
      const times = (one.ms.median / first.ms.median).toFixed(1);
      return ` ${one.way} takes ${times} times as long: ${WHY[one.way]}${busyText(one, parallel)}.`;
    })
    .join('');
}

/** Returns the part of the lanes' time that calls took, as text. */
function busyText({ timeline }: MeasuredWay, parallel: number): string {
  if (timeline === undefined) return '';
  const busyUs = callsOf(timeline).reduce((sum, { fromUs, toUs }) => sum + toUs - fromUs, 0);
  const share = busyUs / (Math.max(1, timeline.endUs) * parallel);
  return ` (lanes busy ${Math.round(share * 100)} % of the time)`;
}
