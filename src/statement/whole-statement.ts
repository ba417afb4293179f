/** Reads the annotations of a statement for all MAPs and RUNs in it. */
import type { Annotation, StatementNode } from '../../grammar/ast.ts';
import { OPTIONS } from '../../grammar/options.ts';
import { annotationDiagnostics } from '../../grammar/parse-source.ts';
import { statementParts } from '../../grammar/semantic/statement-parts.ts';
import { writtenName } from '../../grammar/semantic/written-name.ts';
import { settingValues } from '../../grammar/setting-values.ts';
import { createSourceText } from '../../grammar/source-text.ts';
import { Budget } from '../calls/budget.ts';
import { RvbbitError } from '../errors.ts';
import type { Statement } from '../execute/statement.ts';
import { budgetOf } from '../plan/statement-settings.ts';
import { syntaxError } from './read.ts';

/** Options that no MAP or RUN of this version takes, but the semantic SQL around it may. */
const OF_SEMANTIC_SQL: ReadonlySet<string> = new Set(['max_pairs']);

type Verb = 'map' | 'run';

/** The settings that hold for all calls of a statement. */
export interface Whole {
  readonly annotations: readonly Annotation[];
  /** Undefined if no annotation sets a budget. */
  readonly budget: Budget | undefined;
  /** The names of the tables and files that the statement writes; empty for a query. */
  readonly writes: readonly string[];
}

export function wholeOf(
  node: StatementNode,
  { source, output }: Pick<Statement, 'source' | 'output'>,
): Whole {
  const written = writtenBy(node, source);
  return {
    annotations: annotationsOf(node, source),
    budget: budgetFor(node),
    writes: [written, output].filter((name) => name !== undefined),
  };
}

function writtenBy(node: StatementNode, source: string): string | undefined {
  if (node.kind === 'CreateTable' || node.kind === 'Insert') {
    return source.slice(node.table.span.start, node.table.span.end);
  }
  if (node.kind !== 'Sql' || statementParts(node.text).kind === 'query') return undefined;
  return writtenName(node.text) ?? 'the database';
}

/** Returns the annotations that a MAP or RUN takes. Throws if any annotation is wrong: with calls they are not comments. */
function annotationsOf({ annotations }: StatementNode, source: string): readonly Annotation[] {
  const [wrong] = annotationDiagnostics(source, annotations);
  if (wrong !== undefined) throw syntaxError(wrong);
  return annotations.filter(({ key }) => OPTIONS.has(key) && !OF_SEMANTIC_SQL.has(key));
}

/**
 * Refuses an annotation that no part of the statement takes: no call, with one of `verbs`, and no semantic operator in
 * `around`, which is the text without the calls in its brackets.
 */
export async function refuseUnread(
  { annotations }: StatementNode,
  verbs: readonly Verb[],
  around: string,
  { source, cascadeRoots }: Pick<Statement, 'source' | 'cascadeRoots'>,
): Promise<void> {
  const isRead = (key: string, verb: Verb): boolean =>
    !OF_SEMANTIC_SQL.has(key) && OPTIONS.get(key)?.appliesTo.includes(verb) === true;
  const unread = annotations.find(({ key }) => !verbs.some((verb) => isRead(key, verb)));
  if (unread === undefined) return;
  const { findOperators } = await import('../../grammar/semantic/find-operators.ts');
  const { loadOperators } = await import('../operators/load-operators.ts');
  const { vocabularyOf } = await import('../semantic/read/vocabulary-of.ts');
  const operators = await loadOperators(await cascadeRoots());
  if (findOperators(around, vocabularyOf(operators)).length > 0) return;
  const calls = verbs.includes('map') ? 'RVBBIT MAP' : 'RVBBIT RUN';
  throw new RvbbitError(
    'RVB_UNSUPPORTED',
    `the annotation ${unread.key} is not for ${calls}, and the statement has no semantic operator around it; leave it out`,
    { stage: 'bind', place: createSourceText(source).positionAt(unread.span.start) },
  );
}

function budgetFor({ annotations }: StatementNode): Budget | undefined {
  const limits = budgetOf(settingValues(annotations, []));
  return Object.keys(limits).length === 0 ? undefined : new Budget(limits);
}

/** Returns the budget that a part shares with the others; undefined if the part's own WITH sets a budget. */
export function sharedBudget(node: StatementNode, { budget }: Whole): Budget | undefined {
  const part = 'body' in node ? node.body : node;
  if (!('options' in part)) return budget;
  const own = budgetOf(settingValues([], part.options));
  return Object.keys(own).length === 0 ? budget : undefined;
}
