/** Runs the MAPs and RUNs in the brackets of a statement, after a check that DuckDB accepts the statement around them. */
import type { SqlStatement, StatementNode } from '../../grammar/ast.ts';
import { StatementWords } from '../../grammar/semantic/statement-words.ts';
import { writtenName } from '../../grammar/semantic/written-name.ts';
import { RvbbitError } from '../errors.ts';
import type { Statement } from '../execute/statement.ts';
import { placedFrom } from '../plan/placed-error.ts';
import { stageCall, stageColumns } from './cascade.ts';
import { type Unnested, unnest } from './nested-calls.ts';

/** Runs the calls in the brackets of a statement that has at least one call. */
export async function runCalls(node: StatementNode, statement: Statement): Promise<Unnested> {
  if (node.kind === 'Sql' && needsColumns(node)) return withColumns(node, statement);
  await refuseEarly(node, statement);
  return unnest(node, statement, async (call, table, given) => {
    const { notices } = await stageCall(call, table, given);
    return notices;
  });
}

/** Whether a statement only needs the columns of what it reads: these are known before a row runs. */
function needsColumns({ text }: SqlStatement): boolean {
  const words = new StatementWords(text);
  const isDescribe = words.text(0) === 'DESCRIBE' || words.text(0) === 'DESC';
  const [with_, no, data] = [3, 2, 1].map((fromEnd) => words.text(words.length - fromEnd));
  return isDescribe || (with_ === 'WITH' && no === 'NO' && data === 'DATA');
}

/** Puts empty tables with the calls' columns in their place. */
export function withColumns(node: StatementNode, statement: Statement): Promise<Unnested> {
  return unnest(node, statement, async (call, table, given) => {
    await stageColumns(call, table, given);
    return [];
  });
}

/** For plain SQL around the calls: throws, before any model is asked, the error that DuckDB would give after all calls. */
async function refuseEarly(node: StatementNode, statement: Statement): Promise<void> {
  if (node.kind !== 'Sql') return;
  const { session, stop } = statement;
  const { signal } = stop;
  const dry = await withColumns(node, statement);
  try {
    const { text } = dry.node as SqlStatement;
    const { parameters } = dry.statement;
    // The columns of a PIVOT come from its rows, and there are none yet.
    if (/\bpivot(?:_wider)?\b/i.test(text)) return;
    await session.run(`EXPLAIN\n${text}`, { parameters, signal, linesBefore: 1 });
    const name = /^\s*CREATE\s+TABLE\s+(?!IF\b)/i.test(text) ? writtenName(text) : undefined;
    if (name === undefined) return;
    const there = await session.describe(`FROM ${name}`, { signal }).catch(() => undefined);
    if (there === undefined) return;
    throw new RvbbitError(
      'RVB_SQL',
      `table ${name} exists already; say CREATE OR REPLACE TABLE, or drop it first`,
      { stage: 'bind', sqlState: '42P07' },
    );
  } catch (thrown) {
    // A text that plain DuckDB does not parse or know may be semantic SQL, which is bound later.
    const isOther = thrown instanceof RvbbitError && /^42(601|883)$/.test(thrown.sqlState ?? '');
    if (!isOther) throw placedFrom(thrown, statement.source, node.span.start);
  } finally {
    await dry.drop();
  }
}
