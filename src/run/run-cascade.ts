/** One run of a cascade: its cells in order, their conditions, routes and state, and the run's value. */
import { isTruthy } from '../cascade/plain-json.ts';
import { type Expression, evaluateExpression } from '../cascade/template.ts';
import { failureOf, RvbbitError } from '../errors.ts';
import { MESSAGE_VALUE_CHARS } from '../limits.ts';
import type { Json, JsonObject } from '../util/json.ts';
import { runCascadeCell } from './cells/cascade.ts';
import { runGuardedCell } from './cells/guarded.ts';
import { runInstructionsCell } from './cells/instructions.ts';
import { runJsCell } from './cells/js.ts';
import { runRetried } from './cells/retried.ts';
import { runSqlCell } from './cells/sql-data.ts';
import type { RunOutcome } from './contract.ts';
import type { CascadeProgram, CellProgram } from './program.ts';
import { cellAfter } from './routing.ts';
import {
  beginStep,
  endsRun,
  type Run,
  type RunBounds,
  type RunContext,
  type Variant,
} from './run-state.ts';

/** Runs a cascade on one input. Never throws and never rejects: a failure is an outcome. */
export function runCascade(
  program: CascadeProgram,
  input: JsonObject,
  context: RunContext,
): Promise<RunOutcome> {
  return Promise.resolve(runCascadeNow(program, input, context));
}

/** Like `runCascade`, but returns the outcome itself if no cell had to wait, so that a cheap row costs no promise. */
export function runCascadeNow(
  program: CascadeProgram,
  input: JsonObject,
  context: RunContext,
): RunOutcome | Promise<RunOutcome> {
  const { timeoutMs } = context.settings;
  const deadlineMs = context.nowMs() + timeoutMs;
  const bounds = { steps: 0, attempts: 1, waitedMs: 0, timeoutMs, deadlineMs };
  return startRun(program, input, context, bounds, undefined);
}

function startRun(
  program: CascadeProgram,
  input: JsonObject,
  context: RunContext,
  bounds: RunBounds,
  variant: Variant | undefined,
): RunOutcome | Promise<RunOutcome> {
  const outputs = program.isSingle ? {} : { ...program.noOutputs };
  const run: Run = { context, input, outputs, state: {}, bounds };
  if (variant !== undefined) run.variant = variant;
  try {
    const problem = program.checkInput?.(input);
    if (problem !== undefined) throw inputError(program, input, problem.path, problem.message);
    const outcome = runFrom(program, run, 0, undefined);
    return outcome instanceof Promise ? outcome.catch((error) => failed(run, error)) : outcome;
  } catch (error) {
    return failed(run, error);
  }
}

/**
 * Runs the cells from index `from` on, synchronously until a cell has to wait. `value` is the last output, undefined if
 * no cell has run.
 */
function runFrom(
  program: CascadeProgram,
  run: Run,
  from: number,
  value: Json | undefined,
): RunOutcome | Promise<RunOutcome> {
  let last = value;
  let index = from;
  while (index < program.cells.length) {
    const cell = program.cells[index]!;
    beginStep(run, cell.label);
    if (cell.when !== undefined && !isTruthy(evaluate(cell.label, cell.when, run))) {
      run.outputs[cell.name] = null;
      index++;
      continue;
    }
    run.bounds.attempts = 1;
    const output = runCell(program, cell, run);
    if (output instanceof Promise) {
      const at = index;
      return output.then((settled) => {
        const next = afterCell(program, cell, run, at, settled);
        return runFrom(program, run, next, settled);
      });
    }
    last = output;
    index = afterCell(program, cell, run, index, output);
  }
  return finish(program, run, last);
}

/** Returns the cell's checked output, or null if the cell failed and has `on_error: null`. */
function runCell(program: CascadeProgram, cell: CellProgram, run: Run): Json | Promise<Json> {
  const recover = (error: unknown): Json => {
    if (cell.nullOnError && !endsRun(run, error)) return null;
    throw labelled(cell.label, error);
  };
  try {
    const output = callCell(program, cell, run);
    if (!(output instanceof Promise)) return checkOutput(cell, output);
    return output.then((value) => checkOutput(cell, value)).catch(recover);
  } catch (error) {
    return recover(error);
  }
}

/**
 * Runs a cell, with retries if it has a `retry` block. A cell with instructions retries each model call itself, and a
 * guarded cell leaves retries to its inner cell.
 */
function callCell(program: CascadeProgram, cell: CellProgram, run: Run): Json | Promise<Json> {
  const { retry, label, kind } = cell;
  if (retry === undefined || kind === 'instructions' || kind === 'guarded') {
    return callOnce(program, cell, run);
  }
  return runRetried(label, retry, run, () => callOnce(program, cell, run));
}

function callOnce(program: CascadeProgram, cell: CellProgram, run: Run): Json | Promise<Json> {
  switch (cell.kind) {
    case 'js':
      return runJsCell(cell, run, program.isSingle ? undefined : run.outputs);
    case 'sql_data':
      return runSqlCell(cell, run, run.outputs);
    case 'cascade':
      return runCascadeCell(cell, run, run.outputs, startRun);
    case 'instructions':
      return runInstructionsCell(cell, run, run.outputs);
    case 'guarded':
      return runGuardedCell(cell, run, {
        call: (inner, inRun) => callCell(program, inner, inRun),
        checkOutput,
        runNested: startRun,
      });
    case 'unsupported':
      throw new RvbbitError(
        'RVB_UNSUPPORTED',
        `${cell.label}: this version does not execute ${cell.what} yet`,
        {
          stage: 'execute',
        },
      );
  }
}

function checkOutput(cell: CellProgram, output: Json): Json {
  const problem = cell.checkOutput?.(output);
  if (problem === undefined) return output;
  const message = `${cell.label}: its answer${problem.path} ${problem.message}`;
  throw new RvbbitError('RVB_ANSWER_INVALID', message, { stage: 'execute' });
}

/** Keeps the output, sets the state, and returns the index of the next cell. */
function afterCell(
  program: CascadeProgram,
  cell: CellProgram,
  run: Run,
  index: number,
  output: Json,
): number {
  run.outputs[cell.name] = output;
  if (cell.set !== undefined) {
    for (const [key, expression] of cell.set) {
      run.state[key] = evaluate(cell.label, expression, run);
    }
  }
  return cellAfter(program, cell, index, output);
}

function finish(program: CascadeProgram, run: Run, last: Json | undefined): RunOutcome {
  let value = last;
  if (program.output !== undefined) {
    const output = evaluate(`${program.cascade.file}: output`, program.output, run);
    // A run whose cells were all skipped has a value only if `output` makes one out of nothing.
    if (output !== null || last !== undefined) value = output;
  }
  return withOutputs(run, value === undefined ? { kind: 'skipped' } : { kind: 'ok', value });
}

function failed(run: Run, error: unknown): RunOutcome {
  const { attempts } = run.bounds;
  return withOutputs(run, { kind: 'failed', error: failureOf(error), attempts });
}

/** Adds the outputs, if they are kept, and the refusals by advisory wards. */
function withOutputs(run: Run, outcome: RunOutcome): RunOutcome {
  const { outputs, advisories } = run;
  const { keepOutputs } = run.context.settings;
  const hasAdvisories = advisories !== undefined && advisories.length > 0;
  if (!keepOutputs && !hasAdvisories) return outcome;
  return {
    ...outcome,
    ...(keepOutputs ? { outputs } : {}),
    ...(hasAdvisories ? { advisories } : {}),
  };
}

function evaluate(label: string, expression: Expression, run: Run): Json {
  try {
    return evaluateExpression(expression, view(run));
  } catch (error) {
    throw labelled(label, error);
  }
}

/** Adds the cell's label to a template error, because templates do not know their cell. */
function labelled(label: string, error: unknown): unknown {
  if (!(error instanceof RvbbitError) || error.code !== 'RVB_TEMPLATE') return error;
  if (error.message.startsWith(label)) return error;
  return new RvbbitError(error.code, `${label}: ${error.message}`, { stage: error.stage });
}

function view(run: Run): { input: JsonObject; outputs: JsonObject; state: JsonObject } {
  return { input: run.input, outputs: run.outputs, state: run.state };
}

function inputError(
  program: CascadeProgram,
  input: JsonObject,
  path: string,
  expected: string,
): RvbbitError {
  let value: unknown = input;
  for (const name of path.split('.').slice(1)) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  }
  const text = path === '' || value === undefined ? '' : ` (it is ${JSON.stringify(value)})`;
  const shown =
    text.length <= MESSAGE_VALUE_CHARS ? text : `${text.slice(0, MESSAGE_VALUE_CHARS - 1)}…`;
  return new RvbbitError(
    'RVB_TYPE_MISMATCH',
    `${program.cascade.file}: input${path} ${expected}${shown}`,
    { stage: 'execute' },
  );
}
