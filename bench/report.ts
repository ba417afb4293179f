/** Formats a suite's report as text. */
import type { Figure, Spread } from './suite.ts';

export interface SuiteReport {
  readonly suite: string;
  readonly about: string;
  readonly machine: string;
  readonly versions: string;
  readonly samples: number;
  readonly spreads: readonly Spread[];
  readonly figures: readonly Figure[];
  /** A table that replaces the spreads, for people. */
  readonly table?: string;
}

export function reportText(report: SuiteReport): string {
  const width = Math.max(
    ...report.spreads.map(({ variant, metric }) => variant.length + metric.length),
  );
  const spreadText = ({ variant, metric, median, min, max }: Spread) =>
    `  ${`${variant} ${metric}`.padEnd(width + 1)}  ${round(median)}  (${round(min)}–${round(max)})`;
  return [
    `${report.suite}: ${report.about}`,
    `  ${report.machine}; ${report.versions}; ${report.samples} fresh processes each`,
    ...(report.table === undefined ? report.spreads.map(spreadText) : ['', report.table]),
    ...report.figures.map(figureText),
    '',
  ].join('\n');
}

/** Whether the figure meets its target. */
export function holds({ value, atMost, atLeast }: Figure): boolean {
  return (atMost === undefined || value <= atMost) && (atLeast === undefined || value >= atLeast);
}

function figureText(figure: Figure): string {
  const { name, value, unit, atMost, atLeast } = figure;
  const target =
    atMost !== undefined
      ? ` (at most ${atMost}${unit})`
      : atLeast !== undefined
        ? ` (at least ${atLeast}${unit})`
        : '';
  return `  ${holds(figure) ? '✓' : '✗'} ${name}: ${round(value)}${unit}${target}`;
}

/** Rounds to three significant digits, or to a whole number from 100 on. */
export function round(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** Formats a table's lines. The first column is aligned left, the others right. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? `  ${cell.padEnd(widths[0]!)}` : cell.padStart(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  );
}
