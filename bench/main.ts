/** `npm run bench -- <suite>… [--json] [--samples n]`: fresh processes, interleaved, medians and spread. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { reportText, type Spread, type SuiteReport } from './report.ts';
import type { Sample, Suite } from './suite.ts';

/** Loaded one at a time: what another suite imports must not count in the memory of this one. */
const SUITES: Readonly<Record<string, () => Promise<Suite>>> = {
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
const SAMPLE_TIMEOUT_MS = 300_000;

/** What the report says of a variant's metric. */
const args = process.argv.slice(2);
if (args[0] === '--sample') {
  const suite = await SUITES[args[1] ?? '']?.();
  const variant = suite?.variants.find(({ name }) => name === args[2]);
  if (variant === undefined) throw new Error(`no variant ${args[2]} in suite ${args[1]}`);
  console.log(JSON.stringify(await variant.measure()));
  process.exit(0);
}

if (args.includes('--help') || args.includes('-h')) {
  console.log('Usage: npm run bench -- [suite…] [--samples n] [--json]\n\nSuites:');
  for (const [name, load] of Object.entries(SUITES)) {
    console.log(`  ${name.padEnd(10)} ${(await load()).about}`);
  }
  process.exit(0);
}
const wrong = args.find((arg) => arg.startsWith('-') && arg !== '--samples' && arg !== '--json');
if (wrong !== undefined) {
  console.error(`bench: unknown option ${wrong}; it takes --samples n, --json and --help`);
  process.exit(2);
}
const at = args.indexOf('--samples');
const samples = at === -1 ? SAMPLES : Number(args[at + 1]);
const names = args.filter((arg, index) => !arg.startsWith('--') && (at === -1 || index !== at + 1));
const unknown = names.filter((name) => !Object.hasOwn(SUITES, name));
if (unknown.length > 0 || !Number.isInteger(samples) || samples < 1) {
  console.error(
    unknown.length > 0
      ? `bench: no suite ${unknown.join(', ')}; there are ${Object.keys(SUITES).join(', ')}`
      : 'bench: --samples takes a whole number from 1',
  );
  process.exit(2);
}
const chosen = names.length === 0 ? Object.keys(SUITES) : names;
const reports: SuiteReport[] = [];
for (const name of chosen) {
  const report = await measure(await SUITES[name]!());
  reports.push(report);
  if (!args.includes('--json')) console.log(reportText(report));
}
if (args.includes('--json')) console.log(JSON.stringify(reports, null, 2));

/** Variants take turns, so that a slow spell of the machine meets them all. */
async function measure(suite: Suite): Promise<SuiteReport> {
  const rounds = at === -1 ? (suite.samples ?? samples) : samples;
  const taken = new Map<string, Sample[]>(suite.variants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name } of suite.variants) {
      process.stderr.write(`bench: ${suite.name} ${name} ${round + 1}/${rounds}\n`);
      taken.get(name)!.push(await sampleOf(suite.name, name));
    }
  }
  const spreads = [...taken].flatMap(([variant, all]) =>
    Object.keys(all[0] ?? {}).map((metric) => spreadOf(variant, metric, all)),
  );
  const median = (variant: string, metric: string) => {
    const spread = spreads.find((one) => one.variant === variant && one.metric === metric);
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
  };
}

async function sampleOf(suite: string, variant: string): Promise<Sample> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [fileURLToPath(import.meta.url), '--sample', suite, variant],
    { timeout: SAMPLE_TIMEOUT_MS, maxBuffer: 2 ** 24 },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Sample;
}

function spreadOf(variant: string, metric: string, all: readonly Sample[]): Spread {
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
