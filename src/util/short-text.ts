import { MESSAGE_VALUE_CHARS } from '../limits.ts';

/** Returns a text as messages show it: cut to MESSAGE_VALUE_CHARS, with `…` for the rest. */
export function shortText(text: string): string {
  return text.length <= MESSAGE_VALUE_CHARS ? text : `${text.slice(0, MESSAGE_VALUE_CHARS - 1)}…`;
}
