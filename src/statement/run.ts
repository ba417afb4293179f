/**
 * Runs, streams and explains statements. Statements that run a cascade have a file of their own, which plain SQL does
 * not load.
 */
import type { SqlStatement, StatementNode } from '../../grammar/ast.ts';
import { callSpans } from '../../grammar/call-spans.ts';
import { type StatementParts, statementParts } from '../../grammar/semantic/statement-parts.ts';
import { type Delivered, deliverReader, NOTHING } from '../deliver/delivered.ts';
import { inParts } from '../deliver/in-parts.ts';
import { type StreamHead, streamReader } from '../deliver/stream-rows.ts';
import type { OpenResult } from '../duck/open-result.ts';
import { ResultReader } from '../duck/reader.ts';
import { RvbbitError } from '../errors.ts';
import type { Statement } from '../execute/statement.ts';
import type { ExplainFormat } from '../explain/report/render-report.ts';
import { placedFrom } from '../plan/placed-error.ts';
import type { Notice, Row } from '../result.ts';
import type { Explained } from './explain.ts';
import { withForeignHint } from './foreign-hint.ts';
import { isJob, noteOpening } from './names.ts';
import { removePartialFile } from './partial-file.ts';
import type { GiveRows } from './semantic.ts';

/** Runs a statement to its end. The calls in its brackets run first. */
export async function runStatement(node: StatementNode, statement: Statement): Promise<Delivered> {
  const damage = await readyReceipts(node, statement);
  const delivered = await runReady(node, statement);
  return damage.length === 0
    ? delivered
    : { ...delivered, notices: [...damage, ...delivered.notices] };
}

async function runReady(node: StatementNode, statement: Statement): Promise<Delivered> {
  if (!holdsCalls(node, statement)) return runFlat(node, statement);
  if (isExplain(node)) {
    const { deliverExplain } = await import('./explain.ts');
    return deliverExplain(await explainStatement(node, statement), formatOf(node));
  }
  const { runCalls } = await import('./run-calls.ts');
  const calls = await runCalls(node, statement);
  try {
    const { notices } = calls;
    if (!calls.isWhole) return { ...NOTHING, notices };
    const delivered = await runFlat(calls.node, calls.statement);
    return { ...delivered, notices: [...notices, ...delivered.notices] };
  } finally {
    await calls.drop();
  }
}

/** Whether a statement is an EXPLAIN. The grammar reads an EXPLAIN of plain SQL as plain text. */
function isExplain(node: StatementNode): boolean {
  return node.kind === 'Explain' || (node.kind === 'Sql' && partsOf(node).kind === 'explain');
}

function formatOf(node: StatementNode): ExplainFormat {
  const explain = node.kind === 'Sql' ? partsOf(node) : node;
  return 'format' in explain ? explain.format : 'text';
}

function partsOf({ text }: SqlStatement): StatementParts {
  return statementParts(text);
}

function holdsCalls(node: StatementNode, { source }: Statement): boolean {
  return callSpans(source, node.span).length > 0;
}

/** Runs a statement without calls in brackets. */
async function runFlat(node: StatementNode, statement: Statement): Promise<Delivered> {
  switch (node.kind) {
    case 'Sql':
      return runSqlStatement(node, statement);
    case 'Explain': {
      const explained = await explainFlat(node, statement);
      const { deliverExplain } = await import('./explain.ts');
      return deliverExplain(explained, node.format);
    }
    case 'Map':
    case 'Run':
    case 'CreateTable':
    case 'Insert': {
      if (isJob(node)) {
        noteOpening(node, statement);
        return (await import('./jobs.ts')).submitJob(node, statement);
      }
      const { runCascadeStatement } = await import('./cascade.ts');
      return runCascadeStatement(node, statement);
    }
    case 'Show': {
      const { what } = node;
      noteOpening(node, statement);
      if (what === 'jobs') return (await import('./jobs.ts')).showJobs(statement);
      const { showStatement } = await import('./show.ts');
      return showStatement({ what }, statement);
    }
    case 'AwaitJob':
    case 'CancelJob':
      noteOpening(node, statement);
      return (await import('./jobs.ts')).awaitOrCancelJob(node, statement);
  }
}

/** Runs a statement and yields its rows in order. The rows of a MAP come as they become known. */
export async function* streamStatement(
  node: StatementNode,
  statement: Statement,
  listener: (head: StreamHead) => void,
): AsyncGenerator<readonly Row[], void> {
  const damage = await readyReceipts(node, statement);
  const onHead = (head: StreamHead) =>
    listener(damage.length === 0 ? head : { ...head, notices: [...damage, ...head.notices] });
  if (!holdsCalls(node, statement)) {
    yield* streamFlat(node, statement, onHead);
    return;
  }
  if (isExplain(node)) {
    const { columns, notices, rows } = await runStatement(node, statement);
    onHead({ columns, notices, signal: statement.stop.signal });
    yield rows;
    return;
  }
  const { runCalls } = await import('./run-calls.ts');
  const calls = await runCalls(node, statement);
  const { notices } = calls;
  try {
    if (calls.isWhole) {
      yield* streamFlat(calls.node, calls.statement, (head) =>
        onHead({ ...head, notices: [...notices, ...head.notices] }),
      );
    } else onHead({ columns: [], notices, signal: statement.stop.signal });
  } finally {
    await calls.drop();
  }
}

async function* streamFlat(
  node: StatementNode,
  statement: Statement,
  onHead: (head: StreamHead) => void,
): AsyncGenerator<readonly Row[], void> {
  const { signal } = statement.stop;
  if (node.kind === 'Map' && !isJob(node)) {
    const { streamMapStatement } = await import('./cascade.ts');
    yield* streamMapStatement(node, statement, onHead);
  } else if (node.kind === 'Sql') {
    yield* streamSql(node, statement, onHead);
  } else {
    const { columns, notices, rows } = await runFlat(node, statement);
    onHead({ columns, notices, signal });
    yield rows;
  }
}

/** Yields the rows of plain SQL while DuckDB makes them, and those of semantic SQL as they become certain. */
async function* streamSql(
  node: SqlStatement,
  statement: Statement,
  onHead: (head: StreamHead) => void,
): AsyncGenerator<readonly Row[], void> {
  const { signal } = statement.stop;
  const parts = inParts(statement.stop, (give: (part: OpenResult | Delivered) => Promise<void>) =>
    plainOrSemantic(node, statement, openSql, give),
  );
  let late: readonly Notice[] | undefined;
  for await (const part of parts) {
    const { columns } = part;
    if ('slices' in part) {
      onHead({ columns, notices: [], signal });
      try {
        yield* streamReader(part, statement.valueForm);
      } catch (thrown) {
        throw placedFrom(thrown, statement.source, node.span.start);
      }
    } else {
      if (late !== undefined) late = part.notices;
      else {
        onHead({ columns, notices: part.notices, lateNotices: () => late ?? [], signal });
        late = [];
      }
      yield part.rows;
    }
  }
}

/** Reads and counts what a statement would do. EXPLAIN ANALYZE also runs it. */
export async function explainStatement(
  node: StatementNode,
  statement: Statement,
): Promise<Explained> {
  await readyReceipts(node, statement);
  if (!holdsCalls(node, statement)) return explainFlat(node, statement);
  const { explainNested } = await import('./explain-nested.ts');
  return explainNested(node, statement, runStatement);
}

async function explainFlat(node: StatementNode, statement: Statement): Promise<Explained> {
  const inner = node.kind === 'Explain' ? node.body : node;
  switch (inner.kind) {
    case 'Map':
    case 'Run':
    case 'CreateTable':
    case 'Insert': {
      const { explainCascadeStatement } = await import('./cascade.ts');
      return explainCascadeStatement(inner, node, statement);
    }
    case 'Sql': {
      const { explainSemanticStatement } = await import('./semantic.ts');
      const explained = await explainSemanticStatement(inner, statement);
      if (explained !== undefined) return explained;
      break;
    }
    default:
  }
  throw new RvbbitError(
    'RVB_UNSUPPORTED',
    'this is plain SQL, which DuckDB explains: run it with EXPLAIN before it; only RVBBIT MAP, RVBBIT RUN and statements with semantic operators are explained here',
    { stage: 'plan' },
  );
}

async function runSqlStatement(node: SqlStatement, statement: Statement): Promise<Delivered> {
  const result = await plainOrSemantic(node, statement, runSql);
  if (!(result instanceof ResultReader)) return result;
  const { rowsAtOnce = Number.POSITIVE_INFINITY, valueForm } = statement;
  if (result.rowCount <= rowsAtOnce) return deliverReader(result, valueForm);
  const { columns, rowCount } = result;
  return { columns, rows: [], rowCount, notices: [], laterRows: streamReader(result, valueForm) };
}

/**
 * Attaches the journal's tables before a statement that may read them, and returns a notice of damage that they leave
 * out. If no journal is kept, DuckDB reports them missing.
 */
export async function readyReceipts(
  { span }: StatementNode,
  statement: Statement,
): Promise<readonly Notice[]> {
  const { session, stateDir, desk, source } = statement;
  const text = source.slice(span.start, span.end);
  // A read-only session reads no files, and the journal is files.
  if (stateDir === undefined || session.isReadOnly || !/rvbbit/i.test(text)) return [];
  const { attachReceipts, mayReadReceipts } = await import('../receipts/attach.ts');
  if (!mayReadReceipts(text)) return [];
  return attachReceipts({ session, journal: desk.journal, stateDir });
}

/** Adds a hint to the error if the statement may have meant receipts, which this engine does not keep. */
async function withReceiptsHint(
  thrown: unknown,
  { text }: SqlStatement,
  { stateDir }: Statement,
): Promise<unknown> {
  if (stateDir !== undefined || !/rvbbit/i.test(text)) return thrown;
  if (!(thrown instanceof RvbbitError) || thrown.sqlState !== '42P01') return thrown;
  const { mayReadReceipts, withoutReceipts } = await import('../receipts/attach.ts');
  return mayReadReceipts(text) ? withoutReceipts(thrown) : thrown;
}

/**
 * Runs a statement as it stands. Semantic operators are looked for only if DuckDB does not parse it or knows no
 * function of some name in it. So plain SQL pays nothing for them, and no plain SQL is ever taken for semantic SQL.
 */
async function plainOrSemantic<T>(
  node: SqlStatement,
  statement: Statement,
  runPlain: (node: SqlStatement, statement: Statement) => Promise<T>,
  give?: GiveRows,
): Promise<T | Delivered> {
  try {
    return await runPlain(node, statement);
  } catch (thrown) {
    await removePartialFile(node.text, thrown);
    const refusal = await withReceiptsHint(withForeignHint(thrown, node.text), node, statement);
    if (!mayBeSemantic(thrown)) throw placedFrom(refusal, statement.source, node.span.start);
    const { runSemanticStatement } = await import('./semantic.ts');
    return await runSemanticStatement(node, statement, refusal, give);
  }
}

/** Whether an error may come from semantic SQL: a syntax error, an unknown function, or an EXPLAIN form of the dialect. */
export function mayBeSemantic(thrown: unknown): boolean {
  if (!(thrown instanceof RvbbitError) || thrown.code !== 'RVB_SQL') return false;
  const { sqlState, message } = thrown;
  return (
    sqlState === '42601' || sqlState === '42883' || /"TREE" is not a valid FORMAT/i.test(message)
  );
}

async function runSql(node: SqlStatement, statement: Statement): Promise<ResultReader> {
  const { parameters, stop, session } = statement;
  noteOpening(node, statement);
  const run = () => session.run(node.text, { parameters, signal: stop.signal });
  if (!(await readsReceipts(node, statement))) return run();
  const { whileFilesGo } = await import('../receipts/attach.ts');
  let isAgain = false;
  return whileFilesGo(async () => {
    if (isAgain) await readyReceipts(node, statement);
    isAgain = true;
    return run();
  });
}

async function readsReceipts({ text }: SqlStatement, { stateDir }: Statement): Promise<boolean> {
  if (stateDir === undefined || !/rvbbit/i.test(text)) return false;
  return (await import('../receipts/attach.ts')).mayReadReceipts(text);
}

/** Like `runSql`, but the rows of a SELECT are read while it runs, unless its files may go meanwhile. */
async function openSql(
  node: SqlStatement,
  statement: Statement,
): Promise<OpenResult | ResultReader> {
  if (await readsReceipts(node, statement)) return runSql(node, statement);
  const { parameters, stop, session } = statement;
  noteOpening(node, statement);
  return session.open(node.text, { parameters, signal: stop.signal });
}
