/** Compares the ways to run a cascade over rows: the engine's strategies, the seeds' blocking functions, and a bare client. */
import { aligned, round } from '../report.ts';
import { measureWay, takes, WAYS, type Way } from '../strategies/ways.ts';
import { FULL, QUICK, SWEEP, type Workload } from '../strategies/workload.ts';
import type { Figure, Median, SpreadOf, Suite } from '../suite.ts';

export interface StrategiesOptions {
  /** True: all workloads. False: only the quick ones. */
  readonly full: boolean;
  /** True: also the quick workloads with several n, for the report. */
  readonly sweep?: boolean;
  /**
   * A part of the name of a workload or a way. The bare client is always included, because the other ways are compared
   * with it.
   */
  readonly filter?: string;
}

/** A workload, and the ways that are compared on it. */
export interface Comparison {
  readonly workload: Workload;
  readonly ways: readonly Way[];
}

const SAMPLES = 3;

/** Returns the measured workloads, and the ways that are compared on each. */
export function comparisons({ full, sweep, filter }: StrategiesOptions): Comparison[] {
  return [...QUICK, ...(sweep === true ? SWEEP : []), ...(full ? FULL : [])]
    .filter(({ name }) => filter === undefined || name.includes(filter) || isOfWay(filter))
    .map((workload) => ({
      workload,
      ways: WAYS.filter(
        (way) =>
          takes(way, workload) &&
          (filter === undefined ||
            way === 'bare client' ||
            !isOfWay(filter) ||
            way.includes(filter)),
      ),
    }));
}

/** With fewer successive calls per lane, mostly the start of the statement would be measured. */
const LEAST_CALLS_IN_A_ROW = 5;

export function strategies(options: StrategiesOptions): Suite {
  const compared = comparisons(options);
  const workloads = compared.map(({ workload }) => workload);
  const waysOf = (workload: Workload) =>
    compared.find((one) => one.workload === workload)?.ways ?? [];
  return {
    name: 'strategies',
    about: 'what each way of running a cascade over rows takes, with its rows checked',
    samples: SAMPLES,
    variants: workloads.flatMap((workload) =>
      waysOf(workload).map((way) => ({
        name: nameOf(workload, way),
        measure: (timelineFile) => measureWay(way, workload, timelineFile),
      })),
    ),
    figures: (median) =>
      workloads.flatMap((workload) => figuresOf(workload, waysOf(workload), median)),
    table: (spreadOf) =>
      [
        ...workloads.map((workload) => tableOf(workload, waysOf(workload), spreadOf)),
        ...meaning(workloads, spreadOf),
      ].join('\n\n'),
  };
}

function isOfWay(filter: string): boolean {
  return WAYS.some((way) => way.includes(filter));
}

/** Returns the variant's name. */
export function nameOf({ name }: Workload, way: Way): string {
  return `${name}: ${way}`;
}

/** The targets: every row is right, no call is made twice, and `batch` is as fast as the bare client. */
function figuresOf(workload: Workload, ways: readonly Way[], median: Median): Figure[] {
  const { name, rows, parallel, sim } = workload;
  const of = (way: Way, metric: string) => median(nameOf(workload, way), metric);
  const wrong = ways.reduce((sum, way) => sum + of(way, 'wrong'), 0);
  const figures: Figure[] = [{ name: `${name}: wrong rows`, value: wrong, unit: '', atMost: 0 }];
  if (sim !== undefined && sim.rules === undefined) {
    const most = Math.max(...ways.map((way) => of(way, 'calls')));
    const needed = rows - (workload.known ?? 0);
    figures.push({
      name: `${name}: calls for ${needed} rows`,
      value: most,
      unit: '',
      atMost: needed,
    });
  }
  const callsInARow = rows / parallel;
  if (
    ways.includes('batch') &&
    ways.includes('bare client') &&
    callsInARow >= LEAST_CALLS_IN_A_ROW
  ) {
    figures.push({
      name: `${name}: batch against the bare client`,
      value: of('batch', 'ms') / of('bare client', 'ms'),
      unit: '×',
      // In 300 ms, the start of a statement and of six successive calls takes a tenth of the time.
      atMost: rows < 200 || sim === undefined ? 1.2 : parallel <= 50 ? 1.02 : 1.05,
    });
  }
  return figures;
}

function tableOf(workload: Workload, ways: readonly Way[], spreadOf: SpreadOf): string {
  const { about, sim } = workload;
  const bare = spreadOf(nameOf(workload, 'bare client'), 'ms')?.median;
  const bound = Math.min(
    // Calls with several rows need not be as many.
    ...ways
      .filter((way) => way !== 'multi-row')
      .map((way) => spreadOf(nameOf(workload, way), 'boundMs')?.median ?? Infinity),
  );
  const head = ['', 'ms', '(spread)', '× bare', 'calls', 'at once', 'CPU ms', 'MiB', 'rows'];
  const lines = ways.map((way) => {
    const of = (metric: string) => spreadOf(nameOf(workload, way), metric);
    const ms = of('ms')!;
    const wrong = of('wrong')!.max;
    return [
      way,
      round(ms.median),
      `(${round(ms.min)}–${round(ms.max)})`,
      bare === undefined ? '' : (ms.median / bare).toFixed(2),
      sim === undefined ? '' : String(of('calls')!.median),
      sim === undefined ? '' : String(of('inFlight')!.median),
      of('cpuMs')!.median.toFixed(0),
      of('rssMb')!.median.toFixed(0),
      wrong === 0 ? 'right' : `${wrong} WRONG`,
    ];
  });
  const limit = Number.isFinite(bound) ? `; no way takes less than ${round(bound)} ms` : '';
  return [`${workload.name}: ${about}${limit}`, ...aligned([head, ...lines])].join('\n');
}

/** Summarizes the tables in up to two sentences. */
function meaning(workloads: readonly Workload[], spreadOf: SpreadOf): string[] {
  const ratio = (name: string, way: Way, to: Way): string | undefined => {
    const workload = workloads.find((one) => one.name === name);
    if (workload === undefined) return undefined;
    const ms = spreadOf(nameOf(workload, way), 'ms')?.median;
    const other = spreadOf(nameOf(workload, to), 'ms')?.median;
    return ms === undefined || other === undefined ? undefined : `${(ms / other).toFixed(1)}×`;
  };
  const wave = ratio('heavy tail', 'wave', 'batch');
  const fixed = ratio('heavy tail', 'static', 'batch');
  const sequential = ratio('constant', 'sequential', 'batch');
  const union = ratio('constant', 'udf union all', 'batch');
  const sentences: string[] = [];
  if (sequential !== undefined && union !== undefined) {
    sentences.push(
      `One call after another takes ${sequential} the time of batch, and UNION ALL over a blocking function ${union}: DuckDB calls a JavaScript function on one thread, so its branches wait for each other.`,
    );
  }
  if (wave !== undefined && fixed !== undefined) {
    sentences.push(
      `With uneven calls waves take ${wave} and fixed slices ${fixed} the time of batch, because lanes stand idle until the slowest call of their wave or slice has ended.`,
    );
  }
  return sentences.length === 0 ? [] : [sentences.join(' ')];
}
