/** Finds the words of a statement that are semantic operators: as plain SQL, DuckDB does not parse them. */
import { findOperators, type SemanticSpan } from '../../../grammar/semantic/find-operators.ts';
import { type Rewritten, rewrite } from '../../../grammar/semantic/rewrite.ts';
import type { Vocabulary } from '../../../grammar/semantic/vocabulary.ts';
import { type ParsedSql, parseSql } from '../../duck/parse-sql.ts';
import { quoteIdentifier } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import { RvbbitError } from '../../errors.ts';
import { symbolNames } from './symbols.ts';

/** The most operators in one statement. */
const SEMANTIC_MAX_OPERATORS = 200;

/** The operators of a statement, in the order in which they stand. */
export type ClaimedOperators =
  | { readonly kind: 'claimed'; readonly spans: readonly SemanticSpan[] }
  /** The statement holds no semantic operator; DuckDB's own error stands. */
  | { readonly kind: 'plain' }
  /** The statement holds operators, and the rest of it does not parse; `offset` is the place in the source. */
  | { readonly kind: 'error'; readonly message: string; readonly offset: number };

/**
 * Asks DuckDB's parser where the text does not parse, takes the operator word there for an operator, and asks again
 * until the text parses. A word that parses as plain SQL is thus never claimed. A call is claimed if DuckDB has no
 * function of its name.
 */
export async function claimOperators(
  session: Session,
  source: string,
  vocabulary: Vocabulary,
  signal?: AbortSignal,
): Promise<ClaimedOperators> {
  const candidates = findOperators(source, vocabulary);
  if (candidates.length === 0) return { kind: 'plain' };
  const calls = await undefinedCalls(session, candidates, signal);
  const claimed = new Set<SemanticSpan>();
  for (;;) {
    const current = trial(source, [...claimed]);
    const parsed = await parseSql(session, current.text, signal);
    if (parsed.kind !== 'error') break;
    const found = errorOperator(candidates, claimed, current, parsed);
    if (found === undefined) {
      if (claimed.size === 0) return { kind: 'plain' };
      const offset = current.sourceOffset(parsed.offset ?? 0);
      return { kind: 'error', message: parsed.message, offset };
    }
    claimed.add(found);
    if (claimed.size > SEMANTIC_MAX_OPERATORS) throw tooMany();
  }
  for (const call of calls) claimed.add(call);
  if (claimed.size === 0) return { kind: 'plain' };
  const spans = [...claimed].sort((a, b) => a.span.start - b.span.start);
  return { kind: 'claimed', spans };
}

/** The source with a symbol in each operator's place. Each symbol is unique, so that the tree tells them apart. */
export function trial(source: string, spans: readonly SemanticSpan[]): Rewritten {
  return rewrite(
    source,
    spans.map((span, index) => ({ span: span.span, text: symbolText(span, symbolNames(index)) })),
  );
}

/** The text of a symbol. Spaces keep an infix symbol apart from an operator next to it. */
export function symbolText(
  span: SemanticSpan,
  names: { readonly infix: string; readonly call: string },
): string {
  return span.kind === 'call' ? names.call : ` ${names.infix} `;
}

/** The last unclaimed operator at which, or right after which, the parser stopped. */
function errorOperator(
  candidates: readonly SemanticSpan[],
  claimed: ReadonlySet<SemanticSpan>,
  current: Rewritten,
  error: Extract<ParsedSql, { kind: 'error' }>,
): SemanticSpan | undefined {
  if (error.offset === undefined) return undefined;
  const at = current.sourceOffset(error.offset);
  return candidates.findLast(
    (candidate) =>
      !claimed.has(candidate) &&
      candidate.span.start <= at &&
      // A function's name that is a keyword is refused at the name itself.
      (candidate.kind === 'infix' ? at <= candidate.next : at === candidate.span.start),
  );
}

/** Calls of functions that no catalogue of the session knows. */
async function undefinedCalls(
  session: Session,
  candidates: readonly SemanticSpan[],
  signal: AbortSignal | undefined,
): Promise<readonly SemanticSpan[]> {
  const calls = candidates.filter(({ kind }) => kind === 'call');
  if (calls.length === 0) return [];
  const names = [...new Set(calls.map(({ words }) => words.toLowerCase()))];
  const undefinedNames = new Set<string>();
  for (const name of names) {
    if (!(await isFunction(session, name, signal))) undefinedNames.add(name);
  }
  return calls.filter(({ words }) => undefinedNames.has(words.toLowerCase()));
}

/** Whether DuckDB finds a function of the name. To ask its binder takes 1 ms, to query its catalogue 50 ms. */
async function isFunction(
  session: Session,
  name: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await session.run(`EXPLAIN SELECT ${quoteIdentifier(name)}()`, { signal });
    return true;
  } catch (thrown) {
    if (signal?.aborted === true) throw thrown;
    return !(thrown instanceof RvbbitError && thrown.sqlState === '42883');
  }
}

function tooMany(): RvbbitError {
  return new RvbbitError(
    'RVB_LIMIT',
    `the statement holds more than ${SEMANTIC_MAX_OPERATORS} semantic operators; split it`,
    { stage: 'parse' },
  );
}
