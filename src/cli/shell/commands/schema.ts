import { visibleLines } from '../../text/escape.ts';
import { onlyWord } from '../arguments.ts';
import type { ShellCommand } from '../command.ts';
import { refuseNone } from './tables.ts';

/** All statements that make something, tables before what stands on them. */
const SQL = `
  SELECT sql FROM (
    SELECT 1 AS place, table_name AS name, sql FROM duckdb_tables() WHERE NOT internal
    UNION ALL
    SELECT 2, view_name, sql FROM duckdb_views() WHERE NOT internal
    UNION ALL
    SELECT 3, table_name, sql FROM duckdb_indexes() WHERE sql IS NOT NULL
  ) WHERE $1 IS NULL OR name ILIKE $1 ORDER BY place, name, sql`;

/** `.schema`: shows CREATE statements. */
export const schema: ShellCommand = {
  names: ['.schema'],
  usage: '[TABLE]',
  help: 'the CREATE statements of tables, views and indexes; % stands for any text',
  completes: 'tables',
  async run(shell, argument) {
    const pattern = onlyWord(argument, '.schema [TABLE]') ?? null;
    const { rows } = await shell.query(SQL, [pattern]);
    if (rows.length === 0) refuseNone(pattern);
    const texts = rows.map(({ sql }) => visibleLines(String(sql)).replace(/;?\s*$/, ';\n'));
    await shell.write(texts.join(''));
  },
};
