/** The HTTP body of a call's answer, with the faults that lie in the body. */
import type { ChatAnswer } from './answer.ts';
import { chatBody, embeddingsBody, errorBody } from './envelope.ts';
import type { Fault } from './fault.ts';
import type { LedgerEntry } from './ledger.ts';
import type { Call } from './read-call.ts';
import { spoilAnswer } from './spoil-answer.ts';
import { spoilBody, spoilContent } from './spoil-bytes.ts';

/** The body of an answer; bytes where a fault put something in that is no text. */
export function callBody(
  call: Call,
  { contentHash, model }: LedgerEntry,
  answer: ChatAnswer | undefined,
  tokensIn: number,
  fault: Fault | undefined,
): string | Buffer {
  if (fault?.kind === 'content' && fault.what === 'error-body') {
    return errorBody(500, 'The upstream provider failed.');
  }
  if (call.kind === 'embeddings' || answer === undefined) {
    if (call.kind === 'chat') return '';
    const what = fault?.kind === 'content' ? fault.what : undefined;
    const body = embeddingsBody(model, call.embedding, tokensIn, what);
    return fault?.kind === 'spoil' ? spoilBody(body, fault, '') : body;
  }
  if (fault?.kind === 'content') {
    const spoilt = spoilAnswer(answer, fault.what);
    return chatBody(contentHash, model, spoilt.answer, tokensIn, spoilt.shape);
  }
  if (fault?.kind !== 'spoil') return chatBody(contentHash, model, answer, tokensIn);
  const text = answer.content ?? '';
  const content = fault.in === 'content' ? spoilContent(text, fault) : text;
  return spoilBody(chatBody(contentHash, model, { ...answer, content }, tokensIn), fault, content);
}
