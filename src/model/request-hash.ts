/** Computes the identity of a request: equal requests have equal hashes, whichever provider answers them. */
import { createHash } from 'node:crypto';
import { type ChatRequest, keptMessages } from './chat.ts';

/** Returns the SHA-256 in hex of a request's canonical JSON: sorted keys, and images by their hash. */
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
  // fromEntries keeps a key `__proto__`; an assignment would set the prototype.
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries);
}
