/** Answers at hand for the rows of a chunk, looked for in one message: a row of a later run then waits for nothing. */
import type { JsonObject } from '../src/json.ts';
import { callKeyOf } from './call-key.ts';
import { foreseeRequest } from './cells/instructions.ts';
import type { CascadeProgram } from './compile-cascade.ts';
import type { LookUp } from './protocol.ts';
import type { RunContext } from './run-state.ts';

/** Answers that were found ahead, and those of them that a run has used. */
export class AnswersAhead {
  readonly #found = new Map<string, string>();
  readonly #of: Omit<LookUp, 'callKeys'>;
  readonly #used: string[] = [];

  /** `texts[i]` is the answer to the call `callKeys[i]`, null where it has none. */
  constructor({ callKeys, ...of }: LookUp, texts: readonly (string | null)[]) {
    this.#of = of;
    for (const [index, text] of texts.entries()) {
      if (text !== null) this.#found.set(callKeys[index]!, text);
    }
  }

  /** The answer to a call that a run makes; it counts as used. */
  use(callKey: string): string | undefined {
    const text = this.#found.get(callKey);
    if (text !== undefined) this.#used.push(callKey);
    return text;
  }

  /** The calls whose places were taken by answers, one key each; undefined where there are none. */
  get used(): LookUp | undefined {
    return this.#used.length === 0 ? undefined : { ...this.#of, callKeys: this.#used };
  }
}

/**
 * The answers that the rows' first calls will find; `find` gives null for those that must be asked.
 * Undefined where the first cell does not ask a model outright.
 */
export async function askAhead(
  program: CascadeProgram,
  inputs: readonly JsonObject[],
  context: RunContext,
  find: (lookUp: LookUp) => Promise<readonly (string | null)[]>,
): Promise<AnswersAhead | undefined> {
  const [cell] = program.cells;
  if (cell?.kind !== 'instructions' || cell.when !== undefined) return undefined;
  const { name, model } = cell;
  const target = context.modelTarget({ name, ...(model === undefined ? {} : { model }) });
  if (target === undefined) return undefined;
  const provider = target.kind === 'provider' ? target.provider.id : 'function';
  const callKeys: string[] = [];
  for (const input of inputs) {
    const outputs = program.isSingle ? {} : program.noOutputs;
    const request = foreseeRequest(cell, { input, outputs, state: {} }, target.model, context);
    if (request !== undefined) callKeys.push(callKeyOf(provider, request, undefined));
  }
  const lookUp = { cell: name, provider, model: target.model, callKeys };
  return new AnswersAhead(lookUp, await find(lookUp));
}
