/** The table of the shell's commands. */
import type { ShellCommand } from './command.ts';
import { all } from './commands/all.ts';
import { cascades } from './commands/cascades.ts';
import { cost } from './commands/cost.ts';
import { describe } from './commands/describe.ts';
import { expanded } from './commands/expanded.ts';
import { explain } from './commands/explain.ts';
import { help } from './commands/help.ts';
import { mode } from './commands/mode.ts';
import { open } from './commands/open.ts';
import { operators } from './commands/operators.ts';
import { output } from './commands/output.ts';
import { pager } from './commands/pager.ts';
import { quit } from './commands/quit.ts';
import { read } from './commands/read.ts';
import { schema } from './commands/schema.ts';
import { tables } from './commands/tables.ts';
import { timer } from './commands/timer.ts';

/** All commands, in the order of `.help`. */
export const COMMANDS: readonly ShellCommand[] = [
  help,
  tables,
  describe,
  schema,
  cascades,
  operators,
  explain,
  cost,
  open,
  read,
  output,
  mode,
  expanded,
  all,
  pager,
  timer,
  quit,
];

/** Returns the command of a name; undefined if there is none. Names of DuckDB's shell may be written in any case. */
export function commandNamed(name: string): ShellCommand | undefined {
  const spelt = name.startsWith('.') ? name.toLowerCase() : name;
  return COMMANDS.find(({ names }) => names.includes(spelt));
}
