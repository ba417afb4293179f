/** Explains semantic SQL: tries the statement with stored or assumed answers. No model is asked. */
import type { SqlNode } from '../duck/parse-sql.ts';
import type { CellEstimate, CostEstimate, Estimate, ExplainReport } from '../result.ts';
import { pairAdvice } from '../semantic/ask/pair-advice.ts';
import { functionFacts } from '../semantic/plan/function-facts.ts';
import { usesOf } from '../semantic/plan/query-plan.ts';
import { holds, isNode, nodesOf } from '../semantic/plan/query-tree.ts';
import { isFreeToStage } from '../semantic/plan/safe-to-stage.ts';
import type { SemanticQuery } from '../semantic/semantic-query.ts';
import { exactly, isExact, spanOf, sumOf } from './estimate/estimate.ts';
import { estimateCell } from './estimate/estimate-cell.ts';
import { type Forecast, forecastOf } from './estimate/forecast.ts';
import { guardsOf } from './estimate/guards.ts';
import type { ExplainContext } from './explain-context.ts';
import { EXPLAIN_MIXED_MS, EXPLAIN_TRIAL_MS } from './explain-limits.ts';
import { batchText } from './report/figure-text.ts';
import { basisNotes, defaultShareNote } from './report/notes.ts';
import { type OperatorStep, semanticTree } from './report/plan-tree.ts';
import { KnownShares } from './trial/draws.ts';
import { mixturesOf } from './trial/mixtures.ts';
import { QuestionForesight } from './trial/question-foresight.ts';
import { type Trial, tryStatement } from './trial/try-statement.ts';
import { SEQUENCES_NOTE, withoutSequences } from './trial/without-sequences.ts';

/** The figures of a trial. */
interface TrialFigures {
  readonly trial: Trial;
  readonly cells: readonly CellEstimate[];
  readonly questions: Estimate;
}

/** Reads what the statement reads. Throws the same errors that running it would throw. */
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
  // An assumed answer may cause an error. If an error would end the session's transaction, no answer is assumed.
  const isOneWay = !(await isFreeToStage(run));
  const startedMs = performance.now();
  let first = await tryStatement(run, isOneWay ? 'null' : 'expected', sources);
  const isSlow = performance.now() - startedMs > EXPLAIN_TRIAL_MS;
  const { failure } = first;
  if (failure !== undefined) first = await tryStatement(run, 'null', sources);
  const main = await figuresOf(first);
  const { hasDrawn, isDetermined } = first.asker;
  const isNull = isOneWay || failure !== undefined;
  const bounds: TrialFigures[] = [];
  // A statement that is refused for its pairs may have very many of them.
  const isRefused = first.asker.mostPairs > settings.maxPairs;
  const isSettled = isDetermined && !first.report.mayStop;
  let isCut = false;
  if (hasDrawn && !isNull && !isRefused && !(isSlow && isSettled)) {
    for (const assumption of ['true', 'false'] as const) {
      bounds.push(await figuresOf(await tryStatement(run, assumption, sources)));
    }
    const trials = [first, ...bounds.map(({ trial }) => trial)];
    const mayDepend =
      read.placed.length > 1 ||
      trials.some(({ asker, report }) => !asker.isDetermined || report.mayStop);
    const mixtures = mayDepend
      ? mixturesOf(
          trials.map(({ draws }) => draws),
          read.tree,
        )
      : [];
    const mixedMs = performance.now();
    for (const assumption of mixtures) {
      isCut = isSlow || performance.now() - mixedMs > EXPLAIN_MIXED_MS;
      if (isCut) break;
      const trial = await tryStatement(run, assumption, sources);
      if (trial.failure === undefined) bounds.push(await figuresOf(trial));
    }
  }
  const calls = async (defaultShare: number) => {
    const { cells } = await figuresOf(
      await tryStatement(run, 'expected', { ...sources, defaultShare }),
    );
    return sumOf(cells.map((cell) => cell.calls)).expected;
  };
  const doubt =
    first.draws.usesDefault && !first.asker.isDetermined && !isNull && !isRefused && !isSlow
      ? [await defaultShareNote(calls)]
      : [];
  const isRandom = await drawsRows(run, first);
  // A single operator gets all its questions before there is an answer, so no answer can change them.
  const isOpen =
    isRandom ||
    read.dry === undefined ||
    first.failure !== undefined ||
    (hasDrawn && isNull && read.placed.length > 1) ||
    (isRefused && !isDetermined) ||
    bounds.some(({ trial }) => trial.failure !== undefined);
  const isRough =
    isCut || [first, ...bounds.map(({ trial }) => trial)].some(({ report }) => report.isRough);
  const doubts = { isOpen, isRandom, isRough };
  const forecast = spanned(main, bounds, doubts, { settings, context });
  const questions = opened(
    spanOf(
      main.questions,
      bounds.map((one) => one.questions),
    ),
    doubts,
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
        doubts,
      ),
    }),
  );
  const explained: Omit<ExplainReport, 'tree'> = {
    statement: 'semantic',
    cascades: [...new Set(read.books.map(({ operator }) => operator.cascade.file))],
    rows: report.inputRows ?? null,
    deduped: 0,
    resultRows: resultRowsOf(first, bounds, {
      isOpen: isOpen || (hasDrawn && bounds.length === 0),
      isRandom: true,
      isRough,
    }),
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
    strategy: report.route,
    reason: [
      [ROUTES[report.route], ...(report.reason === '' ? [] : [report.reason])].join(': '),
      ...batchText(settings.batch),
    ].join('; '),
    inputColumns: [],
    cells,
    notes: [
      ...(read === given.read ? [] : [SEQUENCES_NOTE]),
      ...notesOf(first, forecast, {
        isOneWay,
        isRandom,
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

/** Returns the expected figures, with the bounds of the trials that assume one answer for all questions. */
function spanned(
  main: TrialFigures,
  bounds: readonly TrialFigures[],
  doubts: Doubts,
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
        doubts,
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
              ...openedCost(
                {
                  low: Math.min(cost.low!, ...costs.map(({ low }) => low ?? 0)),
                  high: highestOf([cost, ...costs]),
                },
                doubts,
              ),
            },
    };
  });
  const { seconds, cost } = forecastOf(cells, pace);
  // The sums of each trial: where one operator is asked less, another is asked more.
  const total = (key: 'calls' | 'cached' | 'tokensIn' | 'tokensOut') => {
    const [first, ...others] = [main, ...bounds].map((one) =>
      sumOf(one.cells.map((cell) => cell[key])),
    );
    return opened(spanOf(first!, others), doubts);
  };
  return {
    cells,
    calls: total('calls'),
    cached: total('cached'),
    tokensIn: total('tokensIn'),
    tokensOut: total('tokensOut'),
    cost: cost.status === 'uncosted' ? cost : { ...cost, ...openedCost(cost, doubts) },
    seconds: opened(seconds, doubts),
  };
}

/** Returns the highest cost of the trials; null if one of them has no bound. */
function highestOf(costs: readonly Pick<CostEstimate, 'high'>[]): number | null {
  const all = costs.map(({ high }) => high);
  return all.includes(null) ? null : Math.max(...all.map((high) => high!));
}

/** How a statement's questions are found. */
const ROUTES = {
  plan: "plain conditions run first, and what they leave is asked in the order that DuckDB's tree allows",
  bounds: 'what makes a difference between the least and the most rows is asked',
  rerun: 'record, ask, rerun',
};

/** The cost of a cell in a trial that does not come to the cell. */
const NO_COST = { low: 0, expected: 0, high: 0 };

/** Returns a cell without expected calls, because only the trials for the bounds come to it. */
function withoutCalls(cell: CellEstimate): CellEstimate {
  const none = exactly(0);
  const { cost } = cell;
  return {
    ...cell,
    ...{ calls: none, cached: none, tokensIn: none, tokensOut: none },
    cost: cost.status === 'uncosted' ? cost : { ...cost, low: 0, expected: 0, high: 0 },
  };
}

/** Why the trials do not bound the figures. */
interface Doubts {
  /** The figures have no upper bound. */
  readonly isOpen: boolean;
  /** Nor have they a lower bound but 0. */
  readonly isRandom: boolean;
  /** The trials asked more than is needed, or were not all made: there is no lower bound but 0. */
  readonly isRough: boolean;
}

function opened(estimate: Estimate, { isOpen, isRandom, isRough }: Doubts): Estimate {
  return {
    ...estimate,
    ...(isRough || (isOpen && isRandom) ? { least: 0 } : {}),
    ...(isOpen ? { most: null } : {}),
  };
}

function openedCost<T extends Pick<CostEstimate, 'low' | 'high'>>(
  { low, high }: T,
  { isOpen, isRandom, isRough }: Doubts,
): Pick<CostEstimate, 'low' | 'high'> {
  return { low: isRandom || isRough ? 0 : low, high: isOpen ? null : high };
}

/** Whether each run may ask about other rows: those of a sample, or those for which a function such as `random()` decides. */
async function drawsRows({ read, statement }: SemanticQuery, { report }: Trial): Promise<boolean> {
  const facts = await functionFacts(statement.session, read.tree);
  const isRandom = (part: SqlNode) =>
    isNode(part['sample']) || facts.volatile.has(String(part['function_name']).toLowerCase());
  const [node] = nodesOf(read.tree?.map((root) => root['node']));
  if (node === undefined || report.staged !== '') return holds(read.tree, isRandom);
  // A random value beside the answers changes no question.
  const isOperator = (part: SqlNode) => usesOf(read)(part) !== undefined;
  const items = nodesOf(node['select_list']).filter((item) => holds(item, isOperator));
  return holds({ ...node, select_list: items }, isRandom);
}

/** Returns the SQL that was staged and planned; if there is none, the text that is run again until no answer is missing. */
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

function resultRowsOf(main: Trial, bounds: readonly TrialFigures[], doubts: Doubts): Estimate {
  const rows = bounds.flatMap(({ trial }) => trial.rows ?? []);
  const span = spanOf(exactly(main.rows ?? 0), rows.map(exactly));
  return opened(span, doubts);
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
    readonly isRandom: boolean;
    readonly failure: string | undefined;
    readonly hasDry: boolean;
    readonly doubt: readonly string[];
  },
): readonly string[] {
  const notes: string[] = [];
  if (!how.hasDry) notes.push('the questions of this statement are known only as it runs');
  else if (!how.isRandom && asker.hasDrawn && (!isExact(calls) || !isExact(cached))) {
    notes.push(
      'calls are a range because what is asked depends on answers that are not known yet: the ends are the least and the most of trials with other answers',
    );
  }
  if (how.isRandom) {
    notes.push('the rows are drawn at random: another run may ask about more of them, or fewer');
  }
  if (how.isOneWay) {
    notes.push('in a transaction no answer is assumed: answers that are not known count as NULL');
  }
  if (how.failure !== undefined) {
    notes.push(
      `answers that are not known count as NULL, since assumed values did not fit: ${how.failure}`,
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
