/** Reads the body of a call of any kind. */
import { type ChatCall, RequestProblem, readChat, readModel } from './chat-request.ts';
import { type EmbeddingCall, readEmbedding } from './embedding.ts';
import { isRecord } from './json.ts';
import type { Endpoint } from './ledger.ts';
import { readMessages } from './messages-request.ts';
import type { SimulatorSettings } from './script.ts';

/** The path of each kind of call, after the version. */
export const PATHS: Readonly<Record<Endpoint, string>> = {
  chat: '/chat/completions',
  messages: '/messages',
  embeddings: '/embeddings',
};

/**
 * A call that was read. `text` contains its messages or texts, joined by line breaks. `chars` does not count the line
 * breaks.
 */
export type Call =
  | {
      readonly kind: 'chat';
      readonly chat: ChatCall;
      readonly text: string;
      readonly chars: number;
    }
  | {
      readonly kind: 'embeddings';
      readonly embedding: EmbeddingCall;
      readonly text: string;
      readonly chars: number;
    };

/**
 * Reads a body. Throws `RequestProblem`. `models` are the models that exist; undefined: all do. `refuses` are the
 * parameters that they do not take.
 */
export function readCall(
  endpoint: Endpoint,
  body: unknown,
  { models, refuses }: Pick<SimulatorSettings, 'models' | 'refuses'>,
): Call {
  if (!isRecord(body)) throw new RequestProblem(400, 'the body must be a JSON object');
  const model = readModel(body);
  if (models?.includes(model) === false) {
    throw new RequestProblem(404, `The model '${model}' does not exist.`, 'model_not_found');
  }
  const refused = refuses.find((name) => Object.hasOwn(body, name));
  if (refused !== undefined) {
    const words =
      endpoint === 'messages'
        ? `${refused}: Extra inputs are not permitted`
        : `Unrecognized request argument supplied: ${refused}`;
    throw new RequestProblem(400, words);
  }
  if (endpoint !== 'embeddings') {
    const chat = endpoint === 'chat' ? readChat(body) : readMessages(body);
    return { kind: 'chat', chat, text: chat.text, chars: chat.chars };
  }
  const embedding = readEmbedding(body);
  const text = embedding.inputs.join('\n');
  return { kind: 'embeddings', embedding, text, chars: text.length - embedding.inputs.length + 1 };
}
