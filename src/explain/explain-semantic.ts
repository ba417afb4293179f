/** EXPLAIN of semantic SQL: the statement is tried with answers that are at hand or assumed. Nothing is asked. */
import type { CellEstimate, Estimate, ExplainReport } from '../result.ts';
import { pairAdvice } from '../semantic/ask/pair-advice.ts';
import { isFreeToStage } from '../semantic/plan/safe-to-stage.ts';
import type { SemanticQuery } from '../semantic/semantic-query.ts';
import { exactly, isExact, spanOf, sumOf } from './estimate/estimate.ts';
import { estimateCell } from './estimate/estimate-cell.ts';
import { type Forecast, forecastOf } from './estimate/forecast.ts';
import { guardsOf } from './estimate/guards.ts';
import type { ExplainContext } from './explain-context.ts';
import { EXPLAIN_DOUBT_MS, EXPLAIN_TRIAL_MS } from './explain-limits.ts';
import { basisNotes, defaultShareNote } from './report/notes.ts';
import { type OperatorStep, semanticTree } from './report/plan-tree.ts';
import { KnownShares } from './trial/draws.ts';
import { QuestionForesight } from './trial/question-foresight.ts';
import { type Trial, tryStatement } from './trial/try-statement.ts';
import { SEQUENCES_NOTE, withoutSequences } from './trial/without-sequences.ts';

/** What a trial came to, in figures. */
interface TrialFigures {
  readonly trial: Trial;
  readonly cells: readonly CellEstimate[];
  readonly questions: Estimate;
}

/** Reads what the statement reads. Throws what is wrong with it, as running it would. */
export async function explainSemantic(
  given: SemanticQuery,
  context: ExplainContext,
): Promise<ExplainReport> {
  await context.loadExperience();
  const { settings, statement } = given;
  const read = await withoutSequences(given.read, statement);
  const run = { ...given, read };
  const foresight = new QuestionForesight(statement, settings);
  const sources = { foresight, known: new KnownShares(), experience: context.experience };
  const figuresOf = (trial: Trial) => trialFigures(trial, foresight, context);
  // Where statements go on after an error, an assumed answer may cause none.
  const isOneWay = !(await isFreeToStage(run));
  const startedMs = performance.now();
  let first = await tryStatement(run, isOneWay ? 'null' : 'expected', sources);
  const trialMs = performance.now() - startedMs;
  const isSlow = trialMs > EXPLAIN_TRIAL_MS;
  const { failure } = first;
  if (failure !== undefined) first = await tryStatement(run, 'null', sources);
  const main = await figuresOf(first);
  const { hasDrawn, isDetermined } = first.asker;
  const isNull = isOneWay || failure !== undefined;
  const bounds: TrialFigures[] = [];
  // What is refused for its pairs may have very many.
  const isRefused = first.asker.mostPairs > settings.maxPairs;
  if (hasDrawn && !isNull && !isRefused && !(isSlow && isDetermined)) {
    for (const assumption of ['true', 'false'] as const) {
      bounds.push(await figuresOf(await tryStatement(run, assumption, sources)));
    }
  }
  const calls = async (defaultShare: number) => {
    const { cells } = await figuresOf(
      await tryStatement(run, 'expected', { ...sources, defaultShare }),
    );
    return sumOf(cells.map((cell) => cell.calls)).expected;
  };
  const doubt =
    first.draws.usesDefault &&
    !first.asker.isDetermined &&
    !isNull &&
    !isRefused &&
    trialMs < EXPLAIN_DOUBT_MS
      ? [await defaultShareNote(calls)]
      : [];
  // A single operator is asked all that it is asked before there is an answer, whatever that may be.
  const isOpen =
    read.dry === undefined ||
    first.failure !== undefined ||
    (hasDrawn && isNull && read.placed.length > 1) ||
    (isRefused && !isDetermined) ||
    bounds.some(({ trial }) => trial.failure !== undefined);
  const forecast = spanned(main, bounds, isOpen, { settings, context });
  const questions = opened(
    spanOf(
      main.questions,
      bounds.map((one) => one.questions),
    ),
    isOpen,
  );
  const { cells, ...totals } = forecast;
  const { report } = first;
  const steps = [...first.asker.steps.keys()].map(
    (operator): OperatorStep => ({
      operator: operator.name,
      cascade: operator.cascade.file,
      questions: opened(
        spanOf(
          questionsOf(main, operator.name),
          bounds.map((one) => questionsOf(one, operator.name)),
        ),
        isOpen,
      ),
    }),
  );
  const explained: Omit<ExplainReport, 'tree'> = {
    statement: 'semantic',
    cascades: [...new Set(read.books.map(({ operator }) => operator.cascade.file))],
    rows: report.inputRows ?? null,
    deduped: 0,
    resultRows: resultRowsOf(first, bounds, isOpen || (hasDrawn && bounds.length === 0)),
    distinctInputs: questions,
    runs: questions,
    ...totals,
    parallel: settings.parallel,
    limit: { rows: null, source: 'query' },
    cut: false,
    guards: {
      ...guardsOf({ budget: settings.budget, cells, limitsOf: context.limitsOf }),
      maxCalls: settings.maxCalls,
      maxPairs: settings.maxPairs,
    },
    refusal: refusalOf(first, totals, settings),
    strategy: report.route === 'plan' ? 'plan' : 'rerun',
    reason: [
      report.route === 'plan'
        ? "plain conditions run first, and what they leave is asked in the order that DuckDB's tree allows"
        : 'record, ask, rerun',
      ...(report.reason === '' ? [] : [report.reason]),
    ].join(': '),
    inputColumns: [],
    cells,
    notes: [
      ...(read === given.read ? [] : [SEQUENCES_NOTE]),
      ...notesOf(first, forecast, {
        isOneWay,
        failure,
        hasDry: read.dry !== undefined,
        doubt,
      }),
    ],
    sql: sqlOf(run, report.sql),
  };
  return { ...explained, tree: semanticTree(explained, steps) };
}

async function trialFigures(
  trial: Trial,
  foresight: QuestionForesight,
  { experience }: ExplainContext,
): Promise<TrialFigures> {
  const cells: CellEstimate[] = [];
  for (const { operator, tally, sent, foreseen } of trial.asker.steps.values()) {
    const models = await foresight.modelsOf(operator);
    const sources = {
      experience,
      costOf: (...call: Parameters<NonNullable<typeof models>['costOf']>) =>
        models?.costOf(...call),
      scale: foreseen === 0 ? 1 : sent / foreseen,
    };
    for (const cell of tally.cells.values()) cells.push(estimateCell(cell, sources));
  }
  return { trial, cells, questions: exactly(trial.asker.asked) };
}

/** The figures that are expected, within those of the trials that assume one answer for all. */
function spanned(
  main: TrialFigures,
  bounds: readonly TrialFigures[],
  isOpen: boolean,
  {
    settings,
    context,
  }: { readonly settings: SemanticQuery['settings']; readonly context: ExplainContext },
): Forecast {
  const pace = { parallel: settings.parallel, limitsOf: context.limitsOf };
  const isSame = (a: CellEstimate, b: CellEstimate) =>
    a.cascade === b.cascade && a.cell === b.cell && a.model === b.model;
  const more = bounds
    .flatMap(({ cells: all }) => all)
    .filter((one, index, all) => all.findIndex((other) => isSame(one, other)) === index)
    .filter((one) => !main.cells.some((cell) => isSame(one, cell)))
    .map(withoutCalls);
  const cells = [...main.cells, ...more].map((cell): CellEstimate => {
    const others = bounds.map(({ cells: all }) => all.find((one) => isSame(one, cell)));
    const span = (key: 'calls' | 'cached' | 'tokensIn' | 'tokensOut') =>
      opened(
        spanOf(
          cell[key],
          others.map((other) => other?.[key] ?? exactly(0)),
        ),
        isOpen,
      );
    const costs = others.map((other) => (other === undefined ? NO_COST : other.cost));
    const { cost } = cell;
    return {
      ...cell,
      calls: span('calls'),
      cached: span('cached'),
      tokensIn: span('tokensIn'),
      tokensOut: span('tokensOut'),
      cost:
        cost.status === 'uncosted'
          ? cost
          : {
              ...cost,
              low: Math.min(cost.low!, ...costs.map(({ low }) => low ?? 0)),
              high: isOpen ? null : Math.max(cost.high!, ...costs.map(({ high }) => high ?? 0)),
            },
    };
  });
  const { seconds, cost, ...totals } = forecastOf(cells, pace);
  return {
    cells,
    calls: opened(totals.calls, isOpen),
    cached: opened(totals.cached, isOpen),
    tokensIn: opened(totals.tokensIn, isOpen),
    tokensOut: opened(totals.tokensOut, isOpen),
    cost: isOpen && cost.status !== 'uncosted' ? { ...cost, high: null } : cost,
    seconds: opened(seconds, isOpen),
  };
}

/** Of a trial that does not come to a cell. */
const NO_COST = { low: 0, expected: 0, high: 0 };

/** A cell that only trials which are not expected come to. */
function withoutCalls(cell: CellEstimate): CellEstimate {
  const none = exactly(0);
  const { cost } = cell;
  return {
    ...cell,
    ...{ calls: none, cached: none, tokensIn: none, tokensOut: none },
    cost: cost.status === 'uncosted' ? cost : { ...cost, low: 0, expected: 0, high: 0 },
  };
}

/** Nothing bounds the figure where the trials do not. */
function opened(estimate: Estimate, isOpen: boolean): Estimate {
  return isOpen ? { ...estimate, most: null } : estimate;
}

/** What was staged and planned; where nothing was, the text that is run until nothing is missing. */
function sqlOf({ read }: SemanticQuery, planned: readonly string[]): readonly string[] {
  if (planned.length > 0) return [...new Set(planned)];
  return [(read.dry ?? read.whole).text];
}

function questionsOf({ trial }: TrialFigures, name: string): Estimate {
  for (const { operator, questions } of trial.asker.steps.values()) {
    if (operator.name === name) return exactly(questions);
  }
  return exactly(0);
}

function resultRowsOf(main: Trial, bounds: readonly TrialFigures[], isOpen: boolean): Estimate {
  const rows = bounds.flatMap(({ trial }) => trial.rows ?? []);
  const span = spanOf(exactly(main.rows ?? 0), rows.map(exactly));
  return isOpen ? { ...span, least: Math.min(span.least, 0), most: null } : span;
}

function refusalOf(
  { asker }: Trial,
  { calls }: Omit<Forecast, 'cells'>,
  { maxCalls, maxPairs }: SemanticQuery['settings'],
): string | null {
  const asked = Math.round(calls.expected);
  if (asked > maxCalls) {
    return `would be refused (RVB_LIMIT): ${asked} calls are more than max_calls ${maxCalls}`;
  }
  if (asker.mostPairs > maxPairs) {
    return `would be refused (RVB_LIMIT): ${asker.mostPairs} pairs are more than max_pairs ${maxPairs}`;
  }
  return null;
}

function notesOf(
  { asker, draws }: Trial,
  { cells, calls, cached }: Forecast,
  how: {
    readonly isOneWay: boolean;
    readonly failure: string | undefined;
    readonly hasDry: boolean;
    readonly doubt: readonly string[];
  },
): readonly string[] {
  const notes: string[] = [];
  if (!how.hasDry) notes.push('what such a statement asks is known only as it runs');
  else if (asker.hasDrawn && (!isExact(calls) || !isExact(cached))) {
    notes.push(
      'calls are a range because what is asked depends on answers that are not at hand: from where all are TRUE to where none is',
    );
  }
  if (how.isOneWay) {
    notes.push('in a transaction no answer is assumed: those that are not at hand count as NULL');
  }
  if (how.failure !== undefined) {
    notes.push(
      `answers that are not at hand count as NULL, since others did not fit: ${how.failure}`,
    );
  }
  const advice = [...asker.compared].map(([operator, pairs]) => {
    const own = cells.find((cell) => cell.cascade === operator.cascade.file);
    const calls = own?.calls.expected ?? 0;
    const cost = own?.cost.expected ?? null;
    const each = cost === null || calls === 0 ? undefined : cost / calls;
    return pairAdvice(operator.name, pairs, each);
  });
  return [...notes, ...advice, ...draws.notes.values(), ...how.doubt, ...basisNotes(cells)];
}
