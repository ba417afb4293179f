/** Runs semantic statements that change data. */
import type { Rewritten } from '../../grammar/semantic/rewrite.ts';
import type { ResultReader } from '../duck/reader.ts';
import { planAnswers } from '../semantic/answer-query.ts';
import { passesOf, runStrictly } from '../semantic/find-answers.ts';
import { inWords } from '../semantic/read/rewritten-error.ts';
import type { SemanticQuery } from '../semantic/semantic-query.ts';

/** Changes data once the answers of its query are known; undefined if the statement ended early. */
export async function changeData(run: SemanticQuery): Promise<ResultReader | undefined> {
  const { whole, dry, parts } = run.read;
  if (dry === undefined) return runStrictly(run, whole);
  if (parts.kind === 'around' && parts.isEmpty === true) return createEmpty(run, dry);
  const { reads, query, where } = await planAnswers(run, dry);
  const { columns } = await passesOf(run, reads);
  if (parts.kind !== 'around') {
    return runStrictly(run, where === undefined ? whole : run.read.wholeWhere(where));
  }
  // No column of a table or file may be named after an operator's symbol.
  const names = columns.map(({ name }) => inWords(name, run.read));
  const isKept = parts.verb === 'INSERT' || columns.every(({ name }, at) => name === names[at]);
  return runStrictly(run, run.read.wholeWith(query?.text, isKept ? undefined : names));
}

/** Creates a table WITH NO DATA: no operator is called, and so no model is asked. */
async function createEmpty(run: SemanticQuery, dry: Rewritten): Promise<ResultReader | undefined> {
  const { session, parameters, stop } = run.statement;
  const columns = await session.describe(dry.text, { parameters, signal: stop.signal });
  const names = columns.map(({ name }) => inWords(name, run.read));
  const isKept = columns.every(({ name }, at) => name === names[at]);
  return runStrictly(run, run.read.wholeWith(undefined, isKept ? undefined : names));
}
