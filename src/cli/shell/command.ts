/** What a command of the shell is, and what it may use. */
import type { Parameters } from '../../duck/parameters.ts';
import type { QueryResult, Row } from '../../result.ts';
import type { FormatName } from '../format/format.ts';
import type { CliOptions } from '../options.ts';
import type { ParamValues } from '../params.ts';
import type { Report } from '../print-rows.ts';
import type { Workspace } from '../run-script.ts';

/** A command such as `.tables`. */
export interface ShellCommand {
  /** All spellings: those of DuckDB's shell, which begin with a dot, and those of psql. */
  readonly names: readonly [string, ...string[]];
  /** The argument as help shows it; empty if the command takes none. */
  readonly usage: string;
  readonly help: string;
  /** What completion offers for the argument. */
  readonly completes?: 'files' | 'tables' | readonly string[];
  /** `argument` is the rest of the line. Throws a `CliError` for an argument that the command does not take. */
  run(shell: Shell, argument: string): Promise<void>;
}

/** The shell, as commands see it. */
export interface Shell {
  readonly commands: readonly ShellCommand[];
  readonly options: CliOptions;
  readonly params: ParamValues;
  readonly workspace: Workspace;
  /** The path of the open database. */
  readonly database: string;
  /** The statement that was run last. */
  readonly lastStatement: string | undefined;
  /** The use of a pager; undefined without a terminal. */
  readonly pager: { isOn: boolean } | undefined;
  /** Runs SQL of a command. Rows come in the `json` form. */
  query(sql: string, parameters?: Parameters): Promise<QueryResult>;
  /** Prints rows in the format, to the output. */
  print(columns: Report['columns'], rows: readonly Row[]): Promise<void>;
  /** Writes text to the output. */
  write(text: string): Promise<void>;
  /** Runs the statements and commands of a file. */
  runFile(path: string): Promise<void>;
  setFormat(format: FormatName): Promise<void>;
  /** Sends results to a file from now on; without a path, back to where they went before. */
  setOutput(path: string | undefined): Promise<void>;
  /** Opens another database in place of the open one. */
  open(database: string, readOnly: boolean): Promise<void>;
}
