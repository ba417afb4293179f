/** Content faults: valid HTTP and JSON around an unexpected answer. */
import type { ChatAnswer, ChatShape } from './answer.ts';
import type { ContentFault } from './fault.ts';
import { isRecord } from './json.ts';

const PROSE = ['Sure! Here is the answer you asked for:\n\n', '\n\nLet me know if that helps.'];
const SORRY = "I'm sorry, I can't help with that.";

/** An answer and the form of its body, after a content fault was applied. */
export interface SpoiltAnswer {
  readonly answer: ChatAnswer;
  readonly shape: ChatShape;
}

/** Applies a content fault to a chat answer. The caller handles `error-body`. */
export function spoilAnswer(answer: ChatAnswer, what: ContentFault['what']): SpoiltAnswer {
  const text = answer.content ?? '';
  const shape: ChatShape = {
    choices: what === 'no-choices' ? 'none' : 'one',
    toolCalls: what === 'tool-calls',
    usage: what !== 'no-usage',
  };
  const change = (part: Partial<ChatAnswer>) => ({ answer: { ...answer, ...part }, shape });
  switch (what) {
    case 'no-choices':
    case 'no-usage':
    case 'error-body':
      return change({});
    case 'null-content':
      return change({ content: null });
    case 'empty-content':
      return change({ content: '' });
    case 'refusal':
      return change({ content: null, refusal: SORRY });
    case 'tool-calls':
      return change({ content: null, finish: 'tool_calls' });
    case 'prose':
      return change({ content: PROSE.join(text) });
    case 'fenced':
      return change({ content: `\`\`\`json\n${text}\n\`\`\`` });
    case 'wrong-enum':
      // An instance of a schema was already made with a wrong enum value.
      return change(text.startsWith('{') ? {} : { content: 'not one of the allowed values' });
    case 'length':
      return change({ content: text.slice(0, Math.ceil(text.length / 2)), finish: 'length' });
    case 'content-filter':
      return change({ content: '', finish: 'content_filter' });
    case 'missing-item':
    case 'extra-item':
    case 'shuffled-items':
      return change({ content: spoilJsonItems(text, what) });
  }
}

/** Changes a list: removes the last item, repeats the last item, removes all items, or reverses the order. */
export function spoilItems<T>(items: readonly T[], what: ContentFault['what']): readonly T[] {
  if (what === 'no-choices') return [];
  if (what === 'missing-item') return items.slice(0, -1);
  if (what === 'extra-item') return [...items, ...items.slice(-1)];
  return what === 'shuffled-items' ? items.toReversed() : items;
}

/** Changes a list in JSON text in the same way: the text's own list, or the first member that is a list. */
function spoilJsonItems(text: string, what: ContentFault['what']): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  if (Array.isArray(value)) return JSON.stringify(spoilItems(value, what));
  if (!isRecord(value)) return text;
  const found = Object.entries(value).find(([, item]) => Array.isArray(item));
  if (found === undefined) return text;
  const [name, items] = found as [string, unknown[]];
  return JSON.stringify({ ...value, [name]: spoilItems(items, what) });
}
