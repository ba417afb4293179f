/** Runs statements one after another. Rows go to the sink, accounts to stderr, and verdicts to the caller. */
import type { Engine } from '../engine.ts';
import { cancelledError, RvbbitError } from '../errors.ts';
import type { Notice, ResultColumn, Summary } from '../result.ts';
import { readScript as parseScript } from '../statement/read.ts';
import { CliError, type ExitCause, verdictOf, verdictsOn } from './exit-codes.ts';
import { type FormatName, SINGLE_RESULT, type StartResult } from './format/format.ts';
import type { FormatSettings, ResultWriter } from './format/writer.ts';
import type { ResumeOptions } from './options.ts';
import { bindParams, type ParamValues } from './params.ts';
import type { ProgressView } from './progress-view.ts';
import { reportError } from './report.ts';
import { isCommand, type ScriptCommand, type ScriptPart, type ScriptStatement } from './script.ts';
import type { Sink } from './sink/sink.ts';
import { say } from './stderr.ts';
import { summaryLines } from './summary.ts';

/** What a script works with. Commands such as `.open`, `.mode` and `.output` change it. */
export interface Workspace {
  engine: Engine;
  progress: ProgressView;
  format: FormatName;
  /** Begins a result set; undefined for parquet, which DuckDB writes. */
  start: StartResult | undefined;
  formatSettings: FormatSettings;
  sink: Sink;
  /** The file of `-o` or `.output`. */
  output: string | undefined;
  /** The result sets that went to the output. */
  results: Results;
  /** True if the output is a screen, where every format may have several result sets. */
  isScreen: boolean;
  /** True if the time of each statement is printed. */
  isTimed: boolean;
  /** True if nothing more may run. */
  isOver: boolean;
}

/** The number of result sets of an output: `count` have begun, `kept` are complete. */
export interface Results {
  count: number;
  kept: number;
}

/** The settings of a script. */
export interface ScriptSettings {
  readonly workspace: Workspace;
  readonly parts: readonly ScriptPart[];
  /** Runs a command, and returns the verdicts on what it ran. Gets the settings, for a script that the command runs. */
  readonly runCommand: (
    command: ScriptCommand,
    settings: ScriptSettings,
  ) => Promise<readonly ExitCause[]>;
  readonly params: ParamValues;
  /** True if the result of the part at the index is printed. */
  readonly printed: (index: number) => boolean;
  readonly signal: AbortSignal;
  /** Empty if no statement is resumed. */
  readonly resume: ResumeOptions;
  /** Aborts when no further statement or row may begin. */
  readonly drain: AbortSignal;
  readonly keepGoing: boolean;
  readonly stats: boolean;
  readonly quiet: boolean;
}

/**
 * Parses the dialect in all statements before anything is opened or made, so that a mistake at the end costs nothing.
 * Reports the mistakes.
 */
export async function checkSyntax(parts: readonly ScriptPart[]): Promise<ExitCause[]> {
  const verdicts: ExitCause[] = [];
  for (const statement of parts) {
    if (isCommand(statement)) continue;
    await parseScript(statement.sql).catch((thrown: unknown) => {
      reportError(thrown, statement);
      verdicts.push(verdictOf(thrown));
    });
  }
  if (verdicts.length > 0 && parts.length > 1) say('nothing was run');
  return verdicts;
}

/** Runs the parts until one fails; with `keepGoing`, runs all of them. Returns the verdicts. */
export async function runScript(settings: ScriptSettings): Promise<ExitCause[]> {
  const { workspace, parts, drain, keepGoing } = settings;
  const verdicts: ExitCause[] = [];
  for (const [index, part] of parts.entries()) {
    if (drain.aborted || workspace.isOver) break;
    let isFailed = false;
    try {
      if (isCommand(part)) {
        const met = await settings.runCommand(part, settings);
        isFailed = met.some((verdict) => verdict !== 'rows');
        verdicts.push(...met);
      } else {
        verdicts.push(...verdictsOn(await runStatement(settings, part, index)));
      }
    } catch (thrown) {
      workspace.progress.hide();
      await workspace.sink.rollback();
      const summary = thrown instanceof RvbbitError ? thrown.summary : undefined;
      if (drain.aborted && isCancelled(thrown)) {
        if (summary !== undefined) account(settings, index, summary, []);
        break;
      }
      reportError(thrown, part);
      if (summary !== undefined) account(settings, index, summary, []);
      verdicts.push(verdictOf(thrown));
      isFailed = true;
    }
    if (isFailed && !keepGoing) {
      if (index + 1 < parts.length) sayNotRun(parts.length - index - 1);
      break;
    }
  }
  return verdicts;
}

function isCancelled(thrown: unknown): thrown is RvbbitError {
  return thrown instanceof RvbbitError && thrown.code === 'RVB_CANCELLED';
}

function sayNotRun(count: number): void {
  say(
    `${count} more ${count === 1 ? 'statement was' : 'statements were'} not run (--keep-going goes on)`,
  );
}

async function runStatement(
  settings: ScriptSettings,
  statement: ScriptStatement,
  index: number,
): Promise<Summary> {
  const { workspace, signal, drain, resume } = settings;
  const { engine, start, sink, format, results } = workspace;
  const params = bindParams(statement.sql, settings.params);
  const output = settings.printed(index) && statement.givesRows ? workspace.output : undefined;
  if (start === undefined && output !== undefined) {
    const { writeParquet } = await import('./format/parquet.ts');
    const { summary, notices } = await writeParquet(engine, statement, params, output, {
      signal,
      ...resume,
    });
    results.kept += 1;
    return account(settings, index, summary, notices);
  }
  const stream = engine.stream(statement.sql, params, {
    signal,
    drain,
    valueForm: format === 'json' || format === 'jsonl' ? 'json-numbers' : 'json',
    origin: 'cli',
    ...(output === undefined ? {} : { writes: output }),
    ...resume,
  });
  const columns = await stream.columns;
  const prints = columns.length > 0 && settings.printed(index) && start !== undefined;
  const writer = prints ? beginResult(workspace, start, columns) : undefined;
  try {
    for await (const row of stream) {
      // All rows of plain SQL exist by now, so that an interrupt can stop them only here.
      if (drain.aborted && !statement.dialect) throw cancelledError();
      const slower = writer?.row(row);
      if (slower !== undefined) await slower;
    }
  } catch (thrown) {
    writer?.stop?.();
    throw thrown;
  }
  const summary = await stream.summary;
  workspace.progress.hide();
  await writer?.end();
  await sink.keep();
  if (prints) results.kept += 1;
  return account(settings, index, summary, stream.notices);
}

/** Begins a result set. Throws a usage error if the output can hold only one, and has it. */
export function beginResult(
  { format, results, sink, formatSettings, isScreen }: Workspace,
  start: StartResult,
  columns: readonly ResultColumn[],
): ResultWriter {
  if (results.count++ > 0 && SINGLE_RESULT.has(format) && !isScreen) {
    throw new CliError(
      'usage',
      `${format} takes one result set and this is a second one`,
      '--last',
    );
  }
  return start(columns, sink, formatSettings);
}

/** Prints on stderr what a statement did. Returns the summary. */
function account(
  { stats, quiet, workspace }: ScriptSettings,
  index: number,
  summary: Summary,
  notices: readonly Notice[],
): Summary {
  if (stats) process.stderr.write(`${JSON.stringify({ statement: index + 1, ...summary })}\n`);
  if (workspace.isTimed) say(`time: ${summary.durationMs.toFixed(1)} ms`);
  if (quiet) return summary;
  const ran = workspace.progress.last;
  const explained = (ran?.kind === 'explain' || ran?.kind === 'sql') && summary.rows.in === 0;
  if (ran !== undefined && ran.caller === summary.callerId && !explained) {
    const verb = ran.kind === 'run' ? 'RUN' : ran.kind === 'sql' ? 'SQL with' : 'MAP';
    for (const line of summaryLines(`${verb} ${ran.cascade}`, summary, notices)) say(line);
  } else {
    for (const { message } of notices) say(`note: ${message}`);
  }
  return summary;
}
