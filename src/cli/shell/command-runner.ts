/** Runs commands such as `.tables` on a workspace: in the shell, and in the scripts of `-c`, `-f` and standard input. */
import { nearestSpelling } from '../../../grammar/spelling.ts';
import type { Parameters } from '../../duck/parameters.ts';
import type { QueryResult, Row } from '../../result.ts';
import { CliError, type ExitCause } from '../exit-codes.ts';
import { chooseFormat } from '../format/choose-format.ts';
import { type FormatName, loadFormat, type StartResult } from '../format/format.ts';
import type { CliOptions } from '../options.ts';
import type { ParamValues } from '../params.ts';
import type { Report } from '../print-rows.ts';
import { ProgressView } from '../progress-view.ts';
import { beginResult, runScript, type ScriptSettings, type Workspace } from '../run-script.ts';
import { isCommand, readScript, type ScriptCommand } from '../script.ts';
import { openEngine } from '../session.ts';
import { FileSink } from '../sink/file-sink.ts';
import { say } from '../stderr.ts';
import type { Shell } from './command.ts';
import { COMMANDS, commandNamed } from './commands.ts';

/** The number of files that may be read within each other. */
const MAX_DEPTH = 16;

/** What a runner works with. */
interface RunnerSettings {
  readonly workspace: Workspace;
  readonly options: CliOptions;
  readonly database: string;
  readonly params: ParamValues;
  /** Begins a table on the terminal, in place of the format's own way. */
  readonly startTable?: StartResult;
  readonly pager?: { isOn: boolean };
}

/** The parts of a workspace that `.output` replaces. */
type Destination = Pick<
  Workspace,
  'sink' | 'output' | 'results' | 'isScreen' | 'format' | 'start' | 'formatSettings'
>;

/** Runs one command at a time. */
export class CommandRunner implements Shell {
  readonly commands = COMMANDS;
  readonly workspace: Workspace;
  readonly options: CliOptions;
  readonly params: ParamValues;
  readonly pager: { isOn: boolean } | undefined;
  readonly #startTable: StartResult | undefined;
  #database: string;
  #lastStatement: string | undefined;
  /** Where results went before `.output`. */
  #before: Destination | undefined;
  #script: ScriptSettings | undefined;
  #verdicts: readonly ExitCause[] = [];
  #depth = 0;

  constructor(settings: RunnerSettings) {
    this.workspace = settings.workspace;
    this.options = settings.options;
    this.params = settings.params;
    this.pager = settings.pager;
    this.#database = settings.database;
    this.#startTable = settings.startTable;
  }

  get database(): string {
    return this.#database;
  }

  get lastStatement(): string | undefined {
    return this.#lastStatement;
  }

  /** Runs a script whose commands this runner runs. Returns the verdicts. */
  async runScript(settings: Omit<ScriptSettings, 'runCommand'>): Promise<ExitCause[]> {
    const verdicts = await runScript({
      ...settings,
      runCommand: (command, within) => this.run(command, within),
    });
    const last = settings.parts.findLast((part) => !isCommand(part));
    if (last !== undefined && !isCommand(last)) this.#lastStatement = last.sql.trim();
    return verdicts;
  }

  /** Runs a command of a script. Returns the verdicts on the statements that it ran. Throws a `CliError`. */
  async run(part: ScriptCommand, script: ScriptSettings): Promise<readonly ExitCause[]> {
    const [, name = '', rest = ''] = /^([.\\][^\s;]*)(.*)$/s.exec(part.command) ?? [];
    const command = commandNamed(name);
    if (command === undefined) throw unknownCommand(name);
    const before = script.parts
      .slice(0, script.parts.indexOf(part))
      .findLast((at) => !isCommand(at));
    if (before !== undefined && !isCommand(before)) this.#lastStatement = before.sql.trim();
    this.#script = script;
    this.#verdicts = [];
    await command.run(this, rest.trim().replace(/[\s;]+$/, ''));
    return this.#verdicts;
  }

  async query(sql: string, parameters?: Parameters): Promise<QueryResult> {
    const signal = this.#script?.signal;
    return this.workspace.engine.query(sql, parameters, {
      valueForm: 'json',
      origin: 'cli',
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async print(columns: Report['columns'], rows: readonly Row[]): Promise<void> {
    const { start, results, sink } = this.workspace;
    if (start === undefined) throw new CliError('usage', 'a report is not written as parquet');
    const list = Object.entries(columns).map(([name, type]) => ({ name, type }));
    const writer = beginResult(this.workspace, start, list);
    for (const row of rows) await writer.row(row);
    await writer.end();
    await sink.keep();
    results.kept += 1;
  }

  async write(text: string): Promise<void> {
    await this.workspace.sink.write(text);
    await this.workspace.sink.keep();
    this.workspace.results.kept += 1;
  }

  async runFile(path: string): Promise<void> {
    const script = this.#script!;
    if (this.#depth >= MAX_DEPTH) {
      throw new CliError('usage', `${path}: ${MAX_DEPTH} files read each other`);
    }
    const parts = await readScript([{ kind: 'file', path }]);
    this.#depth++;
    try {
      // `--last` counts the parts of the outer script.
      const printed = this.options.last === true ? () => false : () => true;
      this.#verdicts = await this.runScript({ ...script, parts, printed });
    } finally {
      this.#depth--;
      this.#script = script;
    }
  }

  async setFormat(format: FormatName): Promise<void> {
    const { workspace } = this;
    if (format === 'parquet') throw parquetError();
    const onScreen = format === 'table' && workspace.output === undefined;
    workspace.start = (onScreen ? this.#startTable : undefined) ?? (await loadFormat(format));
    workspace.format = format;
  }

  async setOutput(path: string | undefined): Promise<void> {
    if (path === undefined) return this.endOutput();
    const { workspace, options } = this;
    const { format: _, ...rest } = options;
    const format = /\.[a-z]+$/i.test(path)
      ? chooseFormat({ ...rest, output: path })
      : workspace.format;
    if (format === 'parquet') throw parquetError();
    const sink = await FileSink.open(path, () => {});
    await this.endOutput();
    const { output, results, isScreen, start, formatSettings } = workspace;
    this.#before = {
      sink: workspace.sink,
      output,
      results,
      isScreen,
      format: workspace.format,
      start,
      formatSettings,
    };
    workspace.sink = sink;
    workspace.output = path;
    workspace.results = { count: 0, kept: 0 };
    workspace.isScreen = false;
    workspace.formatSettings = { all: true, columns: undefined, dim: (text) => text };
    await this.setFormat(format);
    if (this.options.quiet !== true) say(`results go to ${path} as ${format}, until .output`);
  }

  /** Completes the file of `.output`, if there is one. */
  async endOutput(): Promise<void> {
    const { workspace } = this;
    const { sink, output, results } = workspace;
    if (this.#before === undefined) return;
    Object.assign(workspace, this.#before);
    this.#before = undefined;
    if (results.kept === 0) {
      await sink.discard();
      say(`${output} is not written, because there was no result`);
      return;
    }
    await sink.close();
    if (this.options.quiet !== true) say(`wrote ${output}`);
  }

  async open(database: string, readOnly: boolean): Promise<void> {
    const { workspace } = this;
    const { readonly: _, ...options } = this.options;
    const engine = await openEngine(
      { ...options, ...(readOnly ? { readonly: true } : {}) },
      database,
    );
    workspace.progress.close();
    await workspace.engine.close();
    workspace.engine = engine;
    workspace.progress = new ProgressView(engine.events, workspace.progress.mode);
    this.#database = database;
  }
}

function parquetError(): CliError {
  const hint = "COPY (SELECT …) TO 'result.parquet', or rvbbit -c 'SELECT …' -o result.parquet";
  return new CliError('usage', 'the shell does not write parquet', hint);
}

function unknownCommand(name: string): CliError {
  // psql's names of two letters are all near to each other, and mean different things.
  const names = COMMANDS.flatMap((command) => command.names);
  const near = /^\\..?$/.test(name) ? undefined : nearestSpelling(name, names);
  const hint = near === undefined ? '.help lists the commands' : `did you mean ${near}?`;
  return new CliError('usage', `there is no command ${name}`, hint);
}
