/** `rvbbit sim`: starts a simulated model server, to try cascades without a provider. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { messageOf } from '../../errors.ts';
import { parseLatency } from '../../sim/latency.ts';
import type { LedgerEntry, LedgerTotals } from '../../sim/ledger.ts';
import type { SimulatorOptions } from '../../sim/script.ts';
import { type Simulator, startSimulator } from '../../sim/simulator.ts';
import { CliError, refuseWord } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { interruption } from '../signals.ts';
import { say } from '../stderr.ts';
import { visible } from '../text/escape.ts';
import { shellWord } from '../text/shell-word.ts';
import { systemErrorText } from '../text/system-error.ts';

/** The prices if the options name none, in US dollars per million tokens: those of a small model. */
const PRICE = { inputPerMtok: 0.15, outputPerMtok: 0.6 };

/** Serves until Ctrl-C or SIGTERM, then prints what was called. Returns 0, because such an end is no failure. */
export async function sim(words: readonly string[], options: CliOptions): Promise<number> {
  refuseWord(words[0], 'rvbbit sim --help');
  const given = await readOptions(options);
  const prices = given.prices ?? { '*': PRICE };
  const simulation = { ...given, prices };
  const simulator = await start(simulation, options.verbose === true);
  const end = interruption();
  const [[priced, { inputPerMtok, outputPerMtok }] = ['*', PRICE]] = Object.entries(prices);
  const model = given.models?.[0] ?? (priced === '*' ? 'sim' : priced);
  for (const [name, value] of [
    ['OPENAI_BASE_URL', simulator.url],
    ...(given.requireKey === undefined ? [] : [['OPENAI_API_KEY', given.requireKey] as const]),
    ['RVBBIT_MODEL', `openai/${model}`],
  ] as const) {
    process.stdout.write(`export ${name}=${shellWord(value)}\n`);
  }
  if (!options.quiet) {
    say('these lines, in the shell of the engine, point it here; Ctrl-C ends the server');
    say(
      `it bills $${inputPerMtok} a million tokens in, $${outputPerMtok} out; for the account to say so, in rvbbit.config.yaml: providers: { openai: { prices: { ${model}: { input_per_mtok: ${inputPerMtok}, output_per_mtok: ${outputPerMtok} } } } }`,
    );
  }
  await end;
  const { totals } = simulator.ledger(Number.MAX_SAFE_INTEGER);
  await simulator.close();
  if (!options.quiet) for (const line of summaryLines(totals)) say(line);
  return 0;
}

async function start(simulation: SimulatorOptions, isVerbose: boolean): Promise<Simulator> {
  try {
    return await startSimulator(
      simulation,
      isVerbose ? (entry) => say(callLine(entry)) : undefined,
    );
  } catch (thrown) {
    const isUsage = thrown instanceof TypeError || thrown instanceof SyntaxError;
    throw new CliError(isUsage ? 'usage' : 'open', messageOf(thrown));
  }
}

/** Returns the options of the file, overridden by those of the command line. */
async function readOptions(options: CliOptions): Promise<SimulatorOptions> {
  const { port, seed, rpm, faults, directives } = options;
  const file = faults === undefined ? {} : await readFaults(faults);
  const latency = options.latency === undefined ? undefined : parseLatency(options.latency);
  if (options.latency !== undefined && latency === undefined) {
    const forms = 'constant:500, uniform:100:900, lognormal:500:0.8 or pareto:100:1.5';
    throw new CliError('usage', `--latency is one of ${forms}, not '${options.latency}'`);
  }
  return {
    ...file,
    ...(port === undefined ? {} : { port }),
    ...(seed === undefined ? {} : { seed }),
    ...(latency === undefined ? {} : { latency }),
    ...(directives === undefined ? {} : { directives }),
    // The parser has checked that this is one of the choices.
    ...(options.answers === undefined
      ? {}
      : { answers: options.answers as NonNullable<SimulatorOptions['answers']> }),
    ...(rpm === undefined ? {} : { limits: { ...file.limits, requests: rpm } }),
  };
}

async function readFaults(path: string): Promise<SimulatorOptions> {
  try {
    const value: unknown = parse(await readFile(path, 'utf8'));
    // A bare list is the list of rules. The server checks every field.
    return (Array.isArray(value) ? { rules: value } : (value ?? {})) as SimulatorOptions;
  } catch (thrown) {
    throw new CliError('open', `cannot read ${visible(path)}: ${systemErrorText(thrown)}`);
  }
}

function callLine(entry: LedgerEntry): string {
  const { ordinal, endpoint, model, status, outcome, fault, durationMs } = entry;
  const what = fault === undefined ? outcome : `${outcome} (${fault})`;
  const tokens = `${entry.tokensIn}+${entry.tokensOut} tokens`;
  return `${ordinal} ${endpoint} ${visible(model)}: ${status ?? 'no status'} ${what}, ${tokens}, ${Math.round(durationMs ?? 0)} ms, ${entry.contentHash.slice(0, 8)}`;
}

function summaryLines(totals: LedgerTotals): string[] {
  const { calls, distinctContents, byOutcome, byStatus, maxInFlight } = totals;
  const counted = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ') || 'none';
  return [
    `${calls} calls of ${distinctContents} contents: ${counted(byOutcome)}`,
    `statuses: ${counted(Object.fromEntries(Object.entries(byStatus).map(([status, count]) => [`× ${status}`, count])))}`,
    `at most ${maxInFlight} in flight; ${totals.tokensIn} tokens in, ${totals.tokensOut} out; ${(totals.costMicroUsd / 1e6).toFixed(6)} USD`,
  ];
}
