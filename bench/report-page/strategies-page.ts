/** Writes the page of the strategies: each workload's wall times, timelines, latency and cost, and which way won. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Chart,
  costChart,
  KINDS,
  latencyChart,
  latencyText,
  timelineChart,
} from '../../src/report/charts.ts';
import { chartFile, chartHtml, escapeHtml, htmlPage, legendHtml } from '../../src/report/page.ts';
import type { Plotting } from '../../src/report/plotting.ts';
import type { Timeline } from '../../src/report/timeline.ts';
import type { SuiteReport } from '../report.ts';
import { familyOf, type Workload } from '../strategies/workload.ts';
import { type Comparison, nameOf } from '../suites/strategies.ts';
import { type MeasuredWay, type Verdict, verdictOn } from './verdict.ts';
import { WAY_COLORS, type WallTime, wallBars, wallLines } from './wall-charts.ts';

/** The input of the page. `timelines` are by variant. Ways without model calls have none. */
export interface StrategiesPageParts {
  readonly plotting: Plotting;
  readonly directory: string;
  readonly comparisons: readonly Comparison[];
  readonly timelines: ReadonlyMap<string, Timeline>;
}

/** Writes a chart to a file of that name, and returns it as HTML. `alone` is the chart for the file, if it differs. */
type Show = (name: string, chart: Chart, alone?: Chart) => string;

/** A workload with its measurements. */
interface MeasuredWorkload {
  readonly workload: Workload;
  readonly ways: readonly MeasuredWay[];
  readonly boundMs: number | undefined;
  readonly verdict: Verdict;
}

/** Writes `index.html` and one SVG for each chart into the directory, and returns a message that says where. */
export function writeStrategiesPage(report: SuiteReport, parts: StrategiesPageParts): string {
  const measured = parts.comparisons.map((one) => measuredWorkload(report, one, parts.timelines));
  const families = new Map<string, MeasuredWorkload[]>();
  for (const one of measured) {
    const family = familyOf(one.workload);
    families.set(family, [...(families.get(family) ?? []), one]);
  }
  const files: string[] = [];
  const show: Show = (name, chart, alone = chart) => {
    const file = `${name.replace(/[^a-z0-9]+/gi, '-')}.svg`;
    writeFileSync(join(parts.directory, file), chartFile(alone));
    files.push(file);
    return chartHtml(chart);
  };
  const page = htmlPage('Strategies side by side', [
    '<h1>Strategies side by side</h1>',
    `<p class="soft">${escapeHtml(`${report.about}. ${report.machine}; ${report.versions}; ${report.samples} fresh processes each.`)}</p>`,
    verdictTable(measured),
    '<p class="soft">Bars and points are medians, the thin lines through them go from the least to the most. Dashed is the ideal: the sum of the calls divided by n, or the longest of them. <i>bare client</i> is n loops without an engine.</p>',
    ...[...families].flatMap(([family, all]) => familyHtml(family, all, parts.plotting, show)),
  ]);
  writeFileSync(join(parts.directory, 'index.html'), page);
  return `wrote ${join(parts.directory, 'index.html')} and ${files.length} SVG files beside it`;
}

function measuredWorkload(
  { spreads }: SuiteReport,
  { workload, ways }: Comparison,
  timelines: ReadonlyMap<string, Timeline>,
): MeasuredWorkload {
  const spreadOf = (variant: string, metric: string) =>
    spreads.find((one) => one.variant === variant && one.metric === metric);
  const measured = ways.map((way): MeasuredWay => {
    const variant = nameOf(workload, way);
    const timeline = timelines.get(variant);
    return {
      way,
      ms: spreadOf(variant, 'ms')!,
      wrong: spreadOf(variant, 'wrong')!.max,
      ...(timeline === undefined ? {} : { timeline }),
    };
  });
  const bounds = ways.flatMap((way) => spreadOf(nameOf(workload, way), 'boundMs')?.median ?? []);
  const boundMs = bounds.length === 0 ? undefined : Math.min(...bounds);
  const verdict = verdictOn(measured, workload.parallel, boundMs);
  return { workload, ways: measured, boundMs, verdict };
}

function verdictTable(measured: readonly MeasuredWorkload[]): string {
  const rows = measured.map(
    ({ workload, verdict }) =>
      `<tr><td>${escapeHtml(workload.name)}</td><td><b>${escapeHtml(verdict.winner)}</b></td><td>${escapeHtml(verdict.reason)}</td></tr>`,
  );
  return `<table><thead><tr><th>workload</th><th>winner</th><th>reason</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

/**
 * Makes the part of the page for workloads that differ only in n. It shows the first workload in full, and all of them
 * in the chart against n.
 */
function familyHtml(
  family: string,
  measured: readonly MeasuredWorkload[],
  plotting: Plotting,
  show: Show,
): string[] {
  const [{ workload, ways, verdict }] = measured as [MeasuredWorkload];
  const times = measured.map((one) => wallTimesOf(one));
  const traced = ways.flatMap(({ way, timeline }) =>
    timeline === undefined ? [] : [{ name: way, timeline }],
  );
  const main = traced.find(({ name }) => name === 'batch') ?? traced[0];
  const latency = main === undefined ? undefined : latencyChart(plotting, main.timeline);
  const cost = costChart(plotting, traced, WAY_COLORS);
  return [
    `<h2>${escapeHtml(family)}</h2>`,
    `<p class="soft">${escapeHtml(workload.about)}</p>`,
    `<p class="point">${escapeHtml(`${verdict.winner}: ${verdict.reason}`)}</p>`,
    '<h3>Wall time</h3>',
    show(`${family} wall`, wallBars(plotting, times[0]!)),
    ...(measured.length > 1 ? againstN(family, times, plotting, show) : []),
    ...timelinesHtml(family, traced, plotting, show),
    ...(latency === undefined
      ? []
      : [
          `<h3>Latency of the calls (${escapeHtml(main!.name)})</h3>`,
          `<p class="soft">${latencyText(main!.timeline)}</p>`,
          show(`${family} latency`, latency),
        ]),
    ...(cost === undefined
      ? []
      : [
          '<h3>Spent so far</h3>',
          wayLegend(traced.map(({ name }) => name)),
          show(`${family} cost`, cost),
        ]),
  ];
}

function wallTimesOf({ workload, ways, boundMs }: MeasuredWorkload): WallTime[] {
  return ways.map(({ way, ms }) => ({ way, ms, boundMs, parallel: workload.parallel }));
}

/** Draws the ways that were measured for every n. */
function againstN(
  family: string,
  times: readonly (readonly WallTime[])[],
  plotting: Plotting,
  show: Show,
): string[] {
  const ways = times[0]!
    .map(({ way }) => way)
    .filter((way) => times.every((all) => all.some((one) => one.way === way)));
  const lines = times
    .flat()
    .filter(({ way }) => ways.includes(way))
    .sort((a, b) => a.parallel - b.parallel);
  return [
    '<h3>Wall time against n</h3>',
    wayLegend(ways),
    show(`${family} n`, wallLines(plotting, lines)),
  ];
}

/** Draws the timelines one below another, with the same time axis. */
function timelinesHtml(
  family: string,
  traced: readonly { readonly name: string; readonly timeline: Timeline }[],
  plotting: Plotting,
  show: Show,
): string[] {
  if (traced.length === 0) return [];
  const endUs = Math.max(...traced.map(({ timeline }) => timeline.endUs));
  const kinds = new Set(traced.flatMap(({ timeline }) => timeline.bars.map(({ kind }) => kind)));
  const drawing = { endUs, mostBars: 1_500, mostHeight: 160 };
  return [
    '<h3>Timelines</h3>',
    '<p class="soft">The middle sample of each way on one axis of time; a row is a lane. The bare client and functions as the server saw them, the others from the journal.</p>',
    legendHtml([...kinds].map((kind) => [KINDS[kind].color, KINDS[kind].name])),
    ...traced.map(({ name, timeline }, index) => {
      const alone = timelineChart(plotting, timeline, drawing);
      const isFollowed = index < traced.length - 1;
      const chart = timelineChart(plotting, timeline, { ...drawing, isFollowed });
      const took = `${Math.round(timeline.endUs / 1_000).toLocaleString('en-US')} ms`;
      return `<p><b>${escapeHtml(name)}</b>, ${took}</p>${show(`${family} timeline ${name}`, chart, alone)}`;
    }),
  ];
}

function wayLegend(ways: readonly string[]): string {
  return legendHtml(ways.map((way) => [WAY_COLORS[way as keyof typeof WAY_COLORS], way]));
}
