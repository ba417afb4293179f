/** OpenAI's chat completions, which many servers support: https://platform.openai.com/docs/api-reference/chat */
import { providerError } from '../provider-error.ts';
import { readCompletion } from './openai-answer.ts';
import { completionBody, impliedByCompletion } from './openai-body.ts';
import { CompletionFold } from './openai-stream.ts';
import type { Protocol } from './protocol.ts';

/** The protocol of providers of type `openai-compatible`. */
export const OPENAI: Protocol = {
  path: '/chat/completions',
  headers: (given, apiKey) => ({
    ...given,
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  }),
  implied: impliedByCompletion,
  body: completionBody,
  readAnswer: readCompletion,
  readError: providerError,
  openStream: () => new CompletionFold(),
};
