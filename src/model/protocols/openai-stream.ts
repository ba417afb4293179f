/**
 * A streamed chat completion, put together: `chat.completion.chunk` events and `[DONE]` after the last.
 * https://platform.openai.com/docs/api-reference/chat-streaming
 */
import { parseBody } from '../body-text.ts';
import { member } from '../provider-error.ts';
import { isError } from './answer-failures.ts';
import type { StreamEvent, StreamFold } from './protocol.ts';

const LAST = '[DONE]';

export class CompletionFold implements StreamFold {
  /** Parts of the answer in order: texts, and what is more than text (Mistral's thoughts). */
  readonly #parts: unknown[] = [];
  /** Chunks of text that are no part yet. */
  #texts: string[] = [];
  #chars = 0;
  #hasChoice = false;
  #hasContent = false;
  #hasParts = false;
  #refusal = '';
  /** The first piece of one, which is as much as is read of it. */
  #toolCall: unknown;
  #finish: unknown = null;
  #usage: unknown;
  #error: unknown;
  #isWhole = false;

  get isWhole(): boolean {
    return this.#isWhole;
  }

  get chars(): number {
    return this.#chars;
  }

  add({ data }: StreamEvent): string | undefined {
    if (data.trim() === LAST) {
      this.#isWhole = true;
      return undefined;
    }
    const chunk = parseBody(data);
    if (!chunk.ok) return `holds an event that ${chunk.problem}`;
    const error = member(chunk.value, 'error');
    if (isError(error)) this.#fail(error);
    // Groq had it there before it knew stream_options.
    const usage =
      member(chunk.value, 'usage') ?? member(member(chunk.value, 'x_groq'), 'usage') ?? undefined;
    if (usage !== undefined) this.#usage = usage;
    const choices = member(chunk.value, 'choices');
    // Azure's first chunk has none, nor has the one with the usage.
    for (const choice of Array.isArray(choices) ? choices : []) this.#addChoice(choice);
    return undefined;
  }

  body(): unknown {
    // An error before any text is the whole of the answer.
    if (this.#error !== undefined && this.#chars === 0) return { error: this.#error };
    this.#endText();
    const texts = this.#parts as readonly { readonly text: string }[];
    const whole = this.#hasContent ? texts.map(({ text }) => text).join('') : null;
    const message = {
      content: this.#hasParts ? this.#parts : whole,
      ...(this.#refusal === '' ? {} : { refusal: this.#refusal }),
      ...(this.#toolCall === undefined ? {} : { tool_calls: [this.#toolCall] }),
    };
    return {
      choices: this.#hasChoice ? [{ index: 0, message, finish_reason: this.#finish }] : [],
      ...(this.#usage === undefined ? {} : { usage: this.#usage }),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  #addChoice(choice: unknown): void {
    // One answer was asked for.
    if ((member(choice, 'index') ?? 0) !== 0) return;
    this.#hasChoice = true;
    const error = member(choice, 'error');
    if (isError(error)) this.#fail(error);
    const finish = member(choice, 'finish_reason') ?? null;
    if (finish !== null) this.#finish = finish;
    const delta = member(choice, 'delta');
    const content = member(delta, 'content');
    if (typeof content === 'string') this.#addText(content);
    else if (Array.isArray(content)) {
      this.#endText();
      this.#hasParts = true;
      this.#hasContent = true;
      for (const part of content) {
        const text = member(part, 'text');
        this.#chars += typeof text === 'string' ? text.length : 1;
        this.#parts.push(part);
      }
    }
    const refusal = member(delta, 'refusal');
    if (typeof refusal === 'string') {
      this.#refusal += refusal;
      this.#chars += refusal.length;
    }
    const calls = member(delta, 'tool_calls');
    if (Array.isArray(calls)) this.#toolCall ??= calls[0];
  }

  #addText(text: string): void {
    this.#hasContent = true;
    this.#texts.push(text);
    this.#chars += text.length;
  }

  #endText(): void {
    if (this.#texts.length === 0) return;
    this.#parts.push({ type: 'text', text: this.#texts.join('') });
    this.#texts = [];
  }

  #fail(error: unknown): void {
    this.#error = error;
    this.#isWhole = true;
  }
}
