/** Runs `js` cells: calls their code in their cascade's realm, and reads a copy of the answer. */
import { thrownLine } from '../../cascade/js-function.ts';
import { RvbbitError } from '../../errors.ts';
import { VALUE_MAX_BYTES } from '../../limits.ts';
import type { Json, JsonObject } from '../../util/json.ts';
import type { JsCellProgram } from '../program.ts';
import type { CallEnd, Crossing } from '../realm/inside-calls.ts';
import { type Run, settleWithin, timeLimit } from '../run-state.ts';

/**
 * Runs the cell. Returns the value if its function is synchronous, else a promise with a deadline. `outputs` is
 * undefined if the cell is the only cell of its cascade. `output` is the value that a ward judges.
 */
export function runJsCell(
  cell: JsCellProgram,
  run: Run,
  outputs: JsonObject | undefined,
  output?: Json,
): Json | Promise<Json> {
  const { context, input, state } = run;
  const { cell: inside, crossing } = cell.code();
  const controller = cell.usesSignal ? new AbortController() : undefined;
  let waiting: Promise<Json> | undefined;
  let end: ReturnType<typeof inside.begin>;
  context.enterJs?.(cell.timeoutMs);
  try {
    end = inside.begin(input, outputs, state, controller?.signal, output);
    if (end === 'waits') {
      waiting = new Promise((resolve, reject) => {
        inside.wait((settled) => {
          try {
            resolve(answerOf(cell, settled, crossing));
          } catch (error) {
            reject(error);
          }
        });
      });
    }
  } finally {
    context.leaveJs?.();
  }
  if (end !== 'waits') return answerOf(cell, end, crossing);
  const limit = timeLimit(run, cell.label, cell.timeoutMs);
  return settleWithin(waiting!, limit, context.signal, (reason) => controller?.abort(reason));
}

/** Returns the answer that a call left in the crossing, or throws its error. */
function answerOf(cell: JsCellProgram, end: CallEnd, { value, maxBytes, stack }: Crossing): Json {
  switch (end) {
    case 'value':
      if (
        maxBytes > VALUE_MAX_BYTES &&
        Buffer.byteLength(JSON.stringify(value)) > VALUE_MAX_BYTES
      ) {
        throw invalidAnswer(cell, `its answer has more than ${VALUE_MAX_BYTES} bytes as JSON`);
      }
      return value;
    case 'unfit':
      throw invalidAnswer(cell, `its answer${value}`);
    case 'thrown':
      throw cellError(cell, value as string, stack);
  }
}

function invalidAnswer(cell: JsCellProgram, what: string): RvbbitError {
  return new RvbbitError('RVB_ANSWER_INVALID', `${cell.label}: ${what}`, { stage: 'execute' });
}

/** Makes the error of a throw in the code, with the file's line if the stack contains it. */
function cellError(cell: JsCellProgram, message: string, stack: string): RvbbitError {
  const line = thrownLine(stack, cell.sourceUrl);
  const at = line === undefined ? '' : ` (${cell.source}:${line + cell.firstLine - 1})`;
  return new RvbbitError('RVB_CELL', `${cell.label}: ${message}${at}`, { stage: 'execute' });
}
