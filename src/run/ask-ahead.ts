/** Answers at hand for the rows of a chunk, looked for in one message: a row of a later run then waits for nothing. */

import { providerOf } from '../model/chat.ts';
import type { JsonObject } from '../util/json.ts';
import { callKeyOf } from './call-key.ts';
import { type Foreseen, foreseeRequest } from './cells/instructions.ts';
import type { LookUp } from './contract.ts';
import type { CascadeProgram } from './program.ts';
import type { RunContext } from './run-state.ts';

/**
 * Gives the rows' first calls the answers that `find` has; those that it gives null for must be asked. Returns
 * whose calls they are; undefined where the first cell does not ask a model outright.
 */
export async function askAhead(
  program: CascadeProgram,
  inputs: readonly JsonObject[],
  context: RunContext,
  find: (lookUp: LookUp) => Promise<readonly (string | null)[]>,
): Promise<Omit<LookUp, 'callKeys'> | undefined> {
  const [cell] = program.cells;
  if (cell?.kind !== 'instructions' || cell.when !== undefined) return undefined;
  const { name, model } = cell;
  const target = context.modelTarget({ name, ...(model === undefined ? {} : { model }) });
  if (target === undefined) return undefined;
  const provider = providerOf(target);
  const foreseen: Foreseen[] = [];
  for (const input of inputs) {
    const outputs = program.isSingle ? {} : program.noOutputs;
    const ready = foreseeRequest(cell, { input, outputs, state: {} }, target.model, context);
    if (ready !== undefined) foreseen.push(ready);
  }
  const callKeys = foreseen.map(({ request }) => callKeyOf(provider, request, undefined));
  const calls = { cell: name, provider, model: target.model };
  const texts = await find({ ...calls, callKeys });
  for (const [index, text] of texts.entries()) {
    if (text !== null) foreseen[index]!.found = { callKey: callKeys[index]!, text };
  }
  return calls;
}
