/** Makes the HTTP body of a call's answer, with the faults that change the body. */
import type { ChatAnswer, ChatShape } from './answer.ts';
import { chatBody, chatEvents, embeddingsBody, errorBody, WHOLE } from './envelope.ts';
import type { ContentFault, Fault } from './fault.ts';
import type { Endpoint, LedgerEntry } from './ledger.ts';
import {
  messageBody,
  messageErrorBody,
  messageErrorEvent,
  messageEvents,
} from './messages-body.ts';
import type { Call } from './read-call.ts';
import { spoilAnswer } from './spoil-answer.ts';
import { spoilBody, spoilContent } from './spoil-bytes.ts';
import type { CallTokens } from './tokens.ts';

/** Splits an answer into the pieces of its stream's events, of at most 12 characters each. */
const PIECE = /[\s\S]{1,12}/gu;

/** A body: a text, bytes if a fault inserted some that are not text, or the events of a stream. */
export type CallBody = string | Buffer | readonly string[];

/** Makes the body of an answer. `tokens` are the counts in its usage. */
export function callBody(
  call: Call,
  entry: LedgerEntry,
  answer: ChatAnswer | undefined,
  tokens: CallTokens,
  fault: Fault | undefined,
): CallBody {
  const what = fault?.kind === 'content' ? fault.what : undefined;
  if (call.kind === 'embeddings') {
    if (what === 'error-body') return errorBody(500, UPSTREAM);
    const body = embeddingsBody(entry.model, call.embedding, tokens.tokensIn, what);
    return fault?.kind === 'spoil' ? spoilBody(body, fault, '') : body;
  }
  if (answer === undefined) return '';
  if (what !== undefined) return contentFault(call, entry, answer, tokens, what);
  if (fault?.kind !== 'spoil') return answerBody(call, entry, answer, tokens, WHOLE);
  const text = answer.content ?? '';
  const content = fault.in === 'content' ? spoilContent(text, fault) : text;
  const body = answerBody(call, entry, { ...answer, content }, tokens, WHOLE);
  return spoilBody(typeof body === 'string' ? body : body.join(''), fault, content);
}

const UPSTREAM = 'The upstream provider failed.';

function contentFault(
  call: ChatLike,
  entry: LedgerEntry,
  answer: ChatAnswer,
  tokens: CallTokens,
  what: ContentFault['what'],
): CallBody {
  if (what !== 'error-body') {
    const spoilt = spoilAnswer(answer, what);
    return answerBody(call, entry, spoilt.answer, tokens, spoilt.shape);
  }
  const whole = answerBody(call, entry, answer, tokens, WHOLE);
  if (typeof whole === 'string') return problemBody(entry.endpoint, 500, UPSTREAM, null);
  const event =
    entry.endpoint === 'messages'
      ? messageErrorEvent(500, UPSTREAM)
      : `data: ${errorBody(500, UPSTREAM)}\n\n`;
  return [...whole.slice(0, whole.length >> 1), event];
}

type ChatLike = Extract<Call, { kind: 'chat' }>;

function answerBody(
  { chat }: ChatLike,
  { contentHash, model, endpoint }: LedgerEntry,
  answer: ChatAnswer,
  tokens: CallTokens,
  shape: ChatShape,
): string | readonly string[] {
  if (endpoint === 'messages') {
    const parts = { contentHash, model, answer, tokens, shape, tool: chat.tool };
    return chat.stream ? messageEvents(parts, piecesOf) : messageBody(parts);
  }
  if (!chat.stream) return chatBody(contentHash, model, answer, tokens, shape);
  const streamed = { ...shape, usage: shape.usage && chat.includeUsage };
  return chatEvents(contentHash, model, answer, tokens, { shape: streamed, piecesOf });
}

function piecesOf(text: string): string[] {
  return text.match(PIECE) ?? [];
}

/** Makes the body of an error in the form of the endpoint's protocol. */
export function problemBody(
  endpoint: Endpoint,
  status: number,
  message: string,
  code: string | null,
): string {
  return endpoint === 'messages'
    ? messageErrorBody(status, message, code)
    : errorBody(status, message, code);
}
