/** Opens the shell on the terminal. */
import { packageVersion } from '../../util/version.ts';
import type { ExitCause } from '../exit-codes.ts';
import { type FormatName, loadFormat } from '../format/format.ts';
import type { FormatSettings } from '../format/writer.ts';
import type { CliOptions } from '../options.ts';
import { readParams } from '../params.ts';
import { ProgressView } from '../progress-view.ts';
import { reportError } from '../report.ts';
import type { Workspace } from '../run-script.ts';
import { cutScript, readScript, type ScriptPart } from '../script.ts';
import { openEngine } from '../session.ts';
import { say, stdoutStyle } from '../stderr.ts';
import { CommandRunner } from './command-runner.ts';
import { complete } from './complete.ts';
import { highlight } from './highlight.ts';
import { History, historyFile } from './history.ts';
import { pagerCommand } from './pager.ts';
import { Reader } from './reader.ts';
import { ScreenSink } from './screen-sink.ts';
import { startScreenTable } from './screen-table.ts';

/** The time that work in flight has to end after Ctrl-C: rows that are about to end are kept. */
const GRACE_MS = 300;

/** Runs what is typed until the user ends it. Returns the exit code. Throws a `CliError` if the database cannot be opened. */
export async function openShell(database: string, options: CliOptions): Promise<number> {
  const params = readParams(options.param);
  const first =
    options.init === undefined ? [] : await readScript([{ kind: 'file', path: options.init }]);
  const engine = await openEngine(options, database);
  const running = new RunningStatement(() => workspace.progress.stepAside());
  const output = process.stdout;
  const screen: ScreenSink = new ScreenSink({
    output,
    pagerCommand: pagerCommand(process.env),
    beforeText: () => workspace.progress.stepAside(),
    beforePager: () => workspace.progress.hide(),
    onPagerEnd: () => running.stop(),
  });
  const startTable = (
    columns: Parameters<typeof startScreenTable>[0],
    _sink: unknown,
    settings: FormatSettings,
  ) => startScreenTable(columns, screen, { ...settings, columns: output.columns });
  const format: FormatName = options.format === 'parquet' ? 'table' : (options.format ?? 'table');
  const workspace: Workspace = {
    engine,
    progress: new ProgressView(engine.events, options.quiet ? 'none' : 'bar'),
    format,
    start: format === 'table' ? startTable : await loadFormat(format),
    formatSettings: {
      all: options.all ?? false,
      columns: undefined,
      dim: (text) => stdoutStyle('dim', text),
    },
    sink: screen,
    output: undefined,
    results: { count: 0, kept: 0 },
    isScreen: true,
    isTimed: false,
    isOver: false,
  };
  const pager = screen.pagerSwitch;
  const runner = new CommandRunner({ workspace, options, database, params, startTable, pager });
  const reader = new Reader({
    input: process.stdin,
    output,
    history: new History(historyFile(process.env)),
    complete: (text) => complete(runner, text),
    highlight: stdoutStyle('dim', 'x') === 'x' ? undefined : highlight,
  });
  const onSignal = () => {
    if (screen.isPaging) return;
    if (running.isRunning) running.stop();
    else reader.interrupt();
  };
  process.on('SIGINT', onSignal);
  const run = (parts: readonly ScriptPart[]): Promise<ExitCause[]> =>
    running.during(({ signal, drain }) =>
      runner.runScript({
        workspace,
        parts,
        params,
        printed: () => true,
        signal,
        drain,
        resume: {},
        keepGoing: true,
        stats: options.stats ?? false,
        quiet: options.quiet ?? false,
      }),
    );
  try {
    if (options.silent !== true) await greet(database, options);
    await run(first);
    while (!workspace.isOver) {
      const text = await reader.next();
      if (text === undefined) {
        output.write('\n');
        break;
      }
      await run(cutScript(text));
      if (running.wasStopped) reader.drop();
    }
  } finally {
    process.off('SIGINT', onSignal);
    reader.close();
    await runner.endOutput().catch(reportError);
    workspace.progress.close();
    await workspace.engine.close();
  }
  return 0;

  async function greet(path: string, { readonly }: CliOptions): Promise<void> {
    const { rows } = await engine.query('SELECT version() AS version', undefined, {
      origin: 'cli',
    });
    const where =
      path === ':memory:'
        ? 'in memory: nothing is kept; .open FILE opens a database'
        : `${path}${readonly === true ? ', read-only' : ''}`;
    const lines = [
      `rvbbit ${packageVersion()}, DuckDB ${String(rows[0]?.['version'])}, ${where}`,
      'A statement ends with ;  .help lists the commands, .quit ends the shell.',
    ];
    output.write(`${lines.map((line) => stdoutStyle('dim', line)).join('\n')}\n`);
  }
}

/** The statement that runs, and the way to stop it. */
class RunningStatement {
  #stop: { readonly drain: AbortController; readonly signal: AbortController } | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #beforeText: () => void;
  wasStopped = false;

  /** `beforeText` removes the progress bar. */
  constructor(beforeText: () => void) {
    this.#beforeText = beforeText;
  }

  get isRunning(): boolean {
    return this.#stop !== undefined;
  }

  /** Runs statements that `stop` stops. */
  async during<T>(
    work: (stops: { readonly drain: AbortSignal; readonly signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const drain = new AbortController();
    const signal = new AbortController();
    this.#stop = { drain, signal };
    this.wasStopped = false;
    try {
      return await work({ drain: drain.signal, signal: signal.signal });
    } finally {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#stop = undefined;
    }
  }

  /** Lets no further row begin, and soon after ends what is in flight. */
  stop(): void {
    const stop = this.#stop;
    if (stop === undefined) return;
    if (!this.wasStopped) {
      this.#beforeText();
      say('stopping the statement');
    }
    this.wasStopped = true;
    stop.drain.abort();
    this.#timer ??= setTimeout(() => stop.signal.abort(), GRACE_MS);
  }
}
