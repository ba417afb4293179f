/** EXPLAIN of a semantic statement: what it would ask, found by reading and without asking. */

import type { AnswerBook } from './answer-book.ts';
import { planned } from './answer-query.ts';
import { callsPerRun } from './calls-per-run.ts';
import { Candidates } from './candidates.ts';
import { singleOperator } from './fill-answers.ts';
import { onePass, type SemanticRun } from './find-answers.ts';
import { canDefer, plannedQuery } from './planned-query.ts';
import type { QueryPlan } from './query-plan.ts';

/** Questions of one operator at one place. */
export interface PredictedStep {
  readonly operator: string;
  /** Equal where the number is determined. */
  readonly least: number;
  readonly most: number;
}

/** The figures of an EXPLAIN. */
export interface SemanticExplain {
  readonly route: 'plan' | 'rerun';
  readonly reason: string;
  readonly operators: readonly string[];
  /** Rows that the plain conditions leave; absent where the statement is not planned. */
  readonly rows?: number;
  readonly steps: readonly PredictedStep[];
  /** Runs of cascades, and the model calls that they make where nothing is cached. */
  readonly questions: { readonly least: number; readonly most: number };
  readonly calls: { readonly least: number; readonly most: number };
  readonly parallel: number;
  readonly maxCalls: number;
  readonly sql: readonly string[];
}

/** Reads what the statement reads, and asks nothing. */
export async function explainQuery(run: SemanticRun): Promise<SemanticExplain> {
  const { statement, settings, report } = run;
  let rows: number | undefined;
  const steps: (PredictedStep & { readonly book: AnswerBook })[] = [];
  await planned(run, async (plan) => {
    if (plan.semantic.length > 0) {
      rows = await predictConditions(run, plan, steps);
      return;
    }
    if (!canDefer(plan)) return;
    const columns = await run.scope.session.describe(statement.whole.text, {
      parameters: run.scope.parameters,
    });
    const names = columns.map(({ name }) => name);
    const query = await plannedQuery(run.scope, plan, { names, order: [], inWhere: (use) => use });
    report.sql.push(query.text);
    await onePass(run, query);
    takeAll(run, steps, true);
  });
  const inWhere = new Set(steps.map(({ book }) => book));
  const isCovered = statement.books.every((book) => inWhere.has(book));
  if (!isCovered && statement.dry !== undefined) {
    await onePass(run, statement.dry);
    takeAll(run, steps, steps.length === 0 && statement.uses.length === 1);
  }
  const sum = (key: 'least' | 'most', weight: (book: AnswerBook) => number) =>
    steps.reduce((total, step) => total + step[key] * weight(step.book), 0);
  const calls = (book: AnswerBook) => callsPerRun(book.operator.cascade);
  return {
    route: report.route,
    reason: report.reason,
    operators: statement.books.map(({ operator }) => `${operator.name} (${operator.cascade.file})`),
    ...(rows === undefined ? {} : { rows }),
    steps: steps.map(({ operator, least, most }) => ({ operator, least, most })),
    questions: { least: sum('least', () => 1), most: sum('most', () => 1) },
    calls: { least: sum('least', calls), most: sum('most', calls) },
    parallel: settings.parallel,
    maxCalls: settings.maxCalls,
    sql: report.sql,
  };
}

/** The first condition's questions are known; those of the later ones depend on what it leaves. */
async function predictConditions(
  run: SemanticRun,
  plan: QueryPlan,
  steps: (PredictedStep & { readonly book: AnswerBook })[],
): Promise<number> {
  const candidates = await Candidates.stage(run.scope, plan, 'distinct');
  try {
    run.report.note(candidates);
    const mayStop = plan.rowsWanted !== undefined && plan.isRowByRow && plan.isPlainOrder;
    const isAlone = candidates.conditions.length === 1;
    for (const condition of candidates.conditions) {
      const single = singleOperator(condition, plan);
      if (single === undefined) continue;
      const { use, node } = single;
      const most = (await candidates.tuples(node, use, [])).length;
      const least = mayStop ? Math.min(most, plan.rowsWanted) : isAlone ? most : 0;
      steps.push({ operator: use.book.operator.name, book: use.book, least, most });
    }
    return candidates.inputRows;
  } finally {
    await candidates.drop();
  }
}

/** What a pass left open: all that will be asked where nothing depends on the answers, else the least. */
function takeAll(
  run: SemanticRun,
  steps: (PredictedStep & { readonly book: AnswerBook })[],
  isAll: boolean,
): void {
  for (const book of run.statement.books) {
    const least = book.takeMisses().length;
    if (steps.some((step) => step.book === book)) continue;
    steps.push({ operator: book.operator.name, book, least, most: isAll ? least : Infinity });
  }
}

/** What was done, beside what was predicted. */
export interface SemanticActual {
  readonly questions: number;
  readonly failed: number;
  readonly passes: number;
  readonly rows: number;
  readonly durationMs: number;
}

/** The figures as lines, a fact a line. */
export function explainLines(
  explain: SemanticExplain,
  actual: SemanticActual | undefined,
  form: 'text' | 'tree' | 'json',
): readonly string[] {
  if (form === 'json') return [JSON.stringify({ ...explain, ...(actual && { actual }) })];
  const facts = [
    `operators: ${explain.operators.join(', ')}`,
    `route: ${explain.route === 'plan' ? "planned from DuckDB's tree: plain conditions first" : `record, ask, rerun${explain.reason === '' ? '' : ` (${explain.reason})`}`}`,
    ...(explain.rows === undefined ? [] : [`rows that plain conditions leave: ${explain.rows}`]),
    ...explain.steps.map(
      ({ operator, least, most }) => `${operator}: ${range(least, most)} questions`,
    ),
    `questions: ${range(explain.questions.least, explain.questions.most)}`,
    `model calls if none is cached: ${range(explain.calls.least, explain.calls.most)}, at most ${explain.parallel} at a time, max_calls ${explain.maxCalls}`,
    ...(actual === undefined
      ? []
      : [
          `actual: ${actual.questions} questions, ${actual.failed} failed, ${actual.passes} passes, ${actual.rows} rows, ${actual.durationMs} ms`,
        ]),
    ...explain.sql.flatMap((text) => ['sql:', ...text.split('\n').map((line) => `  ${line}`)]),
  ];
  const mark = (index: number) => (index === facts.length - 1 ? '└─' : '├─');
  return [
    'SEMANTIC SQL',
    ...facts.map((fact, index) => (form === 'tree' ? `${mark(index)} ${fact}` : `  ${fact}`)),
  ];
}

function range(least: number, most: number): string {
  if (least === most) return String(least);
  return most === Infinity ? `at least ${least}` : `${least} to ${most}`;
}
