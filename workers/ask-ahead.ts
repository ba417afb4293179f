/** Answers at hand for the rows of a chunk, looked for in one message: a row of a later run then waits for nothing. */
import type { JsonObject } from '../src/json.ts';
import { callKeyOf } from './call-key.ts';
import { foreseeRequest } from './cells/instructions.ts';
import type { CascadeProgram } from './compile-cascade.ts';
import type { LookUp } from './protocol.ts';
import type { RunContext } from './run-state.ts';

/**
 * The answers, by call key, that the rows' first calls will find; `find` gives null for those that must be
 * asked. None where the first cell does not ask a model outright.
 */
export async function askAhead(
  program: CascadeProgram,
  inputs: readonly JsonObject[],
  context: RunContext,
  find: (lookUp: LookUp) => Promise<readonly (string | null)[]>,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const [cell] = program.cells;
  if (cell?.kind !== 'instructions' || cell.when !== undefined) return found;
  const { name, model } = cell;
  const target = context.modelTarget({ name, ...(model === undefined ? {} : { model }) });
  if (target === undefined) return found;
  const provider = target.kind === 'provider' ? target.provider.id : 'function';
  const callKeys: string[] = [];
  for (const input of inputs) {
    const outputs = program.isSingle ? {} : program.noOutputs;
    const request = foreseeRequest(cell, { input, outputs, state: {} }, target.model, context);
    if (request !== undefined) callKeys.push(callKeyOf(provider, request, undefined));
  }
  const texts = await find({ cell: name, provider, model: target.model, callKeys });
  for (const [index, text] of texts.entries()) {
    if (text !== null) found.set(callKeys[index]!, text);
  }
  return found;
}
