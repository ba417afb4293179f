/** What stands around a MAP or RUN: the table that its result goes to, checked before anything runs. */
import type {
  CreateTableStatement,
  InsertStatement,
  MapStatement,
  QualifiedName,
  RunStatement,
} from '../../grammar/ast.ts';
import { quoteIdentifier } from '../duck/quote.ts';
import type { Session } from '../duck/session.ts';
import { RvbbitError } from '../errors.ts';
import type { StatementScope } from '../execute/statement-env.ts';
import type { MapTarget } from '../plan/plan.ts';

/** A statement that runs a cascade. */
export type CascadeStatement = MapStatement | RunStatement | CreateTableStatement | InsertStatement;

export interface ResolvedTarget {
  readonly body: MapStatement | RunStatement;
  readonly target: MapTarget;
  /** CREATE TABLE IF NOT EXISTS of a table that exists: there is nothing to do. */
  readonly done: boolean;
}

export async function resolveTarget(
  statement: CascadeStatement,
  { session, stop: { signal } }: Pick<StatementScope, 'session' | 'stop'>,
): Promise<ResolvedTarget> {
  switch (statement.kind) {
    case 'Map':
    case 'Run':
      return { body: statement, target: { kind: 'rows' }, done: false };
    case 'CreateTable': {
      const exists = await tableExists(session, statement.table, signal);
      if (exists && !statement.orReplace && !statement.ifNotExists) {
        throw new RvbbitError(
          'RVB_SQL',
          `table ${sqlName(statement.table)} exists already; say CREATE OR REPLACE TABLE, or drop it first`,
          { stage: 'bind', sqlState: '42P07' },
        );
      }
      return {
        body: statement.body,
        target: { kind: 'create', create: createSql(statement) },
        done: exists && statement.ifNotExists,
      };
    }
    case 'Insert': {
      const { table, columns } = statement;
      const list =
        columns === undefined
          ? ''
          : ` (${columns.map(({ value }) => quoteIdentifier(value)).join(', ')})`;
      // Fails where DuckDB would, with its own words, but before a cascade has run.
      await session.describe(
        `SELECT ${list === '' ? '*' : list.slice(2, -1)} FROM ${sqlName(table)}`,
        {
          signal,
        },
      );
      return {
        body: statement.body,
        target: { kind: 'insert', insert: `INSERT INTO ${sqlName(table)}${list}` },
        done: false,
      };
    }
  }
}

function createSql(statement: CreateTableStatement): string {
  return [
    'CREATE',
    ...(statement.orReplace ? ['OR REPLACE'] : []),
    ...(statement.temporary ? ['TEMP'] : []),
    'TABLE',
    ...(statement.ifNotExists ? ['IF NOT EXISTS'] : []),
    sqlName(statement.table),
    'AS',
  ].join(' ');
}

function sqlName(name: QualifiedName): string {
  return name.parts.map(({ value }) => quoteIdentifier(value)).join('.');
}

async function tableExists(
  session: Session,
  name: QualifiedName,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await session.describe(`SELECT * FROM ${sqlName(name)}`, { signal });
    return true;
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return false;
  }
}
