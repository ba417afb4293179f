/** The identity of a question: equal requests have equal hashes, whoever answers them. */
import { createHash } from 'node:crypto';
import { type ChatRequest, keptMessages } from './chat.ts';

/** SHA-256 in hex of a request's canonical JSON: keys in order, nothing but what is asked. */
export function requestHash({ model, messages, parameters, responseSchema }: ChatRequest): string {
  const asked = {
    model,
    messages: keptMessages(messages),
    parameters,
    ...(responseSchema ? { responseSchema } : {}),
  };
  return createHash('sha256').update(JSON.stringify(asked, inOrder)).digest('hex');
}

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  // Entries, not assignment: a key may be `__proto__`.
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries);
}
