/** Runs statements one after another. Rows go to the sink, accounts to stderr, and verdicts to the caller. */
import type { Engine } from '../engine.ts';
import { cancelledError, RvbbitError } from '../errors.ts';
import type { Notice, Summary } from '../result.ts';
import { readScript as parseScript } from '../statement/read.ts';
import { CliError, type ExitCause, verdictOf, verdictsOn } from './exit-codes.ts';
import { type FormatName, SINGLE_RESULT, type StartResult } from './format/format.ts';
import type { FormatSettings } from './format/writer.ts';
import type { ResumeOptions } from './options.ts';
import { bindParams, type ParamValues } from './params.ts';
import type { ProgressView } from './progress-view.ts';
import { reportError } from './report.ts';
import type { ScriptStatement } from './script.ts';
import type { Sink } from './sink/sink.ts';
import { say } from './stderr.ts';
import { summaryLines } from './summary.ts';

/** The settings of a script. */
export interface ScriptSettings {
  readonly engine: Engine;
  readonly statements: readonly ScriptStatement[];
  readonly params: ParamValues;
  /** True if the result of the statement at the index is printed. */
  readonly printed: (index: number) => boolean;
  readonly format: FormatName;
  /** Begins a result set; undefined for parquet, which DuckDB writes. */
  readonly start: StartResult | undefined;
  readonly formatSettings: FormatSettings;
  readonly sink: Sink;
  /** The file of `-o`. */
  readonly output: string | undefined;
  readonly progress: ProgressView;
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
export async function checkSyntax(statements: readonly ScriptStatement[]): Promise<ExitCause[]> {
  const verdicts: ExitCause[] = [];
  for (const statement of statements) {
    await parseScript(statement.sql).catch((thrown: unknown) => {
      reportError(thrown, statement);
      verdicts.push(verdictOf(thrown));
    });
  }
  if (verdicts.length > 0 && statements.length > 1) say('nothing was run');
  return verdicts;
}

/** The outcome of a script. */
export interface ScriptOutcome {
  readonly verdicts: readonly ExitCause[];
  /** The number of complete result sets. */
  readonly kept: number;
}

/** The number of a script's result sets: `count` have begun, `kept` are complete. */
interface Results {
  count: number;
  kept: number;
}

/** Runs the statements until one fails; with `keepGoing`, runs all of them. */
export async function runScript(settings: ScriptSettings): Promise<ScriptOutcome> {
  const { statements, sink, drain, keepGoing } = settings;
  const verdicts: ExitCause[] = [];
  const results: Results = { count: 0, kept: 0 };
  for (const [index, statement] of statements.entries()) {
    if (drain.aborted) break;
    try {
      const summary = await runStatement(settings, statement, index, results);
      verdicts.push(...verdictsOn(summary));
    } catch (thrown) {
      settings.progress.hide();
      await sink.rollback();
      if (drain.aborted && isCancelled(thrown)) {
        if (thrown.summary !== undefined) account(settings, index, thrown.summary, []);
        break;
      }
      reportError(thrown, statement);
      if (thrown instanceof RvbbitError && thrown.summary !== undefined) {
        account(settings, index, thrown.summary, []);
      }
      verdicts.push(verdictOf(thrown));
      if (!keepGoing) {
        if (index + 1 < statements.length) sayNotRun(statements.length - index - 1);
        break;
      }
    }
  }
  return { verdicts, kept: results.kept };
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
  results: Results,
): Promise<Summary> {
  const { engine, start, sink, signal, drain, format, resume } = settings;
  const params = bindParams(statement.sql, settings.params);
  const output = settings.printed(index) && statement.givesRows ? settings.output : undefined;
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
  if (prints && results.count++ > 0 && SINGLE_RESULT.has(format)) {
    throw new CliError(
      'usage',
      `${format} takes one result set and this is a second one`,
      '--last',
    );
  }
  const writer = prints ? start(columns, sink, settings.formatSettings) : undefined;
  for await (const row of stream) {
    // All rows of plain SQL exist by now, so that an interrupt can stop them only here.
    if (drain.aborted && !statement.dialect) throw cancelledError();
    const slower = writer?.row(row);
    if (slower !== undefined) await slower;
  }
  const summary = await stream.summary;
  settings.progress.hide();
  await writer?.end();
  await sink.keep();
  if (prints) results.kept += 1;
  return account(settings, index, summary, stream.notices);
}

/** Prints on stderr what a statement did. Returns the summary. */
function account(
  { stats, quiet, progress }: ScriptSettings,
  index: number,
  summary: Summary,
  notices: readonly Notice[],
): Summary {
  if (stats) process.stderr.write(`${JSON.stringify({ statement: index + 1, ...summary })}\n`);
  if (quiet) return summary;
  const ran = progress.last;
  const explained = (ran?.kind === 'explain' || ran?.kind === 'sql') && summary.rows.in === 0;
  if (ran !== undefined && ran.caller === summary.callerId && !explained) {
    const verb = ran.kind === 'run' ? 'RUN' : ran.kind === 'sql' ? 'SQL with' : 'MAP';
    for (const line of summaryLines(`${verb} ${ran.cascade}`, summary, notices)) say(line);
  } else {
    for (const { message } of notices) say(`note: ${message}`);
  }
  return summary;
}
