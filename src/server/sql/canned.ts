/** Queries for a single fact of the connection, which tools send when they connect. */
import { packageVersion } from '../../util/version.ts';
import type { Client } from './client.ts';
import { type Command, knownCommand, rowsOf } from './command.ts';
import { SERVER_VERSION } from './settings.ts';
import type { Words } from './words.ts';

const CALL = /^\s*select\s+(?:pg_catalog\.)?(\w+)\s*(\(\s*\))?(?:\s+as\s+"?(\w+)"?)?\s*$/i;

/** The facts by the name of their function, and whether the name is followed by brackets. */
const FACTS: Readonly<
  Record<
    string,
    {
      readonly of: (client: Client) => unknown;
      readonly hasBrackets: boolean;
      readonly type?: string;
    }
  >
> = {
  version: { hasBrackets: true, of: () => versionText() },
  current_database: { hasBrackets: true, of: ({ parts }) => parts.database },
  current_catalog: { hasBrackets: false, of: ({ parts }) => parts.database },
  current_user: { hasBrackets: false, of: ({ parts }) => parts.user },
  session_user: { hasBrackets: false, of: ({ parts }) => parts.user },
  user: { hasBrackets: false, of: ({ parts }) => parts.user },
  pg_backend_pid: { hasBrackets: true, of: ({ parts }) => parts.processId, type: 'INTEGER' },
};

export function cannedCommand({ text }: Words, client: Client): Command | undefined {
  const [all, name = '', brackets, alias] = CALL.exec(text) ?? [];
  const fact = all === undefined ? undefined : FACTS[name.toLowerCase()];
  if (fact === undefined || fact.hasBrackets !== (brackets !== undefined)) return undefined;
  const column = alias ?? name.toLowerCase();
  const columns = [{ name: column, type: fact.type ?? 'VARCHAR' }];
  return knownCommand(columns, () => rowsOf(columns, [{ [column]: fact.of(client) }], 'SELECT'));
}

/** Returns the text of version(), in the form in which clients look for the version of PostgreSQL. */
export function versionText(): string {
  return `PostgreSQL ${SERVER_VERSION} (rvbbit ${packageVersion()} on DuckDB)`;
}
