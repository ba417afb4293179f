import { CliError } from '../../exit-codes.ts';
import { say } from '../../stderr.ts';
import { onlyWord } from '../arguments.ts';
import type { ShellCommand } from '../command.ts';

/** Tables and views. A name of another database or schema has their names before it. */
const SQL = `
  SELECT concat_ws('.',
      CASE WHEN database_name NOT IN (current_database(), 'temp') THEN database_name END,
      CASE WHEN schema_name <> 'main' THEN schema_name END, name) AS name,
    kind, columns, rows
  FROM (
    SELECT database_name, schema_name, table_name AS name,
      if(temporary, 'temp table', 'table') AS kind, column_count AS columns, estimated_size AS rows
    FROM duckdb_tables() WHERE NOT internal
    UNION ALL
    SELECT database_name, schema_name, view_name, 'view', column_count, NULL
    FROM duckdb_views() WHERE NOT internal
  ) WHERE $1 IS NULL OR name ILIKE $1 ORDER BY ALL`;

/** `.tables`: lists tables and views. */
export const tables: ShellCommand = {
  names: ['.tables', '\\dt'],
  usage: '[NAME]',
  help: 'the tables and views; % in the name stands for any text',
  completes: 'tables',
  async run(shell, argument) {
    const pattern = onlyWord(argument, '.tables [NAME]') ?? null;
    const { columns, rows } = await shell.query(SQL, [pattern]);
    if (rows.length === 0) return refuseNone(pattern);
    await shell.print(Object.fromEntries(columns.map(({ name, type }) => [name, type])), rows);
  },
};

/** Says that a database has no table, or throws a usage error for a pattern that fits none. */
export function refuseNone(pattern: string | null): void {
  if (pattern !== null) {
    throw new CliError('usage', `no table or view is called ${pattern}`, '.tables lists them');
  }
  say('there are no tables');
}
