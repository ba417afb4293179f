/** Tells a model which of its answers a ward refused. */
import { valueText } from '../../cascade/plain-json.ts';
import type { ChatMessage } from '../../model/chat.ts';
import type { Refusal } from '../run-state.ts';

/** Makes two messages for each refusal: the answer, and why it was refused. */
export function refusalMessages(refusals: readonly Refusal[]): readonly ChatMessage[] {
  return refusals.flatMap(({ output, reason }) => [
    { role: 'assistant', content: valueText(output) ?? 'null' },
    { role: 'user', content: `That answer was refused: ${reason}. Answer again.` },
  ]);
}
