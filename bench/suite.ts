/** What a benchmark suite is: variants measured side by side, and figures made of their medians. */

/** What one fresh process measured. Times in milliseconds, memory in MiB. */
export type Sample = Readonly<Record<string, number>>;

export interface Variant {
  readonly name: string;
  /**
   * Runs in a fresh process; warms up what is to be warm, then measures. `timelineFile`: where the timeline of its model
   * calls is written as JSON, by suites that have one.
   */
  readonly measure: (timelineFile?: string) => Promise<Sample>;
}

/** A figure of a suite, from the medians of its variants, beside what it is to hold. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** `atMost` or `atLeast` this. */
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Suite {
  readonly name: string;
  /** One sentence: what is compared. */
  readonly about: string;
  /** Fresh processes for each variant, where what is measured is always the same. */
  readonly samples?: number;
  readonly variants: readonly Variant[];
  /** Metric names to be found in the samples: `median(variant, metric)`. */
  readonly figures: (median: Median) => readonly Figure[];
  /** The report for people, in place of every metric's spread. */
  readonly table?: (spreadOf: SpreadOf) => string;
}

export type Median = (variant: string, metric: string) => number;

/** Of a variant's metric over its samples; undefined where it was not measured. */
export type SpreadOf = (variant: string, metric: string) => Spread | undefined;

export interface Spread {
  readonly variant: string;
  readonly metric: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The largest resident set of this process so far. */
export function peakRssMb(): number {
  return process.resourceUsage().maxRSS / 1024;
}
