/** The call that a cell with `instructions` would make, and its answer where one is at hand. */
import { providerOf } from '../../model/chat.ts';
import { callKeyOf } from '../../run/call-key.ts';
import { CHARS_PER_TOKEN, tokensOf } from '../../run/call-model.ts';
import { readAnswer, requestFor } from '../../run/cells/instructions.ts';
import type { InstructionsCellProgram } from '../../run/program.ts';
import { type ForesightHost, type Known, RunEnds, type Surroundings } from './foreseen.ts';
import type { Given, Knowledge } from './knowledge.ts';

/** Notes the call; gives what the cell would. Throws RunEnds where it fails for sure. */
export function foreseeCall(
  cell: InstructionsCellProgram,
  knowledge: Knowledge,
  { host, calls, lacking, chance, variant }: Surroundings,
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
  const call = { cell: cell.name, provider, model, chance };
  const isRendered =
    knowledge.knows(cell.instructions.references, given) &&
    (cell.system === undefined || knowledge.knows(cell.system.references, given));
  if (!isRendered) {
    const cap = cell.parameters['max_tokens'];
    calls.push({
      ...call,
      isAtHand: false,
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
  calls.push({
    ...call,
    callKey,
    isAtHand: answer?.ok === true,
    inputTokens,
    ...(outputTokens === undefined ? {} : { outputCap: outputTokens }),
  });
  return answer?.ok === true ? { value: answer.value } : undefined;
}

/** Of a prompt that is not known: as it is with nothing in the place of the answers, else its template. */
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
