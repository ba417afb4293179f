/** Reads a statement that holds semantic operators: the function at each place, and the texts for DuckDB. */

import type { Span } from '../../../grammar/ast.ts';
import { ambiguousOperands, criterionEnd } from '../../../grammar/semantic/ambiguity.ts';
import type { SemanticSpan } from '../../../grammar/semantic/find-operators.ts';
import {
  type Replacement,
  type Rewritten,
  rewrite,
  rewritePieces,
} from '../../../grammar/semantic/rewrite.ts';
import { type StatementParts, statementParts } from '../../../grammar/semantic/statement-parts.ts';
import { isInTransaction } from '../../duck/in-transaction.ts';
import { parseSql, type SqlNode } from '../../duck/parse-sql.ts';
import { quoteIdentifier } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import { RvbbitError } from '../../errors.ts';
import type { Operator, OperatorRegistry } from '../../operators/operator.ts';
import { AnswerBook } from '../ask/answer-book.ts';
import { holds, nodesOf } from '../plan/query-tree.ts';
import { swappedCall } from './argument-order.ts';
import { calledOperators } from './called-operators.ts';
import { claimOperators, symbolText } from './claim-operators.ts';
import { type OperatorContext, operatorContexts } from './contexts.ts';
import { sourceError } from './source-error.ts';
import { symbolNames, takeSymbol } from './symbols.ts';
import { type OperatorReading, type OperatorUse, typesOf } from './use.ts';
import { vocabularyOf } from './vocabulary-of.ts';

/** An operator at its place. */
export interface PlacedOperator {
  readonly span: SemanticSpan;
  readonly operator: Operator;
  readonly use: OperatorUse;
}

export interface SemanticStatement {
  readonly source: string;
  readonly parts: StatementParts;
  /** True if the caller was in a transaction when the statement was read. */
  readonly inTransaction: boolean;
  readonly placed: readonly PlacedOperator[];
  /** The functions of the statement, each once. */
  readonly uses: readonly OperatorUse[];
  /** The answers of the operators, one book for each. */
  readonly books: readonly AnswerBook[];
  /** The statement as DuckDB executes it. */
  readonly whole: Rewritten;
  /** A query that meets the same questions and changes nothing; undefined if there is none. */
  readonly dry: Rewritten | undefined;
  /** `whole`, with `query` in place of its own query, and `names` as the names of its columns. */
  wholeWith(query: string | undefined, names: readonly string[] | undefined): Rewritten;
  /** `whole`, with this condition in place of its WHERE. */
  wholeWhere(condition: string): Rewritten;
  /** `whole`, with a function of this name at the operator's place. */
  wholeNaming(span: SemanticSpan, name: string): Rewritten;
  /** The error of the first call whose arguments probably stand in the wrong order. */
  readonly swapped: RvbbitError | undefined;
  /** DuckDB's tree of `dry`, if it can be turned back into the same SQL. */
  readonly tree: readonly SqlNode[] | undefined;
  release(): void;
}

/** The statement; undefined if it holds no semantic operator. */
export async function readSemanticStatement(
  source: string,
  registry: OperatorRegistry,
  options: {
    readonly session: Session;
    readonly threshold: number;
    readonly signal: AbortSignal;
    /** The folders of the cascades that calls name. */
    readonly cascadeRoots: readonly string[];
  },
): Promise<SemanticStatement | undefined> {
  const { session, threshold, signal } = options;
  const claimed = await claimOperators(session, source, vocabularyOf(registry), signal);
  if (claimed.kind === 'plain') return undefined;
  if (claimed.kind === 'error')
    throw sourceError('RVB_SQL', claimed.message, source, claimed.offset);
  const { spans } = claimed;
  const [ambiguous] = ambiguousOperands(source, spans);
  if (ambiguous !== undefined) {
    throw sourceError('RVB_AMBIGUOUS_OPERAND', ambiguous.message, source, ambiguous.span.start);
  }
  const parts = statementParts(source);
  refuseDefinitions(parts);
  const pieces = dryPieces(parts, source);
  const contexts = await contextsOf(session, source, spans, pieces, signal);
  const inTransaction = await isInTransaction(session);
  const uses = new Map<string, OperatorUse>();
  const books = new Map<Operator, AnswerBook>();
  // Everything that can be refused is refused before names are taken.
  const operators = await calledOperators(source, spans, registry, options.cascadeRoots);
  const readings = spans.map((span, index) => {
    const operator = operators[index]!;
    const context = contexts?.get(nameAt(span, index));
    const swapped = swappedCall(source, span, operator, context);
    return { operator, reading: readingOf(operator, span, context, parts), swapped };
  });
  const placed = spans.map((span, index): PlacedOperator => {
    const { operator, reading } = readings[index]!;
    const key = `${operator.name} ${operator.cascade.file} ${reading}`;
    let book = books.get(operator);
    if (book === undefined) {
      book = new AnswerBook(operator);
      books.set(operator, book);
    }
    let use = uses.get(key);
    if (use === undefined) {
      use = {
        book,
        reading,
        names: takeSymbol(typesOf(operator, reading), inTransaction),
        threshold,
      };
      uses.set(key, use);
    }
    return { span, operator, use };
  });
  const replacements: Replacement[] = placed.map(({ span, use }) => ({
    span: span.span,
    text: symbolText(span, use.names),
  }));
  for (const [index, span] of spans.entries()) {
    // RELEVANCE TO orders the best rows first unless the statement has ASC or DESC.
    if (span.words !== 'RELEVANCE TO' || contexts?.get(nameAt(span, index))?.isPlainOrder !== true)
      continue;
    const end = criterionEnd(source, span);
    replacements.push({ span: { start: end, end }, text: ' DESC' });
  }
  const dry = pieces === undefined ? undefined : rewritePieces(source, pieces, replacements);
  const parsed = dry === undefined ? undefined : await parseSql(session, dry.text, signal);
  if (parsed?.kind === 'tree') markPaired(parsed.statements, [...uses.values()]);
  return {
    source,
    parts,
    inTransaction,
    placed,
    uses: [...uses.values()],
    books: [...books.values()],
    whole: rewrite(source, replacements),
    wholeWith: (query, names) =>
      rewritePieces(source, piecesWith(source, parts, query, names), replacements),
    wholeWhere: (condition) =>
      rewritePieces(source, piecesWhere(source, parts, condition), replacements),
    wholeNaming: (span, name) => {
      const text = symbolText(span, { infix: name, call: name });
      const others = replacements.filter((replacement) => replacement.span !== span.span);
      return rewrite(source, [...others, { span: span.span, text }]);
    },
    dry,
    swapped: readings.find(({ swapped }) => swapped !== undefined)?.swapped,
    tree: parsed?.kind === 'tree' && parsed.isExact ? parsed.statements : undefined,
    release() {
      for (const use of uses.values()) use.names.release();
    },
  };
}

/**
 * Marks operators that take several columns in a join or a subquery: they may have as many questions as there are pairs
 * of values.
 */
function markPaired(tree: unknown, uses: readonly OperatorUse[]): void {
  if (!holds(tree, ({ type }) => type === 'JOIN')) {
    holds(tree, (node) => {
      if (node['class'] === 'SUBQUERY') markColumns(node['subquery'], uses);
      return false;
    });
    return;
  }
  markColumns(tree, uses);
}

function markColumns(tree: unknown, uses: readonly OperatorUse[]): void {
  const isColumn = (node: SqlNode) => node['class'] === 'COLUMN_REF';
  holds(tree, (node) => {
    const name = node['function_name'];
    const use = uses.find(({ names }) => names.infix === name || names.call === name);
    const columns = nodesOf(node['children']).filter((argument) => holds(argument, isColumn));
    if (use !== undefined && columns.length > 1) use.book.isPaired = true;
    return false;
  });
}

function piecesWith(
  source: string,
  parts: StatementParts,
  query: string | undefined,
  names: readonly string[] | undefined,
): readonly (Span | string)[] {
  if (parts.kind !== 'around') return [{ start: 0, end: source.length }];
  const { start, end } = parts.query;
  const inner = query ?? { start, end };
  const list = names?.map(quoteIdentifier).join(', ');
  const named =
    list === undefined ? [inner] : ['SELECT * FROM (', inner, `\n) AS rvb_named(${list})`];
  return [{ start: 0, end: start }, ...named, { start: end, end: source.length }];
}

function piecesWhere(
  source: string,
  parts: StatementParts,
  condition: string,
): readonly (Span | string)[] {
  const whole = { start: 0, end: source.length };
  if (parts.kind !== 'change' || parts.where === undefined) return [whole];
  const { start, end } = parts.where;
  return [{ start: 0, end: start }, condition, { start: end, end: source.length }];
}

function dryPieces(parts: StatementParts, source: string): readonly (Span | string)[] | undefined {
  switch (parts.kind) {
    case 'query':
      return [{ start: 0, end: source.length }];
    case 'around':
      return [parts.query];
    case 'change':
      return parts.dry;
    default:
      return undefined;
  }
}

/** The context of each operator, by the names that `trial` gives; undefined if DuckDB gives no tree. */
async function contextsOf(
  session: Session,
  source: string,
  spans: readonly SemanticSpan[],
  pieces: readonly (Span | string)[] | undefined,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, OperatorContext> | undefined> {
  if (pieces === undefined) return undefined;
  const replacements = spans.map((span, index) => ({
    span: span.span,
    text: symbolText(span, symbolNames(index)),
  }));
  const { text } = rewritePieces(source, pieces, replacements);
  const parsed = await parseSql(session, text, signal);
  if (parsed.kind !== 'tree') return undefined;
  const names = new Set(spans.map(nameAt));
  return operatorContexts(parsed.statements, (name) => names.has(name));
}

function nameAt(span: SemanticSpan, index: number): string {
  const names = symbolNames(index);
  return span.kind === 'call' ? names.call : names.infix;
}

function readingOf(
  operator: Operator,
  span: SemanticSpan,
  context: OperatorContext | undefined,
  parts: StatementParts,
): OperatorReading {
  const type = operator.returns.toUpperCase();
  if (type === 'BOOLEAN') return span.negated ? 'not' : 'value';
  if (!/^(DOUBLE|FLOAT|REAL|DECIMAL)/.test(type)) return 'value';
  if (span.negated) return 'misses';
  if (context === undefined) {
    throw new RvbbitError(
      'RVB_UNSUPPORTED',
      `whether the score of ${span.words} is needed as a BOOLEAN cannot be told in ${whatIs(parts)}; put the query that holds it into a table first (CREATE TEMP TABLE … AS …)`,
      { stage: 'bind' },
    );
  }
  return context.isCondition ? 'matches' : 'value';
}

function whatIs(parts: StatementParts): string {
  return 'verb' in parts && parts.verb !== ''
    ? `a statement that begins with ${parts.verb}`
    : 'this statement';
}

function refuseDefinitions(parts: StatementParts): void {
  if (parts.kind !== 'definition') return;
  const instead =
    parts.what === 'prepared statement'
      ? 'run the statement with its values each time: query(sql, values), or --param name=value on the command line'
      : 'use CREATE TABLE … AS, or write the operator in the query';
  throw new RvbbitError(
    'RVB_UNSUPPORTED',
    `this ${parts.what} cannot keep semantic operators: DuckDB would have to ask when it is used; ${instead}`,
    { stage: 'bind' },
  );
}
