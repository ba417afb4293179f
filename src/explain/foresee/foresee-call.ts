/** Foresees the call of a cell with `instructions`, and finds its answer if it is stored. */
import { CHARS_PER_TOKEN } from '../../limits.ts';
import { providerOf } from '../../model/chat.ts';
import { callKeyOf } from '../../run/call-key.ts';
import { tokensOf } from '../../run/call-model.ts';
import { readAnswer, requestFor } from '../../run/cells/instructions.ts';
import { batchable } from '../../run/item-batch.ts';
import type { InstructionsCellProgram } from '../../run/program.ts';
import { type ForesightHost, type Known, RunEnds, type Surroundings } from './foreseen.ts';
import type { Given, Knowledge } from './knowledge.ts';

/** Notes the call and returns the cell's output if it is known. Throws RunEnds if the cell fails for sure. */
export function foreseeCall(
  cell: InstructionsCellProgram,
  knowledge: Knowledge,
  { host, calls, lacking, chance, variant, rows }: Surroundings,
  given: Given = {},
): Known {
  const target = host.settings.models?.targets[cell.model ?? ''];
  if (target === undefined) {
    if (chance !== 'sure') return undefined;
    lacking.model = true;
    throw new RunEnds();
  }
  const { model } = target;
  const provider = providerOf(target);
  const call = {
    ...{ cell: cell.name, provider, model, chance },
    ...(rows === undefined ? {} : { rows }),
  };
  const isRendered =
    knowledge.knows(cell.instructions.references, given) &&
    (cell.system === undefined || knowledge.knows(cell.system.references, given));
  if (!isRendered) {
    const cap = cell.parameters['max_tokens'];
    calls.push({
      ...call,
      isStored: false,
      inputTokens: aboutTokens(cell, knowledge, host),
      ...(typeof cap === 'number' ? { outputCap: cap } : {}),
    });
    return undefined;
  }
  const request = requestFor(cell, { ...knowledge.view(), ...given }, model, host);
  if (request === undefined) throw new RunEnds();
  const callKey = callKeyOf(provider, request, variant);
  const { inputTokens, outputTokens } = tokensOf(request);
  const text = host.find(callKey);
  const answer = text === undefined ? undefined : readAnswer(cell, { text });
  const batch =
    host.settings.batches === true && variant === undefined
      ? batchable(cell.name, target, request)
      : undefined;
  calls.push({
    ...call,
    ...(batch === undefined ? {} : { sharing: { key: batch.key, request } }),
    callKey,
    isStored: answer?.ok === true,
    inputTokens,
    ...(outputTokens === undefined ? {} : { outputCap: outputTokens }),
  });
  return answer?.ok === true ? { value: answer.value } : undefined;
}

/** Estimates the tokens of an unknown prompt: with blanks in place of the unknown answers, or else from its template. */
function aboutTokens(
  cell: InstructionsCellProgram,
  knowledge: Knowledge,
  host: ForesightHost,
): number {
  const request = requestFor(cell, knowledge.blankView(), '', host);
  if (request !== undefined) return tokensOf(request).inputTokens;
  const { instructions, system, schemaInstruction: told } = cell;
  return Math.ceil(
    [instructions.text, system?.text, host.settings.models?.prompt, told].join('').length /
      CHARS_PER_TOKEN,
  );
}
