/**
 * Answers calls of seed functions, such as `rvbbit_run`: each row that such a call gets is a run of the cascade that it
 * names.
 */

import type { Budget } from '../../calls/budget.ts';
import type { AppendColumn } from '../../duck/append.ts';
import { quoteIdentifier } from '../../duck/quote.ts';
import type { AdvisoryTally } from '../../execute/advisories.ts';
import { beginRun, hasPermanentTable, runOverTable } from '../../execute/execute-run.ts';
import { executeRuns } from '../../execute/execute-runs.ts';
import type { StatementWithCascade } from '../../execute/statement.ts';
import { Window } from '../../execute/window.ts';
import type { Operator } from '../../operators/operator.ts';
import { readSeedCall, type SeedCall } from '../../operators/seed-call.ts';
import type { CallPlan } from '../../plan/plan.ts';
import type { Json, JsonObject } from '../../util/json.ts';
import type { SemanticSettings } from '../read/semantic-settings.ts';
import type { AnswerBook, Tuple } from './answer-book.ts';
import { answerValue, checkedValue } from './answer-value.ts';
import { inputOf, rowsOf, type SeedOutcome, SeedRuns } from './seed-runs.ts';

/** What `askSeeds` works with. */
export interface SeedAsking {
  readonly statement: StatementWithCascade;
  readonly settings: SemanticSettings;
  readonly budget: Budget | undefined;
  readonly advisories: AdvisoryTally;
  /** Names of tables that the statement made and that hide a table of the same name in the database. */
  readonly shadowing: string[];
  /** Counts these runs as asked for. Returns the first run's place among all of the statement's runs. */
  count(runs: number): number;
}

type BatchCall = Extract<SeedCall, { kind: 'batch' }>;

/** Makes the calls and puts their answers into the book. Throws before the first run if a call is wrong. */
export async function askSeeds(
  book: AnswerBook,
  tuples: readonly Tuple[],
  asking: SeedAsking,
): Promise<void> {
  const { operator } = book;
  const calls = tuples.map((tuple) => ({ tuple, call: readSeedCall(operator.seed!, tuple) }));
  const groups = new Map<string, SeedRuns>();
  const runOf = (row: JsonObject, lanes: number) => {
    const input = inputOf(operator, row);
    const key = `${lanes} ${JSON.stringify(Object.keys(input))}`;
    let runs = groups.get(key);
    if (runs === undefined) {
      runs = new SeedRuns(lanes);
      groups.set(key, runs);
    }
    const place = runs.placeOf(input, operator.deterministic);
    return { runs, place };
  };
  const asked = calls.map(({ tuple, call }) => {
    const lanes =
      call !== undefined && 'parallel' in call ? call.parallel : asking.settings.parallel;
    return { tuple, call, runs: rowsOf(call).map((row) => runOf(row, lanes)) };
  });
  for (const runs of groups.values()) {
    if (asking.statement.stop.drained === undefined) await runAll(book, runs, asking);
  }
  for (const { tuple, call, runs } of asked) {
    if (call?.kind === 'batch') {
      if (asking.statement.stop.drained !== undefined) break;
      book.answer(tuple, await runBatch(book, call, asking));
      continue;
    }
    const outcomes = runs.map((run) => run.runs.outcomeAt(run.place));
    const notRun = outcomes.filter((outcome) => outcome === undefined).length;
    // If the statement ends early, a list is answered with the values that are done; a list without any has no answer.
    if (notRun > 0 && notRun === outcomes.length) continue;
    book.failed += notRun;
    book.answer(tuple, call === undefined ? null : answerTo(operator, call, outcomes));
  }
}

/** The operator as one that gives BOOLEAN: a list of matches is made of such answers. */
function asBoolean(operator: Operator): Operator {
  return { ...operator, returns: 'BOOLEAN' };
}

/** The answer to a call: a list for a list of rows, else the text of its single run's value. */
function answerTo(
  operator: Operator,
  call: Exclude<SeedCall, BatchCall>,
  outcomes: readonly (SeedOutcome | undefined)[],
): string | null {
  switch (call.kind) {
    case 'run':
      return outcomes[0]?.text ?? null;
    case 'map':
      return JSON.stringify(outcomes.map((outcome) => outcome?.value ?? null));
    case 'matches':
      return JSON.stringify(
        call.ids.map(({ id, row }) => {
          const text = row === undefined ? null : (outcomes[row]?.text ?? null);
          const given = answerValue(asBoolean(operator), text);
          // The default for failed answers may be any text.
          return { id, result: 'value' in given ? (given.value as boolean | null) : text };
        }),
      );
  }
}

async function runAll(book: AnswerBook, runs: SeedRuns, asking: SeedAsking): Promise<void> {
  const { statement, settings, budget, advisories } = asking;
  const { onError, timeoutMs } = settings;
  const { seed } = book.operator;
  const fallback = onError.kind === 'default' ? onError.value : null;
  const window = new Window(runs.lanes);
  await executeRuns(statement, {
    // A list of values needs each value in its own type; for the others the text is enough.
    settings: { kind: 'map', timeoutMs, keepOutputs: seed === 'rvbbit_map_parallel' },
    calls: callPlan(book, settings),
    inputs: runs.inputs(asking.count(runs.size)),
    parallel: runs.lanes,
    failFast: onError.kind === 'fail',
    ...(seed === 'semantic_batch_matches'
      ? { convert: (value: string) => checkedValue(asBoolean(book.operator), value) }
      : {}),
    window,
    sink: {
      write(pieces) {
        for (const piece of pieces) {
          book.failed += piece.failures.length;
          runs.enter(piece, fallback);
          window.release(piece.values.length);
        }
      },
    },
    advisories,
    budget,
  });
}

/**
 * Makes a table of the rows and runs the cascade once over it; returns the report that RUN gives. The table outlives
 * the statement.
 */
async function runBatch(book: AnswerBook, call: BatchCall, asking: SeedAsking): Promise<string> {
  const { statement, settings, budget, advisories } = asking;
  const begun = beginRun(statement);
  await makeTable(call, statement);
  if (await hasPermanentTable(statement.session, call.table)) {
    asking.shadowing.push(call.table);
  }
  const names = call.columns.map(({ name }) => name);
  const table = { name: call.table, rowCount: call.rows.length, columns: names };
  const report = await runOverTable(table, statement, begun, {
    timeoutMs: settings.timeoutMs,
    calls: callPlan(book, settings),
    failFast: settings.onError.kind === 'fail',
    advisories,
    ordinal: asking.count(1),
    rowsParallel: settings.parallel,
    budget,
  });
  return JSON.stringify(report);
}

async function makeTable(
  { table, columns, rows }: BatchCall,
  statement: StatementWithCascade,
): Promise<void> {
  const { session, stop } = statement;
  const { signal } = stop;
  const declared = columns.map(({ name, type }) => `${quoteIdentifier(name)} ${type}`);
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${quoteIdentifier(table)} (${declared.join(', ')})`,
    { signal, own: true },
  );
  const values = columns.map(
    ({ name, type }): AppendColumn => ({
      type: type === 'JSON' ? 'VARCHAR' : type,
      values: rows.map((row) => cellOf(row[name] ?? null, type === 'JSON')),
    }),
  );
  await session.append({ catalog: 'temp', name: table }, values, rows.length, { signal });
}

function cellOf(value: Json, isJson: boolean): Json {
  return isJson && value !== null ? JSON.stringify(value) : value;
}

function callPlan({ operator }: AnswerBook, { cache }: SemanticSettings): CallPlan {
  return { budget: {}, cache, dedupe: operator.deterministic };
}
