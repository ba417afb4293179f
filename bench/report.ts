/** A suite's report as text. */
import type { Figure } from './suite.ts';

export interface Spread {
  readonly variant: string;
  readonly metric: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface SuiteReport {
  readonly suite: string;
  readonly about: string;
  readonly machine: string;
  readonly versions: string;
  readonly samples: number;
  readonly spreads: readonly Spread[];
  readonly figures: readonly Figure[];
}

export function reportText(report: SuiteReport): string {
  const width = Math.max(
    ...report.spreads.map(({ variant, metric }) => variant.length + metric.length),
  );
  return [
    `${report.suite}: ${report.about}`,
    `  ${report.machine}; ${report.versions}; ${report.samples} fresh processes each`,
    ...report.spreads.map(
      ({ variant, metric, median, min, max }) =>
        `  ${`${variant} ${metric}`.padEnd(width + 1)}  ${round(median)}  (${round(min)}–${round(max)})`,
    ),
    ...report.figures.map(figureText),
    '',
  ].join('\n');
}

function figureText(figure: Figure): string {
  const { name, value, unit, atMost, atLeast } = figure;
  const holds =
    (atMost === undefined || value <= atMost) && (atLeast === undefined || value >= atLeast);
  const target =
    atMost !== undefined
      ? ` (at most ${atMost}${unit})`
      : atLeast !== undefined
        ? ` (at least ${atLeast}${unit})`
        : '';
  return `  ${holds ? '✓' : '✗'} ${name}: ${round(value)}${unit}${target}`;
}

function round(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
