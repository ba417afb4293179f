/** A `js` cell: its function is called in the worker and its answer copied out. */
import { thrownLine } from '../../cascade/js-function.ts';
import { copyJson } from '../../cascade/plain-json.ts';
import { cancelledError, messageOf, RvbbitError } from '../../errors.ts';
import { VALUE_MAX_BYTES } from '../../limits.ts';
import type { Json, JsonObject } from '../../util/json.ts';
import type { JsCellProgram } from '../program.ts';
import { type Run, settleWithin, timeLimit } from '../run-state.ts';

const NOTHING: JsonObject = Object.freeze({});

/**
 * Runs the cell: at once where its function is synchronous, else as a promise with a deadline.
 * `outputs` and `state` are frozen copies, so no cell changes what another sees.
 */
export function runJsCell(
  cell: JsCellProgram,
  run: Run,
  outputs: JsonObject,
  freeze: boolean,
): Json | Promise<Json> {
  const { context } = run;
  const controller = cell.usesSignal ? new AbortController() : undefined;
  const state = hasKeys(run.state) ? Object.freeze({ ...run.state }) : NOTHING;
  let answer: unknown;
  context.enterJs?.(cell.timeoutMs);
  try {
    answer = cell.call(run.input, outputs, state, controller?.signal);
    if (isThenable(answer)) {
      // Adopted inside the bracket: `then` is the cell's own code.
      answer = Promise.resolve(answer);
    }
  } catch (error) {
    throw cellError(cell, error);
  } finally {
    context.leaveJs?.();
  }
  if (!(answer instanceof Promise)) return checkedAnswer(cell, answer, freeze);
  const limit = timeLimit(run, cell.label, cell.timeoutMs);
  return settleWithin(
    answer.catch((error: unknown) => {
      throw cellError(cell, error);
    }),
    limit,
    context.signal,
    (reason) => controller?.abort(reason),
  ).then((value) => checkedAnswer(cell, value, freeze));
}

function hasKeys(object: object): boolean {
  for (const _ in object) return true;
  return false;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}

/** The answer as plain JSON; a copy, since the cell's code may still hold what it returned. */
function checkedAnswer(cell: JsCellProgram, answer: unknown, freeze: boolean): Json {
  if (typeof answer === 'string' && answer.length <= VALUE_MAX_BYTES / 4) return answer;
  const copied = copyJson(answer, freeze);
  if (!copied.ok) {
    const { path, message } = copied.problem;
    throw invalidAnswer(cell, `its answer${path} ${message}`);
  }
  const { value } = copied;
  const isSmall = value === null || typeof value === 'number' || typeof value === 'boolean';
  if (!isSmall && Buffer.byteLength(JSON.stringify(value)) > VALUE_MAX_BYTES) {
    throw invalidAnswer(cell, `its answer has more than ${VALUE_MAX_BYTES} bytes as JSON`);
  }
  return value;
}

function invalidAnswer(cell: JsCellProgram, what: string): RvbbitError {
  return new RvbbitError('RVB_ANSWER_INVALID', `${cell.label}: ${what}`, { stage: 'execute' });
}

/** What the code threw, with the file's line where the stack tells it. Reads nothing that could throw. */
function cellError(cell: JsCellProgram, thrown: unknown): RvbbitError {
  let message = 'threw something that has no text';
  let line: number | undefined;
  try {
    message = messageOf(thrown);
    if (thrown instanceof RvbbitError && thrown.code === 'RVB_CANCELLED') return cancelledError();
    const stack = thrown instanceof Error ? String(thrown.stack) : '';
    line = thrownLine(stack, cell.sourceUrl);
  } catch {
    // A getter or toString of the thrown value threw in turn.
  }
  const at = line === undefined ? '' : ` (${cell.source}:${line + cell.firstLine - 1})`;
  return new RvbbitError('RVB_CELL', `${cell.label}: ${message}${at}`, { stage: 'execute' });
}
