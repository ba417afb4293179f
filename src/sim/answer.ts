/** Makes the answers of the simulated model. */
import type { ChatCall } from './chat-request.ts';
import { hashText, mixSeed } from './random.ts';
import { schemaInstance } from './schema-instance.ts';
import type { Action, SimulatorSettings } from './script.ts';
import { charsOf, tokensOf } from './tokens.ts';

/** An answer before it is put into the form of a protocol. */
export interface ChatAnswer {
  readonly content: string | null;
  readonly refusal: string | null;
  readonly finish: string;
  readonly reasoningTokens: number;
  /** Tokens of the content and of the reasoning. */
  readonly tokensOut: number;
}

/** Makes the answer to a call. It depends only on the call's prompt, its response schema and the script. */
export function answerChat(
  chat: ChatCall,
  prompt: string,
  mode: SimulatorSettings['answers'],
  action: Action | undefined,
): ChatAnswer {
  const reasoningTokens = action?.reasoningTokens ?? 0;
  const refusal = action?.refusal ?? null;
  const whole = refusal === null ? contentOf(chat, prompt, mode, action) : null;
  const room = charsOf(chat.maxTokens ?? Number.POSITIVE_INFINITY);
  const isCut = whole !== null && whole.length > room;
  const content = isCut ? whole.slice(0, room) : whole;
  return {
    content,
    refusal,
    finish: action?.finish ?? (isCut ? 'length' : 'stop'),
    reasoningTokens,
    tokensOut: tokensOf((content ?? refusal ?? '').length) + reasoningTokens,
  };
}

/** Makes the text of an answer. */
export function contentOf(
  chat: ChatCall,
  prompt: string,
  mode: SimulatorSettings['answers'],
  action: Action | undefined,
): string {
  const scripted = action?.answer;
  if (scripted !== undefined) {
    return typeof scripted === 'string' ? scripted : JSON.stringify(scripted);
  }
  if (chat.schema !== undefined) {
    const fault = action?.fault;
    const wrongEnum = fault?.kind === 'content' && fault.what === 'wrong-enum';
    const seed = mixSeed(hashText(chat.text), 0);
    // An empty enum allows no value.
    return JSON.stringify(schemaInstance(chat.schema, seed, wrongEnum) ?? null);
  }
  if (mode === 'json' || chat.responseFormat === 'json_object') {
    return JSON.stringify({ answer: prompt, hash: hashText(prompt).slice(0, 16) });
  }
  return mode === 'hash' ? hashText(prompt).slice(0, 16) : prompt;
}

/** The parts of a chat body that a content fault may change. */
export interface ChatShape {
  readonly choices: 'one' | 'none';
  readonly toolCalls: boolean;
  readonly usage: boolean;
}
