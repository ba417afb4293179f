/** `npm run bench` compares the strategies. `npm run bench -- <suite>…` runs the engine's own suites. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Timeline } from '../src/report/timeline.ts';
import { medianOf } from '../src/run/cells/reduce-takes.ts';
import { Progress } from './progress.ts';
import { holds, reportText, type SuiteReport } from './report.ts';
import { sampleOf } from './sample.ts';
import type { Sample, Spread, Suite } from './suite.ts';
import type { StrategiesOptions } from './suites/strategies.ts';

type Load = (options: StrategiesOptions) => Promise<Suite>;

/** The suites, each loaded only when it runs, so that its memory does not include the imports of other suites. */
const SUITES: Readonly<Record<string, Load>> = {
  strategies: async (options) => (await import('./suites/strategies.ts')).strategies(options),
  cpu: async () => (await import('./suites/cpu.ts')).cpu,
  rows: async () => (await import('./suites/rows.ts')).rows,
  parse: async () => (await import('./suites/parse.ts')).parse,
  latency: async () => (await import('./suites/latency.ts')).latency,
  start: async () => (await import('./suites/start.ts')).start,
  dispatch: async () => (await import('./suites/dispatch.ts')).dispatch,
  journal: async () => (await import('./suites/journal.ts')).journal,
  sqlcells: async () => (await import('./suites/sqlcells.ts')).sqlcells,
  hits: async () => (await import('./suites/hits.ts')).hits,
  warm: async () => (await import('./suites/warm.ts')).warm,
  sessions: async () => (await import('./suites/sessions.ts')).sessions,
  serve: async () => (await import('./suites/serve.ts')).serveSuite,
  spend: async () => (await import('./suites/spend.ts')).spend,
  batch: async () => (await import('./suites/batch.ts')).batch,
  caching: async () => (await import('./suites/caching.ts')).caching,
};
const SAMPLES = 5;
/** Pairs of samples when two revisions are compared. Fewer pairs would say too little. */
const COMPARED_SAMPLES = 7;
const REPORT_DIR = 'bench-report';
const PROGRAM = fileURLToPath(import.meta.url);

const USAGE = `Usage: npm run bench -- [suite…] [options]

Without a suite it compares the strategies, which takes two to three minutes.

  --samples n      fresh processes for each variant (3 for strategies, ${COMPARED_SAMPLES} for --compare, else mostly ${SAMPLES})
  --full           strategies: all workloads, the 500 ms ones included
  --report         strategies: also draw them on a page, with the quick workloads on several n
  --output dir     where --report writes index.html and an SVG a chart (default: ${REPORT_DIR})
  --filter text    strategies: workloads or ways whose name holds it
  --simulated      strategies on a virtual clock: the same figures on any machine, in seconds
  --compare rev    the suites beside those of another git revision, which is built for it
  --json           every sample's median and spread as JSON
  --help           this

Suites:`;

/** Prints an error and ends with code 2. Nothing has been run then. */
function refuse(message: string): never {
  console.error(`bench: ${message}; see npm run bench -- --help`);
  process.exit(2);
}

const args = readArgs();
const samples = args.samples === undefined ? undefined : Number(args.samples);
const options: StrategiesOptions = {
  full: args.full,
  sweep: args.report,
  ...(args.filter === undefined ? {} : { filter: args.filter }),
};
if (args.sample !== undefined) {
  const [wanted] = args.suites;
  const suite = await SUITES[args.sample]?.({ full: true, sweep: true });
  const variant = suite?.variants.find(({ name }) => name === wanted);
  if (variant === undefined) refuse(`there is no variant ${wanted} in ${args.sample}`);
  console.log(JSON.stringify(await variant.measure(args.timeline)));
  process.exit(0);
}
if (args.help) {
  console.log(USAGE);
  for (const [name, load] of Object.entries(SUITES)) {
    console.log(`  ${name.padEnd(11)} ${(await load({ full: false })).about}`);
  }
  process.exit(0);
}
if (args.report && (args.simulated || args.compare !== undefined)) {
  refuse('--report draws what is measured here, not --simulated or --compare');
}
if (args.output !== undefined && !args.report) refuse('--output is for --report');
if (args.report && args.suites.some((name) => name !== 'strategies')) {
  refuse('--report draws the suite strategies alone');
}
if (args.simulated) {
  const { simulatedTable } = await import('./simulated/table.ts');
  process.stdout.write(await simulatedTable());
  process.exit(0);
}
const unknown = args.suites.filter((name) => !Object.hasOwn(SUITES, name));
if (unknown.length > 0) {
  refuse(`no suite ${unknown.join(', ')}; there are ${Object.keys(SUITES).join(', ')}`);
}
if (samples !== undefined && (!Number.isInteger(samples) || samples < 1)) {
  refuse('--samples takes a whole number from 1');
}
const suites: Suite[] = [];
for (const name of args.suites.length === 0 ? ['strategies'] : args.suites) {
  suites.push(await SUITES[name]!(options));
}
const empty = suites.find(({ variants }) => variants.length === 0);
if (empty !== undefined) refuse(`nothing of ${empty.name} is called ${args.filter}`);
if (args.compare !== undefined) {
  const { compare } = await import('./compare.ts');
  const asked = { revision: args.compare, suites, program: PROGRAM };
  await compare({ ...asked, samples: samples ?? COMPARED_SAMPLES }).catch((thrown: Error) =>
    refuse(thrown.message),
  );
  process.exit(0);
}
// This comes before minutes of measuring, because the drawing library may be missing.
const drawing = args.report ? await beginDrawing() : undefined;
const reports: SuiteReport[] = [];
for (const suite of suites) {
  const report = await measure(suite, drawing?.timelines);
  reports.push(report);
  if (!args.json) console.log(reportText(report));
  if (drawing !== undefined) console.error(`bench: ${drawing.write(report)}`);
}
if (args.json) console.log(JSON.stringify(reports, null, 2));
// A time may miss its target on a busy machine, but a wrong row is always an error.
const isWrong = reports.some(({ figures }) =>
  figures.some((figure) => figure.name.endsWith('wrong rows') && !holds(figure)),
);
process.exit(isWrong ? 1 : 0);

function readArgs() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        samples: { type: 'string' },
        full: { type: 'boolean', default: false },
        filter: { type: 'string' },
        simulated: { type: 'boolean', default: false },
        report: { type: 'boolean', default: false },
        output: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        compare: { type: 'string' },
        // For a process that takes one sample: the suite. The variant follows as an argument.
        sample: { type: 'string' },
        // For such a process: the file for its timeline.
        timeline: { type: 'string' },
      },
    });
    return { ...values, suites: positionals };
  } catch (thrown) {
    return refuse((thrown as Error).message);
  }
}

/**
 * Loads the drawing library, and returns the function that writes the page and the timelines that it draws. Ends the
 * process if the library cannot be loaded or the folder cannot be made.
 */
async function beginDrawing() {
  const { loadPlotting } = await import('../src/report/plotting.ts');
  const { comparisons } = await import('./suites/strategies.ts');
  const { writeStrategiesPage } = await import('./report-page/strategies-page.ts');
  const directory = args.output ?? REPORT_DIR;
  try {
    const plotting = await loadPlotting();
    mkdirSync(directory, { recursive: true });
    const timelines = new Map<string, Timeline>();
    const parts = { plotting, directory, timelines, comparisons: comparisons(options) };
    return { timelines, write: (report: SuiteReport) => writeStrategiesPage(report, parts) };
  } catch (thrown) {
    return refuse((thrown as Error).message);
  }
}

/**
 * Measures a suite. Its variants take turns, so that a slow period of the machine affects all of them. `timelines` gets
 * the timeline of each variant's sample with the median time.
 */
async function measure(suite: Suite, timelines?: Map<string, Timeline>): Promise<SuiteReport> {
  const rounds = samples ?? suite.samples ?? SAMPLES;
  const taken = new Map<string, Sample[]>(suite.variants.map(({ name }) => [name, []]));
  const drawn = new Map<string, (Timeline | undefined)[]>();
  const progress = new Progress(rounds * suite.variants.length);
  for (let round = 0; round < rounds; round++) {
    for (const { name } of suite.variants) {
      progress.begin(`${suite.name} ${name} ${round + 1}/${rounds}`);
      const file = timelines && join(tmpdir(), `rvbbit-bench-${process.pid}.json`);
      taken.get(name)!.push(await sampleOf(PROGRAM, suite.name, name, file));
      if (file !== undefined) drawn.set(name, [...(drawn.get(name) ?? []), takeTimeline(file)]);
    }
  }
  progress.end();
  const spreads = [...taken].flatMap(([variant, all]) =>
    Object.keys(all[0] ?? {}).map((metric) => spreadIn(variant, metric, all)),
  );
  for (const [variant, of] of drawn) {
    const byTime = of
      .filter((timeline) => timeline !== undefined)
      .sort((a, b) => a.endUs - b.endUs);
    const middle = byTime[Math.floor(byTime.length / 2)];
    if (middle !== undefined) timelines?.set(variant, middle);
  }
  const spreadOf = (variant: string, metric: string) =>
    spreads.find((one) => one.variant === variant && one.metric === metric);
  const median = (variant: string, metric: string) => {
    const spread = spreadOf(variant, metric);
    if (spread === undefined) throw new Error(`${suite.name}: ${variant} measured no ${metric}`);
    return spread.median;
  };
  return {
    suite: suite.name,
    about: suite.about,
    machine: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    versions: `node ${process.version}, @duckdb/node-api ${duckdbVersion()}`,
    samples: rounds,
    spreads,
    figures: suite.figures(median),
    ...(suite.table === undefined ? {} : { table: suite.table(spreadOf) }),
  };
}

/** Reads and removes the timeline that a sample wrote. Returns undefined if its workload makes no calls. */
function takeTimeline(file: string): Timeline | undefined {
  if (!existsSync(file)) return undefined;
  const timeline = JSON.parse(readFileSync(file, 'utf8')) as Timeline;
  rmSync(file);
  return timeline;
}

function spreadIn(variant: string, metric: string, all: readonly Sample[]): Spread {
  const sorted = all.map((sample) => sample[metric] ?? Number.NaN).sort((a, b) => a - b);
  return { variant, metric, median: medianOf(sorted), min: sorted[0]!, max: sorted.at(-1)! };
}

function duckdbVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  const { dependencies } = JSON.parse(readFileSync(file, 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return dependencies['@duckdb/node-api'] ?? 'unknown';
}
