/** A provider that answers by word overlap, without network and model. Equal requests get equal answers. */
import { CANCELLED, closedError } from '../../errors.ts';
import type { ChatOutcome, ChatRequest } from '../chat.ts';
import { endedChat } from '../http-failure.ts';
import type { ChatLimits, Provider } from '../provider.ts';
import { answerText, answerValue } from './answer.ts';
import { splitPrompt } from './split-prompt.ts';

/** The number of a prompt's characters that are read; the rest is ignored. */
const LEXICAL_MAX_CHARS = 64 * 1024;

/** The provider of word overlap. */
export class Lexical implements Provider {
  readonly #id: string;
  #closed = false;

  constructor(id: string) {
    this.#id = id;
  }

  /** Answers the first user message. Later messages only concern the form of the answer. */
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

  warm(): void {}

  async close(): Promise<void> {
    this.#closed = true;
  }
}
