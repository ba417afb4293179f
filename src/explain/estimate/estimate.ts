/** Ranges of predicted figures. */
import type { Estimate } from '../../result.ts';

/** Returns the estimate of a figure that is certain. */
export function exactly(value: number): Estimate {
  return { least: value, expected: value, most: value };
}

export function isExact({ least, most }: Estimate): boolean {
  return least === most;
}

export function sumOf(estimates: readonly Estimate[]): Estimate {
  return estimates.reduce(
    (sum, { least, expected, most }) => ({
      least: sum.least + least,
      expected: sum.expected + expected,
      most: sum.most === null || most === null ? null : sum.most + most,
    }),
    exactly(0),
  );
}

/** Returns the expected figure with bounds that include the ranges of all trials. */
export function spanOf(expected: Estimate, trials: readonly Estimate[]): Estimate {
  const all = [expected, ...trials];
  return {
    least: Math.min(...all.map(({ least }) => least)),
    expected: expected.expected,
    most: all.some(({ most }) => most === null) ? null : Math.max(...all.map(({ most }) => most!)),
  };
}

/** Returns `12`, `3 to 12, expected 5`, or `at least 3, expected 5`. */
export function rangeText(
  { least, expected, most }: Estimate,
  write: (value: number) => string = (value) => String(Math.round(value)),
): string {
  const [from, to] = [write(least), most === null ? undefined : write(most)];
  if (from === to) return from;
  const range = to === undefined ? `at least ${from}` : `${from} to ${to}`;
  return `${range}, expected ${write(expected)}`;
}
