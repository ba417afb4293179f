/** Describes the account of a MAP or RUN. */
import type { Notice, Summary } from '../result.ts';
import { speedUpText } from '../util/speed-up.ts';
import { rateText } from './progress.ts';
import { counted } from './text/counted.ts';

/** The number of failures printed. The summary may hold more, which `--stats` shows. */
const FAILURES_SHOWN = 5;

/** Returns the lines that say what a statement did. Rows are counted from 1. */
export function summaryLines(
  name: string,
  summary: Summary,
  notices: readonly Notice[] = [],
): string[] {
  const { rows, failures } = summary;
  const outcomes: [number, string][] = [
    [rows.null, 'null'],
    [rows.failed, 'failed'],
    [rows.skipped, 'skipped'],
    [rows.notRun, 'not run'],
  ];
  const seconds = summary.durationMs / 1000;
  const done = rows.in - rows.notRun;
  const speedUp = speedUpText(summary.callsMs ?? 0, summary.durationMs);
  const speed = [
    ...(seconds > 0 && done > 0 ? [`${rateText(done / seconds)} rows/s`] : []),
    ...(speedUp === undefined ? [] : [`speed-up ${speedUp}`]),
  ];
  const parts = [
    [counted(rows.in, 'row'), `${rows.ok} ok`, ...named(outcomes)].join(', '),
    [counted(summary.runs, 'run'), ...named([[rows.deduped, 'deduped']])].join(', '),
    ...modelPart(summary),
    ...(summary.waitedMs > 0
      ? [`${(summary.waitedMs / 1000).toFixed(1)} s waiting for permission to call`]
      : []),
    `${seconds.toFixed(2)} s${speed.length > 0 ? ` (${speed.join(', ')})` : ''}`,
  ];
  const status =
    summary.status === 'complete' ? '' : ` incomplete (${summary.reason ?? 'stopped'}),`;
  const shown = failures.slice(0, FAILURES_SHOWN);
  const more = rows.failed - shown.length;
  return [
    `${name}:${status} ${parts.join('; ')}`,
    ...notices.map(({ message }) => `note: ${message}`),
    ...shown.map(failureLine),
    ...(shown.length > 0 && more > 0 ? [`  … and ${more} more`] : []),
  ];
}

/** Returns a failure's line: the first line of its message, with the number of attempts if the message lacks it. */
function failureLine({ ordinal, code, message, attempts }: Summary['failures'][number]): string {
  const [line = '', ...rest] = message.split('\n');
  const times = attempts > 1 ? ` (${attempts} attempts)` : '';
  const isSaid = times !== '' && line.endsWith(times);
  return `  row ${ordinal + 1}: ${code}: ${line}${rest.length === 0 ? '' : ' …'}${isSaid ? '' : times}`;
}

/** Returns the counts that are not zero, with their names. */
function named(counts: readonly (readonly [number, string])[]): string[] {
  return counts.filter(([count]) => count > 0).map(([count, name]) => `${count} ${name}`);
}

function modelPart(summary: Summary): string[] {
  const { calls, tokens, costMicroUsd, uncostedCalls, assumedCostMicroUsd = 0 } = summary;
  if (calls.sent === 0 && calls.cacheHits === 0) return [];
  const cost =
    costMicroUsd === null
      ? `cost unknown for ${uncostedCalls}`
      : `$${(costMicroUsd / 1e6).toFixed(4)}${assumedCostMicroUsd > 0 ? ' (list prices assumed)' : ''}${uncostedCalls > 0 ? ` and ${uncostedCalls} uncosted` : ''}`;
  const cached = tokens.cached === undefined ? '' : ` (${tokens.cached} from the provider's cache)`;
  const parts = [
    counted(calls.sent, 'call'),
    ...named([
      [calls.cacheHits, 'cached'],
      [calls.retried, 'retried'],
    ]),
    `${tokens.in} + ${tokens.out} tokens${cached}`,
    cost,
  ];
  return [parts.join(', ')];
}
