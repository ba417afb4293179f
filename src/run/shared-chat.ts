/** Makes the calls that several questions share: one request to the model, and an outcome of its own for each question. */
import type { Failure } from '../errors.ts';
import { RAW_ANSWER_CHARS } from '../limits.ts';
import type {
  AskAgain,
  CallPart,
  ChatOutcome,
  ChatRequest,
  ChatResponse,
  ModelTarget,
} from '../model/chat.ts';
import type { ChatLimits, SharedQuestion } from '../model/provider.ts';
import { UNAVAILABLE } from './call-model.ts';
import { itemBatch } from './item-batch.ts';

/** Makes a call to the target of the question. Never rejects. */
type Chat = (request: ChatRequest, limits: ChatLimits) => Promise<ChatOutcome>;

interface Member {
  readonly question: SharedQuestion;
  readonly request: ChatRequest;
  readonly limits: ChatLimits;
  settle(outcome: ChatOutcome): void;
}

/** Gathers the questions of each shared call, which come in the same turn of the event loop. */
export class SharedChats {
  readonly #gathering = new Map<string, Member[]>();

  /** Asks a question together with the others of its call. Never rejects. */
  ask(
    question: SharedQuestion,
    target: ModelTarget,
    { request, limits, chat }: Pick<Member, 'request' | 'limits'> & { readonly chat: Chat },
  ): Promise<ChatOutcome> {
    const { id } = question.call;
    return new Promise((settle) => {
      let members = this.#gathering.get(id);
      if (members === undefined) {
        const gathered: Member[] = [];
        members = gathered;
        this.#gathering.set(id, members);
        setImmediate(() => {
          this.#gathering.delete(id);
          void send(id, target, gathered, chat);
        });
      }
      members.push({ question, request, limits, settle });
    });
  }
}

/** The call may take as long as the question with the most time. */
async function send(
  id: string,
  target: ModelTarget,
  members: readonly Member[],
  chat: Chat,
): Promise<void> {
  const [first] = members;
  const requests = members.map(({ request }) => request);
  const keys = members.map(({ question }) => question.callKey);
  const batch = members.length === 1 ? undefined : itemBatch(requests, keys);
  const timeoutMs = Math.max(...members.map(({ limits }) => limits.timeoutMs));
  const request = batch?.request ?? first!.request;
  const outcome = await chat(request, { ...first!.limits, timeoutMs });
  const there = members.filter(({ question }) => !question.isGone);
  const half = Math.ceil(there.length / 2);
  const texts = outcome.ok ? batch?.read(outcome.response.text) : undefined;
  for (const [index, member] of there.entries()) {
    const isLow = index < half;
    const again = {
      kind: 'half',
      key: `${id}.${isLow ? 0 : 1}`,
      of: isLow ? half : there.length - half,
    } as const;
    const part = { index, of: there.length };
    const place = members.indexOf(member);
    member.settle(
      batch === undefined
        ? { ...outcome, part }
        : outcome.ok
          ? answered(outcome, target, part, { again, texts, text: texts?.[place] })
          : failed(outcome, target, part, again),
    );
  }
}

type Half = Omit<Extract<AskAgain, { kind: 'half' }>, 'atOnce'>;

interface Found {
  readonly again: Half;
  readonly texts: unknown;
  readonly text: string | undefined;
}

/** Returns the outcome of one question of an answered call. */
function answered(
  outcome: Extract<ChatOutcome, { readonly ok: true }>,
  { model }: ModelTarget,
  part: CallPart,
  { again, texts, text }: Found,
): ChatOutcome {
  const { response, ...seen } = outcome;
  const own: ChatResponse | undefined = text === undefined ? undefined : { ...response, text };
  if (own !== undefined) return { ...seen, response: own, part };
  const what = texts === undefined ? 'cannot be read' : 'leaves out this one, or mixes it up';
  const error: Failure = {
    code: 'RVB_ANSWER_INVALID',
    message: `the answer of ${model} to ${part.of} questions ${what}`,
  };
  const { usage } = response;
  const raw = response.text.slice(0, RAW_ANSWER_CHARS);
  return {
    ...seen,
    ok: false,
    error,
    retryable: true,
    ...(usage === undefined ? {} : { usage }),
    ...(texts === undefined && part.index === 0 ? { raw } : {}),
    part,
    again: texts === undefined ? { ...again, atOnce: true } : { kind: 'missing' },
  };
}

/** A call that failed for reasons of its provider is retried as it is. Any other failure may be due to one question. */
function failed(
  outcome: Extract<ChatOutcome, { readonly ok: false }>,
  { kind }: ModelTarget,
  part: CallPart,
  again: Half,
): ChatOutcome {
  const { error, status, retryable, refused, brokeOff } = outcome;
  const isSilent = status === undefined && brokeOff !== true && error.code !== 'RVB_TIMEOUT';
  const isContact = kind === 'provider' && isSilent;
  const isProviders =
    refused !== undefined ||
    isContact ||
    (status !== undefined && UNAVAILABLE.has(status)) ||
    error.code === 'RVB_CANCELLED';
  return isProviders
    ? { ...outcome, part }
    : { ...outcome, part, again: { ...again, atOnce: !retryable } };
}
