/** The constant start of a request's text, which providers cache. */
import { hash } from 'node:crypto';
import type { ChatRequest } from './chat.ts';

/** About 1,024 tokens in characters. No model caches a shorter text. */
export const CACHED_MIN_CHARS = 4_096;

/** Returns a short hash of the text that all requests of a cell begin with; undefined if it is too short for a cache. */
export function constantKey({ messages, constant }: ChatRequest): string | undefined {
  const told = messages.filter(({ role }) => role === 'system').map(({ content }) => content);
  const isSame = told.length === 0 || constant?.system === true;
  const prompt = messages.find(({ role }) => role !== 'system')?.content ?? '';
  const text = isSame ? [...told, prompt.slice(0, constant?.prompt ?? 0)].join('\n') : '';
  return text.length < CACHED_MIN_CHARS ? undefined : hash('sha256', text, 'hex').slice(0, 16);
}
