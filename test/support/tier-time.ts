/** How long a run of the tests may take. Only the wall time of a whole tier is bounded: a single file varies too much. */

/** Seconds that a tier has on two cores. */
export const TIER_SECONDS = { test: 180, storm: 360 } as const;

/** A tier fails when it has taken this many times its seconds. */
const TOLERANCE = 1.2;

/** What is run. */
export interface TestRun {
  readonly storm: boolean;
  readonly deep: boolean;
  /** Some files only, by pattern. */
  readonly some: boolean;
  /** RVBBIT_TEST_SECONDS: the time of this run, whatever it runs. */
  readonly seconds: string | undefined;
}

/** The seconds that a run has, or undefined where it has no limit: the deep tier, and a run of some files. */
export function secondsFor({ storm, deep, some, seconds }: TestRun): number | undefined {
  if (seconds !== undefined && seconds !== '') {
    const given = Number(seconds);
    if (given > 0) return given;
    throw new RangeError(`RVBBIT_TEST_SECONDS takes a number of seconds, not ${seconds}`);
  }
  if (deep || some) return undefined;
  return TIER_SECONDS[storm ? 'storm' : 'test'];
}

/** The failure of a run that has outgrown its time by more than a fifth; undefined where it has not. */
export function outgrown(tookMs: number, seconds: number | undefined): string | undefined {
  if (seconds === undefined || tookMs <= seconds * 1_000 * TOLERANCE) return undefined;
  const [took, limit] = [tookMs / 1_000, seconds * TOLERANCE].map((each) => round(each));
  return `FAIL the run took ${took} s: its time is ${round(seconds)} s, and it fails beyond ${limit} s.
     Make the slowest files do less, or move what must be large to a *.storm.test.ts file.
     On a slower machine, RVBBIT_TEST_SECONDS=… gives the run another time.`;
}

function round(seconds: number): string {
  return String(Number(seconds.toFixed(seconds < 10 ? 1 : 0)));
}
