/** The one way to a model: every call is made, read and reported here. The place of the retry loop. */
import { type Failure, failureOf, RvbbitError } from '../src/errors.ts';
import { RAW_ANSWER_CHARS } from '../src/limits.ts';
import type {
  AttemptOpening,
  AttemptReport,
  ChatOutcome,
  ChatRequest,
  ChatResponse,
  ModelTarget,
} from '../src/model/chat.ts';
import { type Run, settleWithin, type TimeLimit } from './run-state.ts';

/** What is asked, of whom, and for how long. */
export interface ModelCall<T> {
  readonly cell: string;
  /** The cascade's file and the cell, for messages. */
  readonly label: string;
  readonly target: ModelTarget;
  readonly request: ChatRequest;
  readonly limit: TimeLimit;
  /** 1 for a cell's first call; counts on over retries and re-asking. */
  readonly attempt: number;
  /** The value of an answer, or why it has none. */
  read(response: ChatResponse): ReadAnswer<T>;
}

/** An answer's value, or what to tell the model about it. */
export type ReadAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string };

/** What a call gave: a value, or an answer that could not be used. */
export type CallResult<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly message: string;
      readonly text: string;
      /** The number of the last call that was made. */
      readonly attempt: number;
    };

/**
 * Calls the model once and reports the call. Throws the call's failure, under the cell's label; an answer
 * that `read` refuses is a result, so that the cell may ask again.
 */
export async function callModel<T>(run: Run, call: ModelCall<T>): Promise<CallResult<T>> {
  const opening = openingOf(call);
  const report = run.context.openAttempt(opening);
  const startedMs = run.context.nowMs();
  const outcome = await chat(run, call);
  const durationMs = run.context.nowMs() - startedMs;
  if (!outcome.ok) {
    report(reportOf(opening, durationMs, outcome, outcome.error, outcome.raw));
    throw labelled(call, outcome.error, outcome.retryable);
  }
  const { text } = outcome.response;
  const answer = call.read(outcome.response);
  if (answer.ok) {
    report(reportOf(opening, durationMs, outcome));
    return answer;
  }
  const message = `the answer cannot be used: ${answer.message}`;
  const error: Failure = { code: 'RVB_ANSWER_INVALID', message };
  report(reportOf(opening, durationMs, outcome, error, text.slice(0, RAW_ANSWER_CHARS)));
  return { ok: false, message: answer.message, text, attempt: call.attempt };
}

/** The call. A provider holds to the limit and the signal itself; a function is not trusted to. */
async function chat<T>(run: Run, call: ModelCall<T>): Promise<ChatOutcome> {
  const { context } = run;
  const options = { signal: context.signal, timeoutMs: call.limit.ms };
  const answering = context.chat(call.target, call.request, options);
  if (call.target.kind === 'provider') return answering;
  try {
    return await settleWithin(answering, call.limit, context.signal);
  } catch (thrown) {
    const retryable = thrown instanceof RvbbitError && thrown.retryable;
    return { ok: false, error: failureOf(thrown), retryable };
  }
}

function labelled<T>(call: ModelCall<T>, error: Failure, retryable: boolean): RvbbitError {
  const { code, message } = error;
  const text = message.startsWith(call.label) ? message : `${call.label}: ${message}`;
  return new RvbbitError(code, text, { stage: 'execute', retryable });
}

function openingOf<T>({ cell, attempt, target }: ModelCall<T>): AttemptOpening {
  const provider = target.kind === 'provider' ? target.provider.id : 'function';
  return { cell, attempt, provider, model: target.model };
}

function reportOf(
  opening: AttemptOpening,
  durationMs: number,
  outcome: ChatOutcome,
  error?: Failure,
  raw?: string,
): AttemptReport {
  const usage = outcome.ok ? outcome.response.usage : outcome.usage;
  return {
    ...opening,
    durationMs,
    outcome: error === undefined ? 'ok' : 'failed',
    ...(outcome.status === undefined ? {} : { status: outcome.status }),
    ...(usage === undefined ? {} : { usage }),
    ...(error === undefined ? {} : { error }),
    ...(raw === undefined ? {} : { raw }),
  };
}
