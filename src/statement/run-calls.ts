/** Runs the MAPs and RUNs in the brackets of a statement, once it is known that DuckDB takes what is around them. */
import type { SqlStatement, StatementNode } from '../../grammar/ast.ts';
import { writtenName } from '../../grammar/semantic/written-name.ts';
import { RvbbitError } from '../errors.ts';
import type { Statement } from '../execute/statement.ts';
import { stageCall, stageColumns } from './cascade.ts';
import { type Unnested, unnest } from './nested-calls.ts';

/** Runs the calls in the brackets of a statement that has some. */
export async function runCalls(node: StatementNode, statement: Statement): Promise<Unnested> {
  await refuseEarly(node, statement);
  return unnest(node, statement, async (call, table, given) => {
    const { notices } = await stageCall(call, table, given);
    return notices;
  });
}

/** Throws before anything is asked what DuckDB would say of plain SQL around the calls when all of them have run. */
async function refuseEarly(node: StatementNode, statement: Statement): Promise<void> {
  if (node.kind !== 'Sql') return;
  const { session, stop } = statement;
  const { signal } = stop;
  const dry = await unnest(node, statement, async (call, table, given) => {
    await stageColumns(call, table, given);
    return [];
  });
  try {
    const { text } = dry.node as SqlStatement;
    const { parameters } = dry.statement;
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
    // What plain DuckDB does not parse or know may be semantic SQL, which is bound when its turn comes.
    const isOther = thrown instanceof RvbbitError && /^42(601|883)$/.test(thrown.sqlState ?? '');
    if (!isOther) throw thrown;
  } finally {
    await dry.drop();
  }
}
