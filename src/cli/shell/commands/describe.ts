import { quoteIdentifier } from '../../../duck/quote.ts';
import type { ShellCommand } from '../command.ts';
import { tables } from './tables.ts';

const NAME = /^(?:"(?:[^"]|"")+"|[^\s."']+)(?:\.(?:"(?:[^"]|"")+"|[^\s."']+))*$/;

/** `\d TABLE`: shows the columns of a table. */
export const describe: ShellCommand = {
  names: ['.describe', '\\d', '\\d+'],
  usage: '[TABLE]',
  help: "the columns of a table, a view or a 'file'; without a name, all tables",
  completes: 'tables',
  async run(shell, argument) {
    if (argument === '') return tables.run(shell, '');
    const { columns, rows } = await shell.query(`DESCRIBE FROM ${sourceOf(argument)}`);
    const shown = columns.filter(({ name }) => !/^(?:key|default|extra)$/.test(name));
    await shell.print(Object.fromEntries(shown.map(({ name, type }) => [name, type])), rows);
  },
};

/** Returns a name, each part quoted, or a quoted file as it is. */
function sourceOf(argument: string): string {
  if (/^'(?:[^']|'')*'$/.test(argument)) return argument;
  if (!NAME.test(argument)) return quoteIdentifier(argument);
  const parts = argument.match(/"(?:[^"]|"")+"|[^."]+/g) ?? [];
  return parts.map((part) => (part.startsWith('"') ? part : quoteIdentifier(part))).join('.');
}
