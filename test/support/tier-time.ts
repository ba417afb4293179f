/**
 * How long a run of the tests may take. Wall time depends on what else the machine does, so a slow run is told and does
 * not fail. A run fails for the processor time that it took, where RVBBIT_TEST_CPU_SECONDS gives a bound: `.ci/run` does.
 */
import { readFileSync } from 'node:fs';

/** Seconds that a tier takes on two cores with nothing beside it. */
export const TIER_SECONDS = { test: 180, storm: 360 } as const;

/** A run is slow if it has taken this many times its seconds. */
const TOLERANCE = 1.2;
/** The unit of /proc, whatever the kernel's own is. */
const TICKS_A_SECOND = 100;

/** What is run. */
export interface TestRun {
  readonly storm: boolean;
  readonly deep: boolean;
  /** Some files only, by pattern. */
  readonly some: boolean;
}

/** The seconds that a run should take; undefined for the deep tier, and for a run of some files. */
export function secondsFor({ storm, deep, some }: TestRun): number | undefined {
  if (deep || some) return undefined;
  return TIER_SECONDS[storm ? 'storm' : 'test'];
}

/** The warning of a run that has taken a fifth more than its time; undefined where it has not. */
export function slowness(tookMs: number, seconds: number | undefined): string | undefined {
  if (seconds === undefined || tookMs <= seconds * 1_000 * TOLERANCE) return undefined;
  return `warning: the run took ${round(tookMs / 1_000)} s, and should take ${seconds} s on two cores with nothing beside it`;
}

/** The bound of RVBBIT_TEST_CPU_SECONDS; undefined where it is not set. Throws a RangeError if it is no number. */
export function cpuBound(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const bound = Number(text);
  if (bound > 0) return bound;
  throw new RangeError(`RVBBIT_TEST_CPU_SECONDS takes a number of seconds, not ${text}`);
}

/**
 * The processor time, in seconds, of this process and of all below it that have ended; undefined on a system without
 * /proc.
 */
export function cpuSeconds(): number | undefined {
  let stat: string;
  try {
    stat = readFileSync('/proc/self/stat', 'utf8');
  } catch {
    return undefined;
  }
  // The name of the process, in brackets, may hold blanks. utime, stime, cutime and cstime are fields 14 to 17.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_A_SECOND;
}

/** The failure of a run that took more processor time than its bound; undefined where it has not. */
export function outgrown(tookSeconds: number, bound: number): string | undefined {
  if (tookSeconds <= bound) return undefined;
  return `FAIL the run took ${round(tookSeconds)} s of processor time, and may take ${round(bound)} s.
     Make the slowest files do less, or move what must be large to a *.storm.test.ts file.`;
}

function round(seconds: number): string {
  return String(Number(seconds.toFixed(seconds < 10 ? 2 : 0)));
}
