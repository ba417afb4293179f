/** What statements of every kind share: the context of their call, and what they are called. */
import type { Statement } from '../grammar/ast.ts';
import type { StatementScope } from './execute/statement-env.ts';
import type { Experience } from './explain/experience.ts';
import type { StatementOpen } from './journal/records.ts';
import type { NamePrefix } from './journal/session-name.ts';
import type { Models } from './model/models.ts';
import type { StatementKind, ValueForm } from './result.ts';
import { packageVersion } from './version.ts';

/** What holds for every statement of one call. */
export interface StatementContext {
  /** The text that the statement stands in. */
  readonly source: string;
  readonly origin: string;
  readonly valueForm: ValueForm;
  readonly cascadeRoot: string;
  readonly defaultParallel: number;
  readonly models: Models;
  /** What earlier calls and answers were like. */
  readonly experience: Experience;
  /** Where earlier processes have left records; those since `openedUs` are in `experience`. */
  readonly stateDir?: string;
  readonly openedUs: number;
  readonly resumes?: string;
  /** PARALLEL, over what the statement's text says. */
  readonly resumeParallel?: number;
}

/** What a result says it came of. */
export function kindOf(statement: Statement): StatementKind {
  switch (statement.kind) {
    case 'Map':
      return 'map';
    case 'Run':
      return 'run';
    case 'CreateTable':
      return 'create_table';
    case 'Insert':
      return 'insert';
    case 'Explain':
      return 'explain';
    default:
      return 'sql';
  }
}

/** The first word of a statement's session name. */
export function prefixOf(statement: Statement): NamePrefix {
  if (statement.kind === 'CreateTable' || statement.kind === 'Insert') {
    return prefixOf(statement.body);
  }
  return statement.kind === 'Map' ? 'udf' : statement.kind === 'Run' ? 'batch' : 'sql';
}

/** The statement as written, its annotations included. */
export function textOf({ span, annotations }: Statement, source: string): string {
  return source.slice(annotations[0]?.span.start ?? span.start, span.end);
}

/** What the first record of any statement that may ask a model says: with it the statement is found again and resumed. */
export function openingOf(
  statement: Statement,
  { parameters }: StatementScope,
  { source, origin, resumes }: StatementContext,
): Pick<StatementOpen, 'sql' | 'origin' | 'engine' | 'hasParameters' | 'resumes'> {
  return {
    sql: textOf(statement, source),
    origin,
    engine: packageVersion(),
    ...(parameters === undefined ? {} : { hasParameters: true }),
    ...(resumes === undefined ? {} : { resumes }),
  };
}
