/**
 * Puts a streamed chat completion together from `chat.completion.chunk` events and the final `[DONE]`.
 * https://platform.openai.com/docs/api-reference/chat-streaming
 */
import { parseBody } from '../body-text.ts';
import { member } from '../provider-error.ts';
import { isError } from './answer-failures.ts';
import type { StreamEvent, StreamFold } from './protocol.ts';

const LAST = '[DONE]';
const AFTER_END = 'holds text after its end';
const OTHER_ANSWER = 'holds pieces of two answers';

/** The fold of OpenAI's protocol. */
export class CompletionFold implements StreamFold {
  /** The parts of the answer in order: texts, and other parts such as Mistral's thoughts. */
  readonly #parts: unknown[] = [];
  /** Chunks of text that are not yet joined into a part. */
  #texts: string[] = [];
  #chars = 0;
  #hasChoice = false;
  #hasContent = false;
  #hasParts = false;
  #refusal = '';
  /** The first piece of a tool call. Only the existence of a tool call matters. */
  #toolCall: unknown;
  /** The first reason to finish. Nothing may be added to the answer after it. */
  #finish: unknown = null;
  /** The id of the answer, once a chunk names it. */
  #id: unknown;
  #usage: unknown;
  #error: unknown;
  #isWhole = false;

  get isWhole(): boolean {
    return this.#isWhole;
  }

  get chars(): number {
    return this.#chars;
  }

  add({ event, data }: StreamEvent): string | undefined {
    if (data.trim() === LAST) {
      this.#isWhole = true;
      return undefined;
    }
    const chunk = parseBody(data);
    if (!chunk.ok) return `holds an event that ${chunk.problem}`;
    const error = member(chunk.value, 'error');
    if (isError(error)) this.#fail(error);
    else if (event === 'error') this.#fail(chunk.value);
    // Groq sent the usage in `x_groq` before it supported stream_options.
    const usage =
      member(chunk.value, 'usage') ?? member(member(chunk.value, 'x_groq'), 'usage') ?? undefined;
    if (usage !== undefined) this.#usage = usage;
    const choices = member(chunk.value, 'choices');
    // Azure's first chunk and the chunk with the usage have no choices.
    if (!Array.isArray(choices) || choices.length === 0) return undefined;
    // Some servers name no id, or none in their first chunk.
    const id = member(chunk.value, 'id') || this.#id;
    this.#id ??= id;
    if (id !== this.#id) return OTHER_ANSWER;
    return choices.map((choice) => this.#addChoice(choice)).find((problem) => problem);
  }

  body(): unknown {
    // If an error comes before any text, the body is only the error.
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

  /** Adds a choice of a chunk. Returns what is wrong with it, else undefined. */
  #addChoice(choice: unknown): string | undefined {
    // The request asked for a single answer.
    if ((member(choice, 'index') ?? 0) !== 0) return undefined;
    this.#hasChoice = true;
    const isOver = this.#finish !== null;
    const before = this.#chars;
    const error = member(choice, 'error');
    if (isError(error)) this.#fail(error);
    const finish = member(choice, 'finish_reason') ?? null;
    this.#finish ??= finish;
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
    return isOver && this.#chars > before ? AFTER_END : undefined;
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
