/** Asks what calls of the seeds' functions ask: the rows that they are given are runs of the cascade they name. */

import type { Budget } from '../../calls/budget.ts';
import type { AppendColumn } from '../../duck/append.ts';
import { quoteIdentifier } from '../../duck/quote.ts';
import type { AdvisoryTally } from '../../execute/advisories.ts';
import { hasPermanentTable, runOverTable } from '../../execute/execute-run.ts';
import { executeRuns } from '../../execute/execute-runs.ts';
import type { StatementWithCascade } from '../../execute/statement.ts';
import { Window } from '../../execute/window.ts';
import { readSeedCall, type SeedCall } from '../../operators/seed-call.ts';
import type { CallPlan } from '../../plan/plan.ts';
import type { Json, JsonObject } from '../../util/json.ts';
import type { SemanticSettings } from '../read/semantic-settings.ts';
import type { AnswerBook, Tuple } from './answer-book.ts';
import { inputOf, rowsOf, SeedRuns } from './seed-runs.ts';

/** What the asking works with. */
export interface SeedAsking {
  readonly statement: StatementWithCascade;
  readonly settings: SemanticSettings;
  readonly budget: Budget | undefined;
  readonly advisories: AdvisoryTally;
  /** Tables that were made under the name of one in the database. */
  readonly shadowing: string[];
  /** Counts runs as asked for; gives the first one's place among the statement's. */
  count(runs: number): number;
}

type BatchCall = Extract<SeedCall, { kind: 'batch' }>;

/** Makes the calls and puts their answers into the book. Throws what is wrong with one before the first run. */
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
    const lanes = call?.kind === 'map' ? call.parallel : asking.settings.parallel;
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
    // Of a list what is done is given; a list of which nothing is done is no answer.
    if (notRun > 0 && notRun === outcomes.length) continue;
    book.failed += notRun;
    const isMap = call?.kind === 'map';
    const list = isMap ? JSON.stringify(outcomes.map((outcome) => outcome?.value ?? null)) : null;
    book.answer(tuple, list ?? outcomes[0]?.text ?? null);
  }
}

async function runAll(book: AnswerBook, runs: SeedRuns, asking: SeedAsking): Promise<void> {
  const { statement, settings, budget, advisories } = asking;
  const { onError, timeoutMs } = settings;
  const fallback = onError.kind === 'default' ? onError.value : null;
  const window = new Window(runs.lanes);
  await executeRuns(statement, {
    // The values of a list are wanted as they were; a single one's text is enough.
    settings: { kind: 'map', timeoutMs, keepOutputs: book.operator.seed !== 'rvbbit_run' },
    calls: callPlan(book, settings),
    inputs: runs.inputs(asking.count(runs.size)),
    parallel: runs.lanes,
    failFast: onError.kind === 'fail',
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

/** RUN's account of one run over the table that the rows make; the table outlives the statement. */
async function runBatch(book: AnswerBook, call: BatchCall, asking: SeedAsking): Promise<string> {
  const { statement, settings, budget, advisories } = asking;
  await makeTable(call, statement);
  if (await hasPermanentTable(statement.session, call.table)) {
    asking.shadowing.push(call.table);
  }
  const names = call.columns.map(({ name }) => name);
  const table = { name: call.table, rowCount: call.rows.length, columns: names };
  const report = await runOverTable(table, statement, {
    timeoutMs: settings.timeoutMs,
    calls: callPlan(book, settings),
    failFast: settings.onError.kind === 'fail',
    advisories,
    ordinal: asking.count(1),
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
    { signal },
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
