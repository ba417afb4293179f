/** Draws the charts of a timeline as SVG. Lines and text use the page's text colour, for light and dark pages. */
import type { PlotOptions } from '@observablehq/plot';
import {
  callsOf,
  costSteps,
  inFlightSteps,
  latenciesOf,
  quantile,
  type Step,
  thinned,
} from './measures.ts';
import { mergedBars } from './merge-bars.ts';
import type { Plotting } from './plotting.ts';
import type { BarKind, Timeline } from './timeline.ts';

/** Draws a chart with a width in pixels. Returns SVG. */
export type Chart = (width: number) => string;

/** The colour and the name of each kind of bar. The colours are visible on white and on black. */
export const KINDS: Readonly<Record<BarKind, { readonly color: string; readonly name: string }>> = {
  'start-up': { color: '#9a6b4f', name: 'start-up' },
  call: { color: '#3b82f6', name: 'call' },
  refused: { color: '#e11d48', name: '429' },
  failed: { color: '#a855f7', name: 'failed call' },
  'back-off': { color: '#f59e0b', name: 'back-off' },
  queue: { color: '#94a3b8', name: 'queue' },
  hit: { color: '#10b981', name: 'stored answers' },
};

/** The highest number of lanes in a drawing: more could not be told apart and would make the file large. */
export const MOST_LANES = 1_000;
const MOST_BARS = 4_000;
const MOST_STEPS = 800;
/** A drawing with a smaller width is for a narrow page. */
const NARROW_PX = 500;
const MARGIN_LEFT = 52;
const COLOR = {
  type: 'categorical' as const,
  domain: Object.keys(KINDS),
  range: Object.values(KINDS).map(({ color }) => color),
};

/** Returns the SVG of a plot. It is complete and can also be a file. */
export function drawn({ Plot, document }: Plotting, width: number, options: PlotOptions): string {
  const element = Plot.plot({
    document: document as never,
    width,
    marginLeft: MARGIN_LEFT,
    marginRight: 16,
    marginBottom: 42,
    style: { fontSize: '12px' } as never,
    ...options,
  }) as unknown as { setAttribute(name: string, value: string): void; outerHTML: string };
  element.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return element.outerHTML;
}

/** Options for a timeline that is drawn together with other timelines. */
export interface TimelineDrawing {
  /** The end of a shared time axis, µs. Default: the end of the timeline. */
  readonly endUs?: number;
  /** The highest number of bars on a wide page. A narrow page shows half as many. */
  readonly mostBars?: number;
  /** The greatest height of all lanes together, in pixels. */
  readonly mostHeight?: number;
  /** True if another timeline with the same axis follows. Only the last timeline has the axis label. */
  readonly isFollowed?: boolean;
}

/** Returns a chart with the bars of a timeline on its lanes. */
export function timelineChart(
  plotting: Plotting,
  timeline: Timeline,
  { endUs, mostBars = MOST_BARS, mostHeight = 600, isFollowed = false }: TimelineDrawing = {},
): Chart {
  const { Plot } = plotting;
  const toUs = Math.max(1, endUs ?? timeline.endUs);
  const lanes = Math.min(timeline.lanes, MOST_LANES);
  const shown = timeline.bars.filter(({ lane }) => lane <= lanes);
  const hasHits = shown.some(({ kind }) => kind === 'hit');
  const laneHeight = Math.min(16, mostHeight / lanes);
  const half = laneHeight < 3 ? 0.5 : 0.45;
  return (width) => {
    const most = width < NARROW_PX ? mostBars / 2 : mostBars;
    const bars = mergedBars(shown, toUs, most).map(
      ({ lane, fromUs, toUs: endsUs, kind, label }) => ({
        ...{ lane, kind, label },
        // Seconds with at most 6 decimals: longer numbers make the file larger, not the picture better.
        ...{ from: fromUs / 1e6, to: endsUs / 1e6 },
      }),
    );
    return drawn(plotting, width, {
      height: Math.round((lanes + (hasHits ? 1 : 0)) * laneHeight) + (isFollowed ? 34 : 50),
      marginTop: 8,
      marginBottom: isFollowed ? 26 : 42,
      color: COLOR,
      x: {
        domain: [0, toUs / 1e6],
        label: isFollowed ? null : 'seconds since the start',
        ...ticksFor(width),
      },
      y: {
        domain: [lanes + 0.5, hasHits ? -0.5 : 0.5],
        ticks: laneTicks(lanes, laneHeight, hasHits),
        tickFormat: (lane: number) => (lane === 0 ? 'stored' : String(lane)),
        label: null,
      },
      marks: [
        Plot.ruleX([0], { strokeOpacity: 0.3 }),
        Plot.rect(
          bars.filter(({ kind }) => kind !== 'hit'),
          {
            ...{ x1: 'from', x2: 'to', fill: 'kind', title: 'label' },
            y1: ({ lane }: { lane: number }) => lane - half,
            y2: ({ lane }: { lane: number }) => lane + half,
            ...(laneHeight < 3 ? {} : { insetRight: 0.5 }),
          },
        ),
        Plot.ruleX(
          bars.filter(({ kind }) => kind === 'hit'),
          { x: 'from', y1: -0.45, y2: 0.45, stroke: 'kind', strokeWidth: 2, title: 'label' },
        ),
      ],
    });
  };
}

/** Returns a histogram of call durations, with lines at the median and the 95th percentile; undefined without calls. */
export function latencyChart(plotting: Plotting, timeline: Timeline): Chart | undefined {
  const { Plot } = plotting;
  const latencies = latenciesOf(timeline);
  const values = latencies.map(({ ms }) => ms);
  if (latencies.length === 0) return undefined;
  const half = [{ ms: quantile(values, 0.5) }];
  const most = [{ ms: quantile(values, 0.95) }];
  const name = { x: 'ms', frameAnchor: 'top' as const, dy: -14 };
  return (width) =>
    drawn(plotting, width, {
      height: 230,
      marginTop: 24,
      color: COLOR,
      // Leaves room for the label of a line near the right end.
      x: {
        domain: [0, values.reduce((a, b) => Math.max(a, b), 1) * 1.15],
        label: 'milliseconds a call',
        ...ticksFor(width),
      },
      y: { label: null, grid: true, ticks: 5, tickFormat: wholeText },
      marks: [
        Plot.rectY(
          latencies,
          Plot.binX({ y: 'count' }, { x: 'ms', fill: 'kind', thresholds: 40 } as never),
        ),
        Plot.ruleX([...half, ...most], { x: 'ms', strokeDasharray: '4,3' }),
        Plot.ruleY([0]),
        Plot.text(half, { ...name, textAnchor: 'end', dx: -3, text: () => 'half' }),
        Plot.text(most, { ...name, textAnchor: 'start', dx: 3, text: () => '95 %' }),
      ],
    });
}

/** Returns the figures of the latency chart in words; empty without calls. */
export function latencyText(timeline: Timeline): string {
  const values = latenciesOf(timeline).map(({ ms }) => ms);
  if (values.length === 0) return '';
  const within = (share: number) =>
    Math.round(quantile(values, share) ?? 0).toLocaleString('en-US');
  return `Calls by their time: half of them took at most ${within(0.5)} ms, 95 % at most ${within(0.95)} ms, the longest ${within(1)} ms.`;
}

/** Returns a chart of the money spent over time, one line for each name; undefined if no call has a known price. */
export function costChart(
  plotting: Plotting,
  timelines: readonly { readonly name: string; readonly timeline: Timeline }[],
  colors: Readonly<Record<string, string>> = {},
): Chart | undefined {
  const lines = timelines.flatMap(({ name, timeline }) => {
    const steps = inSeconds(costSteps(timeline)).map(({ at, value }) => ({
      at,
      value: value / 1e6,
    }));
    return steps.length === 0 ? [] : [{ steps, color: colors[name] ?? KINDS.call.color }];
  });
  const endUs = Math.max(...timelines.map(({ timeline }) => timeline.endUs));
  return lines.length === 0 ? undefined : stepChart(plotting, lines, '↑ US dollars spent', endUs);
}

/** Returns a chart of the in-flight calls over time, with a line at `parallel`; undefined without calls. */
export function inFlightChart(
  plotting: Plotting,
  timeline: Timeline,
  parallel: number,
): Chart | undefined {
  if (callsOf(timeline).length === 0) return undefined;
  const line = { steps: inSeconds(inFlightSteps(timeline)), color: KINDS.call.color };
  return stepChart(plotting, [line], '↑ calls in flight', timeline.endUs, parallel);
}

interface StepLine {
  readonly color: string;
  readonly steps: readonly { readonly at: number; readonly value: number }[];
}

function inSeconds(steps: readonly Step[]): { at: number; value: number }[] {
  return thinned(steps, MOST_STEPS).map(({ atUs, value }) => ({ at: atUs / 1e6, value }));
}

/** Returns a chart of step lines. The area below a single line is filled. `limit` adds a dashed line. */
function stepChart(
  plotting: Plotting,
  lines: readonly StepLine[],
  label: string,
  endUs: number,
  limit?: number,
): Chart {
  const { Plot } = plotting;
  const place = { x: 'at', curve: 'step-after' as const };
  const fillOpacity = lines.length === 1 ? 0.25 : 0;
  return (width) =>
    drawn(plotting, width, {
      height: 212,
      marginTop: 28,
      x: { domain: [0, endUs / 1e6], label: 'seconds since the start', ...ticksFor(width) },
      y: {
        label,
        grid: true,
        ticks: 5,
        zero: true,
        ...(limit === undefined ? {} : { tickFormat: wholeText }),
      },
      marks: [
        Plot.ruleY([0]),
        ...(limit === undefined ? [] : [Plot.ruleY([limit], { strokeDasharray: '4,3' })]),
        ...lines.flatMap(({ steps, color }) => [
          Plot.areaY(steps, { ...place, y1: 0, y2: 'value', fill: color, fillOpacity }),
          Plot.line(steps, { ...place, y: 'value', stroke: color, strokeWidth: 2 }),
        ]),
      ],
    });
}

/** Formats a whole number, e.g. `1,200`. Returns an empty text for other numbers. */
function wholeText(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en-US') : '';
}

/** Returns the number of ticks on an axis: about one for every 70 pixels. */
function ticksFor(width: number): { ticks: number } {
  return { ticks: Math.max(3, Math.round((width - MARGIN_LEFT) / 70)) };
}

/** Returns the lanes with a tick: the first lane and round numbers, as many as have room. 0 stands for cache hits. */
function laneTicks(lanes: number, laneHeight: number, hasHits: boolean): number[] {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((one) => one * laneHeight >= 14) ?? 500;
  const round = Array.from({ length: Math.floor(lanes / step) }, (_, n) => (n + 1) * step);
  return [...(hasHits ? [0] : []), ...(step > 2 ? [1] : []), ...round];
}
