/** Executes a RUN plan and delivers its result, to the caller or into a table. */

import {
  cascadeNotices,
  type Delivered,
  endNotices,
  limitNotice,
  NOTHING,
  shadowNotice,
} from '../deliver/delivered.ts';
import { isInTransaction } from '../duck/in-transaction.ts';
import { quoteIdentifier, quoteLiteral } from '../duck/quote.ts';
import { RvbbitError } from '../errors.ts';
import { executeRun, type RunReport } from '../execute/execute-run.ts';
import { mayWrite, targetsOf } from '../execute/may-write.ts';
import { writingHead, writingSql } from '../execute/staged-rows.ts';
import type { StatementWithCascade } from '../execute/statement.ts';
import type { RunPlan } from '../plan/plan.ts';
import type { ResultField } from '../plan/result-fields.ts';
import { schemaSql } from '../plan/schema-name.ts';
import { typedColumns, typedValue } from '../plan/typed-value.ts';
import type { Notice, ResultColumn } from '../result.ts';

export async function deliverRun(
  plan: RunPlan,
  statement: StatementWithCascade,
): Promise<Delivered> {
  const { report, cut, shadows, advisories } = await executeRun(plan, statement);
  const notices: Notice[] = [
    ...cascadeNotices(statement.cascade.warnings),
    ...advisories.notices(),
  ];
  if (cut && plan.limit.source === 'default') notices.push(limitNotice('run'));
  if (shadows) notices.push(shadowNotice(plan.asTable));
  const { target, fields, returningTables } = plan;
  const head = writingHead(target);
  notices.push(...endNotices(statement, head !== undefined));
  const writes = await mayWrite(statement, targetsOf(target, statement));
  await keepTables(plan, report, statement);
  // A table that is left now would make the statement fail when it is run again.
  if (head !== undefined && !writes) return { ...NOTHING, notices };
  const isReport = fields === undefined && returningTables === undefined;
  if (head === undefined && isReport) {
    // The JSON is known without a query.
    const columns = runColumns(plan);
    const rows = [{ [plan.resultColumn]: JSON.stringify(report) }];
    return { columns, rows, rowCount: 1, notices };
  }
  const { session, stop, valueForm } = statement;
  const { signal } = stop;
  const query = await resultQuery(plan, report, statement);
  if (head !== undefined) {
    const { changes } = await session.run(writingSql(target, head, query), { signal });
    return { columns: [], rows: [], rowCount: changes ?? 1, notices };
  }
  const reader = await session.run(query, { signal });
  const rows = await reader.rows(valueForm);
  const columns = reader.columns.map(({ name, type }) => ({ name, type }));
  return { columns, rows, rowCount: rows.length, notices };
}

/** Moves the tables of a successful run into the schema that the statement names: all tables or none. */
async function keepTables(
  { schema }: RunPlan,
  { status, tables }: RunReport,
  { session, stop }: StatementWithCascade,
): Promise<void> {
  if (schema === undefined || status !== 'success' || tables.length === 0) return;
  const isOwn = !(await isInTransaction(session));
  const moves = tables.flatMap((table) => {
    const name = quoteIdentifier(table);
    return [
      `CREATE OR REPLACE TABLE ${schemaSql(schema)}.${name} AS FROM temp.main.${name}`,
      `DROP TABLE temp.main.${name}`,
    ];
  });
  const text = [...(isOwn ? ['BEGIN'] : []), ...moves, ...(isOwn ? ['COMMIT'] : [])].join(';\n');
  await session.run(text, { signal: stop.signal }).catch(async (thrown: unknown) => {
    if (isOwn) await session.run('ROLLBACK').catch(() => undefined);
    throw thrown;
  });
}

/** Returns the columns of a RUN's result. */
export function runColumns({
  fields,
  returningTables,
  resultColumn,
}: RunPlan): readonly ResultColumn[] {
  if (returningTables !== undefined) {
    return [
      { name: 'table_name', type: 'VARCHAR' },
      { name: 'row_count', type: 'BIGINT' },
      { name: 'columns', type: 'VARCHAR[]' },
    ];
  }
  return (
    fields?.map(({ name, type }) => ({ name, type })) ?? [{ name: resultColumn, type: 'VARCHAR' }]
  );
}

/** Returns a query for the result. Throws if the run failed and the result has no place to say so. */
async function resultQuery(
  plan: RunPlan,
  report: RunReport,
  statement: StatementWithCascade,
): Promise<string> {
  const { fields, returningTables, resultColumn } = plan;
  if (fields === undefined && returningTables === undefined) {
    return `SELECT ${quoteLiteral(JSON.stringify(report))} AS ${quoteIdentifier(resultColumn)}`;
  }
  const { error, outputs, tables } = report;
  if (error !== undefined) throw new RvbbitError(error.code, error.message, { stage: 'execute' });
  if (fields !== undefined) return outputsQuery(fields, JSON.stringify(outputs));
  return tablesQuery(plan, tables, statement);
}

/** Returns a query for one row of the cells' outputs. */
function outputsQuery(fields: readonly ResultField[], outputs: string): string {
  const converted = typedValue(fields, outputs);
  if ('error' in converted) {
    const { code, message } = converted.error;
    throw new RvbbitError(code, message, { stage: 'deliver' });
  }
  const list = typedColumns(fields, 'v').join(', ');
  return `SELECT ${list} FROM (SELECT ${quoteLiteral(converted.value)} AS v)`;
}

/** Returns a query with one row for each table that the cascade made, or only for the wanted tables if names are given. */
async function tablesQuery(
  plan: RunPlan,
  made: readonly string[],
  { session, stop }: StatementWithCascade,
): Promise<string> {
  const { returningTables: wanted = [], schema } = plan;
  const isSame = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
  const missing = wanted.find((name) => !made.some((table) => isSame(table, name)));
  if (missing !== undefined) {
    const what = made.length === 0 ? 'it made none' : `it made ${made.join(', ')}`;
    throw new RvbbitError('RVB_SQL', `the run made no table ${missing}; ${what}`, {
      stage: 'deliver',
      sqlState: '42P01',
    });
  }
  const names = wanted.length === 0 ? made : made.filter((t) => wanted.some((n) => isSame(n, t)));
  const nulls = runColumns(plan).map(({ name, type }) => `CAST(NULL AS ${type}) AS ${name}`);
  const parts: string[] = [`SELECT ${nulls.join(', ')} WHERE false`];
  for (const name of names) {
    const table = `${schema === undefined ? '' : `${schemaSql(schema)}.`}${quoteIdentifier(name)}`;
    const its = await session.describe(`FROM ${table}`, { signal: stop.signal });
    const list = its.map((column) => quoteLiteral(column.name)).join(', ');
    parts.push(`SELECT ${quoteLiteral(name)}, (SELECT count(*) FROM ${table}), [${list}]`);
  }
  return parts.join('\nUNION ALL ');
}
