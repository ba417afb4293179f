/** Charts of wall time, by way and against n. Each shows the spread and the least possible time. */
import { type Chart, drawn } from '../../src/report/charts.ts';
import type { Plotting } from '../../src/report/plotting.ts';
import type { Way } from '../strategies/ways.ts';
import type { Spread } from '../suite.ts';

/** Colours that are visible on white and on black. */
export const WAY_COLORS: Readonly<Record<Way, string>> = {
  'bare client': '#94a3b8',
  batch: '#3b82f6',
  'multi-row': '#84cc16',
  static: '#10b981',
  wave: '#f59e0b',
  union_all: '#a855f7',
  'n sessions': '#0891b2',
  sequential: '#e11d48',
  udf: '#a16207',
  'udf union all': '#db2777',
};

/** One measured point. */
export interface WallTime {
  readonly way: Way;
  readonly parallel: number;
  readonly ms: Spread;
  /** The least possible time of any way. */
  readonly boundMs: number | undefined;
}

const COLOR = {
  type: 'categorical' as const,
  domain: Object.keys(WAY_COLORS),
  range: Object.values(WAY_COLORS),
};

interface Point {
  readonly way: Way;
  readonly parallel: number;
  readonly ms: number;
  readonly min: number;
  readonly max: number;
  readonly text: string;
}

function pointsOf(times: readonly WallTime[]): Point[] {
  return times.map(({ way, parallel, ms: { median, min, max } }) => ({
    ...{ way, parallel, ms: median, min, max },
    text: `${Math.round(median).toLocaleString('en-US')} ms`,
  }));
}

/** Draws one bar for each way, for one n. */
export function wallBars(plotting: Plotting, times: readonly WallTime[]): Chart {
  const { Plot } = plotting;
  const points = pointsOf(times);
  const bound = times[0]?.boundMs;
  const ideal = bound === undefined ? [] : [{ ms: bound }];
  const most = Math.max(...points.map(({ max }) => max));
  return (width) =>
    drawn(plotting, width, {
      height: points.length * 26 + 64,
      marginLeft: 96,
      marginTop: 22,
      color: COLOR,
      // This leaves room for the figures to the right of the bars.
      x: {
        domain: [0, most * (width < 500 ? 1.35 : 1.12)],
        label: 'milliseconds',
        ticks: width / 110,
      },
      y: { domain: points.map(({ way }) => way), label: null, tickSize: 0 },
      marks: [
        Plot.barX(points, { x: 'ms', y: 'way', fill: 'way', insetTop: 3, insetBottom: 3 }),
        Plot.ruleY(points, { x1: 'min', x2: 'max', y: 'way', strokeWidth: 1.5 }),
        Plot.text(points, { x: 'max', y: 'way', text: 'text', textAnchor: 'start', dx: 6 }),
        Plot.ruleX(ideal, { x: 'ms', strokeDasharray: '4,3' }),
        Plot.text(ideal, {
          ...{ x: 'ms', frameAnchor: 'top', dy: -14, textAnchor: 'start', dx: -2 },
          text: () => 'ideal',
        }),
      ],
    });
}

/** Draws one line for each way against n. */
export function wallLines(plotting: Plotting, times: readonly WallTime[]): Chart {
  const { Plot } = plotting;
  const points = pointsOf(times);
  const ns = [...new Set(points.map(({ parallel }) => parallel))].sort((a, b) => a - b);
  const ideal = ns.flatMap((parallel) => {
    const bounds = times.flatMap(({ parallel: n, boundMs }) =>
      n === parallel && boundMs !== undefined ? [boundMs] : [],
    );
    return bounds.length === 0 ? [] : [{ parallel, ms: Math.min(...bounds) }];
  });
  return (width) =>
    drawn(plotting, width, {
      height: 260,
      marginTop: 28,
      color: COLOR,
      x: { type: 'log', label: 'n, calls at a time', ticks: ns, tickFormat: (n: number) => `${n}` },
      y: { label: '↑ milliseconds', grid: true, ticks: 5, zero: true },
      marks: [
        Plot.ruleY([0]),
        Plot.line(ideal, { x: 'parallel', y: 'ms', strokeDasharray: '4,3' }),
        Plot.text(ideal.slice(-1), {
          ...{ x: 'parallel', y: 'ms', dy: 12, textAnchor: 'end', text: () => 'ideal' },
        }),
        Plot.ruleX(points, {
          x: 'parallel',
          y1: 'min',
          y2: 'max',
          stroke: 'way',
          strokeWidth: 1.5,
        }),
        Plot.line(points, { x: 'parallel', y: 'ms', z: 'way', stroke: 'way', strokeWidth: 2 }),
        Plot.dot(points, {
          ...{ x: 'parallel', y: 'ms', fill: 'way', r: 3 },
          title: ({ way, text }: Point) => `${way}: ${text}`,
        }),
      ],
    });
}
