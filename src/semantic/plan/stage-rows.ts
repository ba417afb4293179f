/** Stages the rows of a query for the rest of the statement: every run then reads the same rows. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { countOf, nextStageName, temporary } from '../../duck/stage.ts';
import { passesOf } from '../find-answers.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import type { PlannedSql } from './planned-sql.ts';
import { baseTable, select, star } from './query-tree.ts';

/** A staged temp table of the statement. */
export interface StagedRows {
  readonly table: string;
  readonly rowCount: number;
  readonly columns: readonly string[];
  /** For each column: whether its type is a STRUCT. */
  readonly structs: readonly boolean[];
}

/** Runs the query until no answer is missing, and stages its rows in their order. */
export function stageRows(run: SemanticQuery, query: PlannedSql): Promise<StagedRows> {
  return stagedBy(run, query, (text) => passesOf(run, text));
}

/** Stages the rows of the query, which `execute` runs. */
export async function stagedBy(
  run: SemanticQuery,
  query: PlannedSql,
  execute: (text: PlannedSql) => Promise<unknown>,
): Promise<StagedRows> {
  const { session, stop } = run.statement;
  const table = nextStageName();
  const name = temporary(table);
  run.stages.push(name);
  const before = `CREATE OR REPLACE TEMP TABLE ${name} AS `;
  const text = `${before}${query.text}`;
  run.report.sql.push(text);
  await execute({ ...query, text, before, stages: true });
  const { columns } = await session.run(`FROM ${name} LIMIT 0`, { signal: stop.signal });
  return {
    table,
    rowCount: await countOf(session, `SELECT count(*) FROM ${name}`, { signal: stop.signal }),
    columns: columns.map((column) => column.name),
    structs: columns.map(({ type }) => type.startsWith('STRUCT')),
  };
}

/** `SELECT * FROM` the staged table. */
export function selectStaged({ table }: Pick<StagedRows, 'table'>): SqlNode {
  return select([star()], baseTable(table), null);
}
