/** `rvbbit [db]`: runs a script and writes its results. */

import type { Engine } from '../../engine.ts';
import { CliError, type ExitCause, exitCodeOf } from '../exit-codes.ts';
import { checkDatabase, isSameFile } from '../file-kinds.ts';
import { chooseFormat } from '../format/choose-format.ts';
import { type FormatName, loadFormat, SINGLE_RESULT } from '../format/format.ts';
import type { CliOptions } from '../options.ts';
import { checkParamsUsed, readParams } from '../params.ts';
import { type ProgressMode, ProgressView } from '../progress-view.ts';
import { checkSyntax, runScript, type ScriptSettings, type Workspace } from '../run-script.ts';
import {
  isCommand,
  readScript,
  type ScriptInput,
  type ScriptPart,
  statementsOnly,
} from '../script.ts';
import { openEngine } from '../session.ts';
import type { CommandRunner } from '../shell/command-runner.ts';
import { watchInterrupts } from '../signals.ts';
import type { Sink } from '../sink/sink.ts';
import { StdoutSink } from '../sink/stdout-sink.ts';
import { say, stdoutStyle } from '../stderr.ts';

/** The time that work in flight has to end after the first Ctrl-C, because its calls are already paid for. */
const DRAIN_MS = 10_000;

/** Found in statements that run cascades, and seldom in others: there a thread starts in vain. */
const RUNS = /\brvbbit\s+(?:map|run)\b|\b(?:means|about|classify|extracts)\b/i;

/** Runs the script of `-c`, `-f` or standard input on a database; without one, opens the shell. Returns the exit code. */
export async function query(words: readonly string[], options: CliOptions): Promise<number> {
  const { database, inputs } = operands(words, options);
  if (inputs === undefined) {
    if (process.stdout.isTTY && options.output === undefined) {
      const { openShell } = await import('../shell/open-shell.ts');
      return openShell(database, options);
    }
    if (words.length > 0) {
      const hint = "give SQL with -c 'SQL', a file with -f, or on standard input";
      throw new CliError('usage', 'there is nothing to run', hint);
    }
    const { helpText } = await import('../help.ts');
    process.stderr.write(`${helpText('query')}\n`);
    return exitCodeOf(['usage']);
  }
  checkDatabase(database);
  const params = readParams(options.param);
  refuseOwnFiles(options.output, database, inputs);
  const format = chooseFormat(options);
  if (format === 'parquet' && options.output === undefined) {
    throw new CliError('usage', 'parquet is written to a file', 'add -o result.parquet');
  }
  const parts = await readScript(inputs);
  const hasCommands = parts.some(isCommand);
  // A command may read a file that names parameters, and may change the format.
  if (!hasCommands)
    checkParamsUsed(
      statementsOnly(parts, 'rvbbit').map(({ sql }) => sql),
      params,
    );
  const printed = chooseResults(parts, hasCommands ? 'jsonl' : format, options);
  if (parts.length === 0) return 0;
  if (format === 'parquet') refuseReports(parts, printed);
  const mistakes = options.keepGoing ? [] : await checkSyntax(parts);
  if (mistakes.length > 0) return exitCodeOf(mistakes);
  return withOutput(options, database, { parts, params, printed }, format);
}

interface Operands {
  readonly database: string;
  readonly inputs: readonly ScriptInput[] | undefined;
}

/** Returns the database and the inputs. Without inputs, standard input is the input unless it is a terminal. */
function operands(words: readonly string[], options: CliOptions): Operands {
  const names = words.filter((word) => word !== '-');
  if (names.length > 1) {
    throw new CliError(
      'usage',
      `one database, please: '${names[1]}' is left over`,
      'SQL goes behind -c, a file behind -f',
    );
  }
  const database = names[0] ?? ':memory:';
  const stdin: ScriptInput = { kind: 'file', path: '-' };
  const first: ScriptInput[] =
    options.init === undefined ? [] : [{ kind: 'file', path: options.init }];
  const given = words.includes('-') ? [...options.inputs, stdin] : options.inputs;
  if (given.length > 0) return { database, inputs: [...first, ...given] };
  return { database, inputs: process.stdin.isTTY ? undefined : [...first, stdin] };
}

/** Throws a usage error if the result would replace the database or a script of the same command line. */
function refuseOwnFiles(
  output: string | undefined,
  database: string,
  inputs: readonly ScriptInput[],
): void {
  const read = [
    database,
    ...inputs.flatMap((input) => (input.kind === 'file' ? [input.path] : [])),
  ];
  const own = read.find((path) => output !== undefined && isSameFile(output, path));
  if (own === undefined) return;
  const message = `-o ${output} would replace the file ${own}, which is read`;
  throw new CliError('usage', message, 'name another file with -o');
}

/** Returns which results are printed, by statement index. Throws if a format of one result set would get several. */
function chooseResults(
  parts: readonly ScriptPart[],
  format: FormatName,
  { last }: CliOptions,
): (index: number) => boolean {
  if (last) {
    const chosen = parts.findLastIndex(givesRows);
    return (index) => index === chosen;
  }
  const results = parts.filter(givesRows).length;
  if (results > 1 && SINGLE_RESULT.has(format)) {
    throw new CliError(
      'usage',
      `${format} takes one result set and the script gives ${results}`,
      'add --last for the last one, or use --format jsonl',
    );
  }
  return () => true;
}

/** The words that begin a statement whose rows DuckDB can write to a Parquet file. */
const QUERY_WORDS = /^(?:select|from|values|table|with|pivot|unpivot|rvbbit|\()/i;

function refuseReports(parts: readonly ScriptPart[], printed: (index: number) => boolean): void {
  for (const [index, part] of parts.entries()) {
    if (isCommand(part) || !part.givesRows || !printed(index)) continue;
    const text = part.sql.slice(part.firstWord);
    if (QUERY_WORDS.test(text)) continue;
    const word = /^\w*/.exec(text)![0].toUpperCase();
    const message = `parquet takes the rows of a query, and not those of ${word}`;
    throw new CliError('usage', message, 'use another format: -o result.csv');
  }
}

function givesRows(part: ScriptPart): boolean {
  return !isCommand(part) && part.givesRows;
}

type Writing = Pick<ScriptSettings, 'parts' | 'params' | 'printed'>;

async function withOutput(
  options: CliOptions,
  database: string,
  writing: Writing,
  format: FormatName,
): Promise<number> {
  const toFile = options.output !== undefined;
  const interrupts = watchInterrupts(DRAIN_MS);
  let isBroken = false;
  const onBroken = () => {
    isBroken = true;
    interrupts.stop();
  };
  const start = format === 'parquet' ? undefined : await loadFormat(format);
  const runsCascades = writing.parts.some((part) => !isCommand(part) && RUNS.test(part.sql));
  const { sink, engine } = await openBoth(options, database, format, runsCascades, onBroken).catch(
    (thrown: unknown) => {
      interrupts.close();
      throw thrown;
    },
  );
  const workspace: Workspace = {
    engine,
    progress: new ProgressView(engine.events, progressMode(options, format)),
    format,
    start,
    formatSettings: {
      all: options.all ?? false,
      columns: !toFile && process.stdout.isTTY ? process.stdout.columns : undefined,
      dim: toFile ? (text) => text : (text) => stdoutStyle('dim', text),
    },
    sink,
    output: options.output,
    results: { count: 0, kept: 0 },
    isScreen: false,
    isTimed: false,
    isOver: false,
  };
  const { results } = workspace;
  let shell: CommandRunner | undefined;
  try {
    if (writing.parts.some(isCommand)) {
      const { CommandRunner } = await import('../shell/command-runner.ts');
      shell = new CommandRunner({ workspace, options, database, params: writing.params });
    }
    const met = await runScript({
      ...writing,
      workspace,
      runCommand: async (command, settings) => shell!.run(command, settings),
      signal: interrupts.signal,
      resume: options.resume ?? {},
      drain: interrupts.drain,
      keepGoing: options.keepGoing ?? false,
      stats: options.stats ?? false,
      quiet: options.quiet ?? false,
    });
    await shell?.endOutput();
    if (isBroken) await sink.close();
    if (isBroken && !interrupts.interrupted) return 0;
    const verdicts: ExitCause[] = interrupts.interrupted ? [...met, 'interrupted'] : [...met];
    const code = exitCodeOf(verdicts);
    // Without a result set, an empty file would replace the existing file.
    const isWanted = options.keepGoing === true && results.kept > 0;
    if (verdicts.every((verdict) => verdict === 'rows') || isWanted) {
      await sink.close();
    } else {
      await sink.discard();
      if (toFile && format !== 'parquet' && !options.quiet) say(`${options.output} is not written`);
    }
    return code;
  } catch (thrown) {
    await sink.discard();
    throw thrown;
  } finally {
    workspace.progress.close();
    await workspace.engine.close();
    interrupts.close();
  }
}

/** Opens the output first: an output that cannot be written is known before a database file is made. */
async function openBoth(
  options: CliOptions,
  database: string,
  format: FormatName,
  startsThreads: boolean,
  onBroken: () => void,
): Promise<{ readonly sink: Sink; readonly engine: Engine }> {
  const sink = await openSink(options, format, onBroken);
  try {
    return { sink, engine: await openEngine(options, database, { startsThreads }) };
  } catch (thrown) {
    await sink.discard();
    throw thrown;
  }
}

async function openSink(
  { output }: CliOptions,
  format: FormatName,
  onBroken: () => void,
): Promise<Sink> {
  if (output === undefined) return new StdoutSink(onBroken);
  const { FileSink, placeOutput } = await import('../sink/file-sink.ts');
  if (format !== 'parquet') return FileSink.open(output, onBroken);
  // DuckDB writes the file after the statement. This call reports a file that cannot be written before the statement.
  await placeOutput(output);
  return new StdoutSink(onBroken);
}

/** Returns how progress is shown. Rows that scroll by on a terminal are progress enough, and would tear a bar apart. */
function progressMode(options: CliOptions, format: FormatName): ProgressMode {
  if (options.quiet) return 'none';
  if (!process.stderr.isTTY) return 'lines';
  const rowsScrollBy =
    process.stdout.isTTY && options.output === undefined && format !== 'table' && format !== 'none';
  return rowsScrollBy ? 'none' : 'bar';
}
