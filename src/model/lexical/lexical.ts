/** Answers by word overlap: no network, no model, the same answer to the same question. */
import { CANCELLED, closedError } from '../../errors.ts';
import type { ChatOutcome, ChatRequest } from '../chat.ts';
import { endedChat } from '../http-failure.ts';
import type { ChatLimits, Provider } from '../provider.ts';
import { answerText, answerValue } from './answer.ts';
import { splitPrompt } from './split-prompt.ts';

/** Characters of a prompt that word overlap looks at. */
const LEXICAL_MAX_CHARS = 64 * 1024;

export class Lexical implements Provider {
  readonly #id: string;
  #closed = false;

  constructor(id: string) {
    this.#id = id;
  }

  /** Reads the first user message: what comes after it is about the form of an answer. */
  async chat(request: ChatRequest, { signal }: ChatLimits): Promise<ChatOutcome> {
    if (this.#closed || signal.aborted) {
      const provider = this.#id;
      const asked = { who: `${provider}/${request.model}`, provider, clean: String };
      return endedChat(asked, this.#closed ? closedError() : CANCELLED);
    }
    const { messages, responseSchema } = request;
    const prompt = messages.find(({ role }) => role === 'user')?.content ?? '';
    const split = splitPrompt(prompt.slice(0, LEXICAL_MAX_CHARS));
    const text =
      responseSchema === undefined
        ? answerText(split)
        : JSON.stringify(answerValue(responseSchema, split));
    const usage = { inputTokens: 0, outputTokens: 0 };
    return { ok: true, response: { text, finishReason: 'stop', usage } };
  }

  async warm(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true;
  }
}
