/** The parts of a benchmark suite: variants that are measured side by side, and figures computed from their medians. */

/** The measurements of one fresh process. Times are in milliseconds, memory in MiB. */
export type Sample = Readonly<Record<string, number>>;

export interface Variant {
  readonly name: string;
  /**
   * Runs in a fresh process: warms up, then measures. `timelineFile` is the file to which suites with timelines write
   * that of their model calls, as JSON.
   */
  readonly measure: (timelineFile?: string) => Promise<Sample>;
}

/** A figure of a suite, computed from the medians of its variants, with its target. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The target: the value must be at most, or at least, this. */
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Suite {
  readonly name: string;
  /** One sentence that says what is compared. */
  readonly about: string;
  /** Fresh processes for each variant, if the suite needs another number than the default. */
  readonly samples?: number;
  readonly variants: readonly Variant[];
  /** Computes the figures. `median(variant, metric)` gives the median of a metric in the samples. */
  readonly figures: (median: Median) => readonly Figure[];
  /** Makes the report for people, which replaces the spread of every metric. */
  readonly table?: (spreadOf: SpreadOf) => string;
}

export type Median = (variant: string, metric: string) => number;

/** Returns the spread of a variant's metric over its samples; undefined if it was not measured. */
export type SpreadOf = (variant: string, metric: string) => Spread | undefined;

export interface Spread {
  readonly variant: string;
  readonly metric: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Returns the processor time of this process since `since`, in milliseconds. */
export function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}

/** Returns the largest resident set of this process so far, in MiB. */
export function peakRssMb(): number {
  return process.resourceUsage().maxRSS / 1024;
}
