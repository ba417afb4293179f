/**
 * Looks up stored answers for all rows of a chunk in one message, so that a row whose answer is found waits for
 * nothing when it runs.
 */

import { providerOf } from '../model/chat.ts';
import type { JsonObject } from '../util/json.ts';
import { callKeyOf } from './call-key.ts';
import { type Foreseen, foreseeRequest } from './cells/instructions.ts';
import type { LookUp } from './contract.ts';
import type { CascadeProgram } from './program.ts';
import type { RunContext } from './run-state.ts';

/**
 * Looks up the first model call of each row with `find`, and keeps the answers that it finds for the rows' runs. A
 * row for which `find` gives null makes its call. Returns the cell and model of the calls; undefined if the first
 * cell has a `when`, takes or wards, or is not a model call.
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
