/** Builds the report of a statement: an HTML page from its journal records. */

import { seconds1 } from '../explain/report/figure-text.ts';
import { Account } from '../journal/account.ts';
import type { JournalRecord, StatementOpen } from '../journal/records.ts';
import type { Summary } from '../result.ts';
import { dollars } from '../util/dollars.ts';
import { speedUpText } from '../util/speed-up.ts';
import {
  costChart,
  inFlightChart,
  KINDS,
  latencyChart,
  latencyText,
  MOST_LANES,
  timelineChart,
} from './charts.ts';
import { boundMs, callsMs, callsOf, startUpMs, timeShares } from './measures.ts';
import { chartHtml, escapeHtml, factsHtml, htmlPage, legendHtml } from './page.ts';
import type { Plotting } from './plotting.ts';
import { type BarKind, ofKind, spanOf, type Timeline, timelineOf } from './timeline.ts';

/** The number of characters of the statement in the heading. The whole statement is at the end of the page. */
const HEADING_CHARS = 120;
/** A statement that reaches this share of the best possible speed is limited only by its calls. */
const NEAR = 0.85;

/** Returns the page of one statement. `records` are all its records, the opening first, the others in any order. */
export function statementPage(plotting: Plotting, records: readonly JournalRecord[]): string {
  const open = openingOf(records);
  const { summary, isClosed } = summaryOf(records);
  const timeline = timelineOf(records);
  const title = titleOf(open);
  const cost = costChart(plotting, [{ name: '', timeline }]);
  const sections = [
    section('In flight', 'Calls out at a time. The dashed line is n.', [
      inFlightChart(plotting, timeline, open.parallel),
    ]),
    section('Latency', latencyText(timeline), [latencyChart(plotting, timeline)]),
    cost === undefined && summary.calls.sent > 0
      ? '<h2>Cost</h2><p class="soft">None of the calls has a known price: set <code>prices</code> of the provider.</p>'
      : section('Cost', 'Spent so far.', [cost]),
  ];
  return htmlPage(`Report: ${title}`, [
    `<h1>${escapeHtml(title)}</h1>`,
    `<p class="soft">${escapeHtml(placeText(open, summary, records))}</p>`,
    `<p class="point">${escapeHtml(pointText(open, summary, timeline, isClosed))}</p>`,
    factsHtml(factsOf(open, summary, timeline)),
    ...timelineHtml(plotting, timeline, open.parallel),
    ...sections,
    `<h2>Statement</h2><details><summary>SQL</summary><pre>${escapeHtml(open.sql)}</pre></details>`,
    ...failuresHtml(summary),
  ]);
}

/** Returns the heading of a statement's report or trace: the beginning of its text. */
export function titleOf({ sql }: Pick<StatementOpen, 'sql'>): string {
  const line = sql
    .split('\n')
    .filter((one) => !/^\s*--/.test(one))
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim();
  const shown = line === '' ? '(no text)' : line;
  return shown.length > HEADING_CHARS ? `${shown.slice(0, HEADING_CHARS)}…` : shown;
}

/** Returns the last `statement.open` record, because a statement may be opened more than once. */
export function openingOf(records: readonly JournalRecord[]): StatementOpen & JournalRecord {
  const open = ofKind(records, 'statement.open').at(-1);
  if (open === undefined) throw new Error('the records are of no statement');
  return open;
}

/** Returns the recorded summary; without a `statement.close` record, a summary of the other records. */
function summaryOf(records: readonly JournalRecord[]): { summary: Summary; isClosed: boolean } {
  const [close] = ofKind(records, 'statement.close');
  if (close !== undefined) return { summary: close.summary, isClosed: true };
  const account = new Account();
  for (const record of records) account.observe(record);
  const { session, caller } = openingOf(records);
  const { fromUs, toUs } = spanOf(records);
  const ending = { complete: false, reason: 'killed' } as const;
  const ms = Math.round((toUs - fromUs) / 1_000);
  return { summary: account.summary({ session, caller }, ms, ending), isClosed: false };
}

function placeText(
  { session, cascade, strategy = 'batch', parallel, at }: StatementOpen & JournalRecord,
  { status, reason = 'stopped' }: Summary,
  records: readonly JournalRecord[],
): string {
  const models = new Set(
    ofKind(records, 'attempt.start').map(({ provider, model }) => `${provider}/${model}`),
  );
  const parts = [
    session,
    new Date(at / 1_000).toISOString().replace('T', ' ').replace(/\..*/, ' UTC'),
    ...(cascade === undefined ? [] : [cascade]),
    ...models,
    `n = ${parallel}`,
    strategy,
    status === 'complete' ? 'complete' : `incomplete: ${reason}`,
  ];
  return parts.join(' · ');
}

/** Returns the main result of the page in two or three sentences. */
function pointText(
  { parallel }: StatementOpen,
  { durationMs, calls, status, reason }: Summary,
  timeline: Timeline,
  isClosed: boolean,
): string {
  const ending = !isClosed
    ? ` Its end is not in the journal: it still runs, or its process was killed.`
    : status === 'complete'
      ? ''
      : ` It ended early (${reason ?? 'stopped'}).`;
  if (callsOf(timeline).length === 0) {
    const hits =
      calls.cacheHits === 0
        ? ''
        : `; ${number(calls.cacheHits)} stored ${calls.cacheHits === 1 ? 'answer' : 'answers'} took the place of calls`;
    return `${timeText(durationMs)}, without a model call${hits}.${ending}`;
  }
  const bound = boundMs(timeline, parallel);
  const near = Math.min(1, bound / durationMs);
  const isSingle = callsOf(timeline).length === 1;
  const best = isSingle
    ? ''
    : ` No order of these calls takes less than ${timeText(bound)}: this one came to ${percent(near)} of the best speed.`;
  const faster = isSingle ? 'a shorter call' : 'shorter calls or a larger n';
  const loss = near >= NEAR ? `Only ${faster} would make it faster.` : lossText(timeline, parallel);
  return `${speedText(timeline, parallel, durationMs)}${best} ${loss}${ending}`;
}

/** Returns a sentence that compares the sum of the calls' times with the wall time. */
function speedText(timeline: Timeline, parallel: number, wallMs: number): string {
  const count = callsOf(timeline).length;
  const sumMs = callsMs(timeline);
  const [sum, wall] = [timeText(sumMs), timeText(wallMs)];
  if (count === 1) return `${wall}, with one call of ${sum}: no other call ran beside it.`;
  const both = `The ${number(count)} calls took ${sum} in all, and the statement ${wall}`;
  const speedUp = speedUpText(sumMs, wallMs);
  if (speedUp !== undefined) return `${both}: a speed-up of ${speedUp} at n = ${parallel}.`;
  if (parallel === 1) return `${both}: at n = 1 one call goes out after another.`;
  return `${both}: no speed-up, although n = ${parallel}.`;
}

/** Returns a sentence about the largest part of the lanes' time that was not spent in successful calls. */
function lossText(timeline: Timeline, parallel: number): string {
  const shares = timeShares(timeline, parallel);
  const words: Partial<Record<BarKind | 'idle', string>> = {
    'back-off': 'the back-off after failed calls',
    queue: `waiting for the limiter, which holds calls back ${shares.has('refused') ? 'after an answer 429' : 'to keep within the limits'}`,
    refused: 'calls that were answered 429',
    failed: 'calls that failed',
    'start-up': `start-up, in which threads begin and the cascade and its rows are read${shares.has('hit') ? ', and stored answers are looked up' : ''}`,
    idle: 'lanes that had no call to make',
  };
  const losses = Object.entries(words)
    .map(([kind, text]) => ({ text, share: shares.get(kind as BarKind | 'idle') ?? 0 }))
    .sort((a, b) => b.share - a.share);
  const { text, share } = losses[0]!;
  return `What cost most of the rest: ${text}, ${percent(share)} of the lanes' time.`;
}

function factsOf(
  { parallel }: StatementOpen,
  { durationMs, rows, calls, tokens, costMicroUsd, uncostedCalls, runs }: Summary,
  timeline: Timeline,
): [string, string][] {
  const count = (kind: BarKind) => timeline.bars.filter((bar) => bar.kind === kind).length;
  const speedUp = speedUpText(callsMs(timeline), durationMs);
  const facts: [string, string][] = [
    ['wall time', timeText(durationMs)],
    ['all calls together', timeText(callsMs(timeline))],
    ['speed-up', speedUp === undefined ? '0' : `${speedUp} (n = ${parallel})`],
    ['least possible', timeText(boundMs(timeline, parallel))],
    ['start-up', timeText(startUpMs(timeline))],
    ['rows', number(rows.in)],
    ['runs', number(runs)],
    ['rows failed', number(rows.failed)],
    ['rows not run', number(rows.notRun)],
    ['calls', number(calls.sent)],
    ['retries', number(calls.retried)],
    ['answers 429', number(count('refused'))],
    ['other failed calls', number(count('failed'))],
    ['stored answers', number(calls.cacheHits)],
    ['tokens in + out', `${number(tokens.in)} + ${number(tokens.out)}`],
    ['cost', costMicroUsd === null ? 'unknown' : dollars(costMicroUsd)],
    ['calls without price', number(uncostedCalls)],
  ];
  const always = ['rows', 'calls', 'wall time'];
  return facts.filter(
    ([name, figure]) => always.includes(name) || !/^0(?: ms| \+ 0)?$/.test(figure),
  );
}

function timelineHtml(plotting: Plotting, timeline: Timeline, parallel: number): string[] {
  if (timeline.lanes === 0) return [];
  const shares = timeShares(timeline, parallel);
  const entries = Object.entries(KINDS)
    .filter(([kind]) => shares.has(kind as BarKind))
    .map(([kind, { color, name }]): [string, string] => [
      color,
      kind === 'hit' ? name : `${name} ${percent(shares.get(kind as BarKind) ?? 0)}`,
    ]);
  const cut =
    timeline.lanes > MOST_LANES
      ? ` The first ${number(MOST_LANES)} of ${number(timeline.lanes)} lanes are shown.`
      : '';
  const about = `A row is a lane: a call, its back-off and its retry stand in one.${cut} Start-up is the time before the first call. The figures are shares of the lanes' time.`;
  return [
    '<h2>Timeline</h2>',
    `<p class="soft">${about}</p>`,
    legendHtml([...entries, [undefined, `idle ${percent(shares.get('idle') ?? 0)}`]]),
    chartHtml(timelineChart(plotting, timeline)),
  ];
}

function section(
  heading: string,
  about: string,
  charts: readonly (Parameters<typeof chartHtml>[0] | undefined)[],
): string {
  const drawn = charts.flatMap((chart) => (chart === undefined ? [] : [chartHtml(chart)]));
  if (drawn.length === 0) return '';
  return `<h2>${heading}</h2><p class="soft">${about}</p>${drawn.join('')}`;
}

function failuresHtml({ failures, rows }: Summary): string[] {
  if (failures.length === 0) return [];
  const lines = failures.map(
    ({ ordinal, code, message }) =>
      `<tr><td>${ordinal + 1}</td><td>${escapeHtml(code)}</td><td>${escapeHtml(message)}</td></tr>`,
  );
  const about =
    rows.failed > failures.length
      ? `<p class="soft">The first ${failures.length} of ${number(rows.failed)}.</p>`
      : '';
  return [
    `<h2>Failed rows</h2>${about}`,
    `<table><thead><tr><th>row</th><th>error</th><th>message</th></tr></thead><tbody>${lines.join('')}</tbody></table>`,
  ];
}

/** Formats a number, e.g. `1,234`. */
function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** Formats a time, e.g. `52 ms`, `1.88 s`. */
function timeText(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : seconds1(ms / 1_000);
}

/** Formats a share, e.g. `93 %`. A positive share that would round to 0 is `below 1 %`. */
function percent(share: number): string {
  if (share > 0 && share < 0.005) return 'below 1 %';
  return `${Math.round(share * 100)} %`;
}
