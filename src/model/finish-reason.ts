/** Reads the reason why an answer ended from the words that servers use for it. */
import type { ChatResponse } from './chat.ts';

/** Why an answer ended. `broken`: the server stopped in the middle of it. `unknown`: the word is not in the list. */
export type Finish = ChatResponse['finishReason'] | 'broken' | 'unknown';

/** The servers' words in lower case, by their meaning. */
const WORDS: Readonly<Record<Exclude<Finish, 'other' | 'unknown'>, string>> = {
  stop: 'stop stop_sequence stop_token stop_word end_turn end_of_turn end_of_text end_token eos eos_token end complete completed finish finished done success normal',
  length:
    'length max_tokens max_output_tokens max_completion_tokens max_new_tokens max_length model_length token_limit context_length model_context_window_exceeded incomplete',
  content_filter:
    'content_filter content_filtered filtered safety refusal recitation prohibited_content blocklist spii sensitive moderation image_safety guardrail_intervened',
  tool_calls:
    'tool_calls tool_call tool_use function_call function_calls malformed_function_call unexpected_tool_call pause_turn',
  broken:
    'error abort aborted cancel cancelled canceled timeout time_limit failed failure interrupted overloaded network_error insufficient_system_resource repetition load unload',
};

const MEANINGS: ReadonlyMap<string, Finish> = new Map(
  Object.entries(WORDS).flatMap(([finish, words]) =>
    words.split(' ').map((word) => [word, finish as Finish] as const),
  ),
);

/**
 * Reads a finish reason such as `STOP` or `content_filter: RECITATION`. Returns `other` if the server gives no reason,
 * which counts as a finished answer. Returns `unknown` for `null`, which servers send while an answer has not ended.
 */
export function finishOf(reason: unknown): Finish {
  if (reason === undefined || reason === '') return 'other';
  if (typeof reason !== 'string') return 'unknown';
  const word = reason
    .split(':', 1)[0]!
    .trim()
    .toLowerCase()
    .replace(/^finish_reason_/, '');
  return MEANINGS.get(word) ?? 'unknown';
}
