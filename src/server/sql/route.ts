/** Finds out who answers a statement: the server itself, a cursor, COPY, or the engine. */
import { splitStatements } from '../../../grammar/split.ts';
import { cannedCommand } from './canned.ts';
import type { Client } from './client.ts';
import type { Command } from './command.ts';
import { copyCommand } from './copy.ts';
import { cursorCommand } from './cursors.ts';
import { engineCommand } from './engine-command.ts';
import { preparedCommand } from './prepared-commands.ts';
import { setConfigCommand, settingCommand } from './setting-commands.ts';
import { transactionCommand } from './transaction-commands.ts';
import { counted } from './user-limits.ts';
import { Words } from './words.ts';

/** One statement of a text. */
export interface Routed {
  readonly text: string;
  /** Where the statement begins in the text that the client sent. */
  readonly start: number;
  readonly command: Command;
}

/** Routes the statements of a text. */
export function routeAll(source: string, client: Client): readonly Routed[] {
  return splitStatements(source).map(({ text, span }) => ({
    text,
    start: span.start,
    command: route(text, client),
  }));
}

/** Each returns the command of a statement that is its own, and undefined for any other. */
const ROUTES = [
  transactionCommand,
  settingCommand,
  preparedCommand,
  cursorCommand,
  copyCommand,
] as const;
const QUERY_ROUTES = [cannedCommand, setConfigCommand] as const;

/** Statements that the engine answers, but for a fact of the connection and `set_config`. */
const FOR_ENGINE = /^\s*(?:select|from|with|values|insert|update|delete)\b/i;

/** Routes one statement. A statement that is the server's own and is malformed throws when it is described or run. */
export function route(text: string, client: Client): Command {
  for (const commandOf of FOR_ENGINE.test(text) ? QUERY_ROUTES : ROUTES) {
    // A prepared statement runs again and again, and each time reads its words from the first.
    const again = () => commandOf(new Words(text), client, route);
    const command = again();
    if (command === undefined) continue;
    const { role, mayChange } = command;
    return {
      role,
      mayChange,
      describe: (signal, types) => (again() ?? command).describe(signal, types),
      run: (parameters, signal) => (again() ?? command).run(parameters, signal),
    };
  }
  return counted(engineCommand(text, client), client.parts.account);
}
