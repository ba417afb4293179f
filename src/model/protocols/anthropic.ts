/** Anthropic's Messages API: https://docs.anthropic.com/en/api/messages */
import { messageError, readMessage } from './anthropic-answer.ts';
import { impliedByMessages, messagesBody } from './anthropic-body.ts';
import { MessageFold } from './anthropic-stream.ts';
import type { Protocol } from './protocol.ts';

/** The version of the API: https://docs.anthropic.com/en/api/versioning */
const VERSION = '2023-06-01';

/** The protocol of providers of type `anthropic`. */
export const ANTHROPIC: Protocol = {
  path: '/messages',
  headers: (given, apiKey) => ({
    'anthropic-version': VERSION,
    ...given,
    ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }),
  }),
  implied: impliedByMessages,
  body: messagesBody,
  readAnswer: readMessage,
  readError: messageError,
  openStream: () => new MessageFold(),
};
