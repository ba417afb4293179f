/** `npm run bench`: the strategies side by side; `npm run bench -- <suite>…`: the engine's own suites. */
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Progress } from './progress.ts';
import { holds, reportText, type SuiteReport } from './report.ts';
import { sampleOf } from './sample.ts';
import type { Sample, Spread, Suite } from './suite.ts';
import type { StrategiesOptions } from './suites/strategies.ts';

type Load = (options: StrategiesOptions) => Promise<Suite>;

/** Loaded one at a time: what another suite imports must not count in the memory of this one. */
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
  sessions: async () => (await import('./suites/sessions.ts')).sessions,
  spend: async () => (await import('./suites/spend.ts')).spend,
};
const SAMPLES = 5;
/** Pairs of samples of two revisions: fewer tell too little. */
const COMPARED_SAMPLES = 7;
const PROGRAM = fileURLToPath(import.meta.url);

const USAGE = `Usage: npm run bench -- [suite…] [options]

Without a suite it compares the strategies, which takes two to three minutes.

  --samples n      fresh processes for each variant (3 for strategies, ${COMPARED_SAMPLES} for --compare, else mostly ${SAMPLES})
  --full           strategies: all workloads, the 500 ms ones included
  --filter text    strategies: workloads or ways whose name holds it
  --simulated      strategies on a virtual clock: the same figures on any machine, in seconds
  --compare rev    the suites beside those of another git revision, which is built for it
  --json           every sample's median and spread as JSON
  --help           this

Suites:`;

/** Ends with 2: nothing has been run. */
function refuse(message: string): never {
  console.error(`bench: ${message}; see npm run bench -- --help`);
  process.exit(2);
}

const args = readArgs();
const samples = args.samples === undefined ? undefined : Number(args.samples);
const options: StrategiesOptions = {
  full: args.full,
  ...(args.filter === undefined ? {} : { filter: args.filter }),
};
if (args.sample !== undefined) {
  const [wanted] = args.suites;
  const suite = await SUITES[args.sample]?.({ full: true });
  const variant = suite?.variants.find(({ name }) => name === wanted);
  if (variant === undefined) refuse(`there is no variant ${wanted} in ${args.sample}`);
  console.log(JSON.stringify(await variant.measure()));
  process.exit(0);
}
if (args.help) {
  console.log(USAGE);
  for (const [name, load] of Object.entries(SUITES)) {
    console.log(`  ${name.padEnd(11)} ${(await load({ full: false })).about}`);
  }
  process.exit(0);
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
const reports: SuiteReport[] = [];
for (const suite of suites) {
  const report = await measure(suite);
  reports.push(report);
  if (!args.json) console.log(reportText(report));
}
if (args.json) console.log(JSON.stringify(reports, null, 2));
// A figure of time may fail on a busy machine; a wrong row may not.
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
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        compare: { type: 'string' },
        // Of a process that takes one sample: the suite, before the variant.
        sample: { type: 'string' },
      },
    });
    return { ...values, suites: positionals };
  } catch (thrown) {
    return refuse((thrown as Error).message);
  }
}

/** Variants take turns, so that a slow spell of the machine meets them all. */
async function measure(suite: Suite): Promise<SuiteReport> {
  const rounds = samples ?? suite.samples ?? SAMPLES;
  const taken = new Map<string, Sample[]>(suite.variants.map(({ name }) => [name, []]));
  const progress = new Progress(rounds * suite.variants.length);
  for (let round = 0; round < rounds; round++) {
    for (const { name } of suite.variants) {
      progress.begin(`${suite.name} ${name} ${round + 1}/${rounds}`);
      taken.get(name)!.push(await sampleOf(PROGRAM, suite.name, name));
    }
  }
  progress.end();
  const spreads = [...taken].flatMap(([variant, all]) =>
    Object.keys(all[0] ?? {}).map((metric) => spreadIn(variant, metric, all)),
  );
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

function spreadIn(variant: string, metric: string, all: readonly Sample[]): Spread {
  const sorted = all.map((sample) => sample[metric] ?? Number.NaN).sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const median =
    sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { variant, metric, median, min: sorted[0]!, max: sorted.at(-1)! };
}

function duckdbVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  const { dependencies } = JSON.parse(readFileSync(file, 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return dependencies['@duckdb/node-api'] ?? 'unknown';
}
