/** The length of a prompt that holds answers which are not known. */
import { CHARS_PER_TOKEN, tokensOf } from './call-model.ts';
import { requestFor } from './cells/instructions.ts';
import type { InstructionsCellProgram } from './compile-cascade.ts';
import type { ForesightHost } from './foreseen.ts';
import type { KnownSoFar } from './known-so-far.ts';

/** Tokens of the prompt with nothing in the place of those answers; of its template where it cannot be rendered so. */
export function aboutTokens(
  cell: InstructionsCellProgram,
  known: KnownSoFar,
  host: ForesightHost,
): number {
  const view = known.view();
  const outputs = { ...view.outputs };
  for (const name of known.unknown) outputs[name] = '';
  const request = requestFor(cell, { ...view, outputs }, '', host);
  if (request !== undefined) return tokensOf(request).inputTokens;
  const { instructions, system, schemaInstruction: told } = cell;
  return Math.ceil([instructions.text, system?.text, told].join('').length / CHARS_PER_TOKEN);
}
