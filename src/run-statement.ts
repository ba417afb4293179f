/** The way of a statement. Those that run a cascade have a file of their own, which plain SQL starts without. */
import type { SqlStatement, Statement } from '../grammar/ast.ts';
import type { Explained } from './deliver/deliver-explain.ts';
import { type Delivered, deliverReader } from './deliver/delivered.ts';
import { type StreamHead, streamReader } from './deliver/stream-rows.ts';
import { ResultReader } from './duck/reader.ts';
import { RvbbitError } from './errors.ts';
import type { StatementScope } from './execute/statement-env.ts';
import type { Row } from './result.ts';
import { type StatementContext, textOf } from './statement-context.ts';

/** Runs a statement to its end. */
export async function runStatement(
  statement: Statement,
  scope: StatementScope,
  context: StatementContext,
): Promise<Delivered> {
  switch (statement.kind) {
    case 'Sql':
      return runSqlStatement(statement, scope, context);
    case 'Explain': {
      const explained = await explainStatement(statement, scope, context);
      const { deliverExplain } = await import('./deliver/deliver-explain.ts');
      return deliverExplain(explained, statement.format);
    }
    case 'Map':
    case 'Run':
    case 'CreateTable':
    case 'Insert': {
      const { runCascadeStatement } = await import('./run-cascade-statement.ts');
      return runCascadeStatement(statement, scope, context);
    }
    case 'ShowJobs':
    case 'AwaitJob':
    case 'CancelJob':
      throw unsupported('a statement about jobs');
  }
}

/** Runs a statement and yields its rows in order: those of a MAP as they become known. */
export async function* streamStatement(
  statement: Statement,
  scope: StatementScope,
  context: StatementContext,
  onHead: (head: StreamHead) => void,
): AsyncGenerator<Row, void> {
  const { signal } = scope.stop;
  if (statement.kind === 'Map') {
    const { streamMapStatement } = await import('./run-cascade-statement.ts');
    yield* streamMapStatement(statement, scope, context, onHead);
  } else if (statement.kind === 'Sql') {
    const result = await plainOrSemantic(statement, scope, context);
    if (result instanceof ResultReader) {
      onHead({ columns: result.columns, notices: [], signal });
      yield* streamReader(result, context.valueForm);
    } else {
      onHead({ columns: result.columns, notices: result.notices, signal });
      yield* result.rows;
    }
  } else {
    const { columns, notices, rows } = await runStatement(statement, scope, context);
    onHead({ columns, notices, signal });
    yield* rows;
  }
}

/** Reads and counts what a statement would do; an EXPLAIN ANALYZE runs it as well. */
export async function explainStatement(
  statement: Statement,
  scope: StatementScope,
  context: StatementContext,
): Promise<Explained> {
  const inner = statement.kind === 'Explain' ? statement.body : statement;
  switch (inner.kind) {
    case 'Map':
    case 'Run':
    case 'CreateTable':
    case 'Insert': {
      const { explainCascadeStatement } = await import('./run-cascade-statement.ts');
      return explainCascadeStatement(inner, statement, scope, context);
    }
    case 'Sql': {
      const { explainSemanticStatement } = await import('./run-semantic-statement.ts');
      const explained = await explainSemanticStatement(inner, scope, context);
      if (explained !== undefined) return explained;
      break;
    }
    default:
  }
  throw new RvbbitError(
    'RVB_UNSUPPORTED',
    'this is plain SQL; what is explained so is a RVBBIT MAP or RUN, or a statement with semantic operators: run it with EXPLAIN before it',
    { stage: 'plan' },
  );
}

async function runSqlStatement(
  statement: SqlStatement,
  scope: StatementScope,
  context: StatementContext,
): Promise<Delivered> {
  const result = await plainOrSemantic(statement, scope, context);
  return result instanceof ResultReader ? deliverReader(result, context.valueForm) : result;
}

/**
 * Runs a statement as it stands. Only where DuckDB does not parse it, or knows no function of a name in it,
 * are semantic operators looked for: plain SQL pays nothing for them, and none of it is ever claimed.
 */
async function plainOrSemantic(
  statement: SqlStatement,
  scope: StatementScope,
  context: StatementContext,
): Promise<ResultReader | Delivered> {
  try {
    return await runSql(statement, scope, context);
  } catch (thrown) {
    if (!mayBeSemantic(thrown)) throw thrown;
    const { runSemanticStatement } = await import('./run-semantic-statement.ts');
    return await runSemanticStatement(statement, scope, context, thrown);
  }
}

/** A syntax error, a function that is not there, or a form of EXPLAIN that only the dialect has. */
function mayBeSemantic(thrown: unknown): boolean {
  if (!(thrown instanceof RvbbitError) || thrown.code !== 'RVB_SQL') return false;
  const { sqlState, message } = thrown;
  return (
    sqlState === '42601' || sqlState === '42883' || /"TREE" is not a valid FORMAT/i.test(message)
  );
}

function runSql(
  statement: SqlStatement,
  scope: StatementScope,
  context: StatementContext,
): Promise<ResultReader> {
  const { source, origin } = context;
  scope.ledger.open({ sql: textOf(statement, source), kind: 'sql', origin, parallel: 1 });
  const { parameters, stop, session } = scope;
  return session.run(statement.text, { parameters, signal: stop.signal });
}

function unsupported(what: string): RvbbitError {
  return new RvbbitError(
    'RVB_UNSUPPORTED',
    `${what} is part of the dialect, but this version does not execute it yet`,
    { stage: 'bind' },
  );
}
