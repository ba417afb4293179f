/**
 * Makes every model call: gets its permit, makes the call, reports it, and retries it if it failed. An answer that
 * was found ahead of its row does not pass through this file. After an unusable answer, `cells/instructions.ts` asks
 * again.
 */
import type { Retry } from '../cascade/cascade.ts';
import { cancelledError, type Failure, failureOf, RvbbitError } from '../errors.ts';
import { CHARS_PER_TOKEN, IMAGE_TOKENS, RAW_ANSWER_CHARS, RETRY_ATTEMPTS } from '../limits.ts';
import {
  type AttemptReport,
  type ChatOutcome,
  type ChatRequest,
  type ChatResponse,
  keptMessages,
  type ModelTarget,
  providerOf,
} from '../model/chat.ts';
import { PROMPT_TOO_LONG } from '../model/provider-error.ts';
import { callKeyOf } from './call-key.ts';
import type { CallDecision, CallRequest } from './contract.ts';
import { batchable } from './item-batch.ts';
import { retryWaitMs } from './retry.ts';
import { pause, type Run, settleWithin, type TimeLimit } from './run-state.ts';

/** The longest time of one model call, from the first byte sent to the last byte of the answer. */
const MODEL_CALL_TIMEOUT_MS = 120_000;

/** The most parameters that a model may refuse during one `callModel`, one after another. */
const MAX_REFUSED = 8;

/** After this many shared calls without an answer of its own, a question is asked by itself. */
const MAX_MISSING = 2;
/** The most shared calls of one question that fail or lack its answer. */
const MAX_SHARED = 16;

/**
 * The model cannot be asked: its server is gone or was overloaded at every attempt, or the model does not exist. A
 * fallback may work.
 */
export class ModelUnavailableError extends RvbbitError {}

/** Statuses that make a model unavailable without a retry: no key, no money, no such model, too many calls. */
export const UNAVAILABLE: ReadonlySet<number> = new Set([401, 402, 403, 404, 407, 429]);

/** One question to a model, with its time limit. */
export interface ModelCall<T> {
  readonly cell: string;
  /** The cascade's file and the cell's name, for error messages. */
  readonly label: string;
  readonly target: ModelTarget;
  /** `provider/model` that the cell names first, if this call goes to a fallback. */
  readonly insteadOf?: string;
  readonly request: ChatRequest;
  readonly retry?: Retry;
  /** 1 for a cell's first call. Retries and repeated questions count on from there. */
  readonly attempt: number;
  /** True: a stored answer is known to be unusable, so the call must be made. */
  readonly fresh?: boolean;
  /** Returns the rest of the cell's time. */
  limit(): TimeLimit;
  /** Returns the value of an answer, or the reason why it has none. */
  read(response: Pick<ChatResponse, 'text'>): ReadAnswer<T>;
}

/** An answer's value, or the message that tells the model what is wrong. */
export type ReadAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string };

/** The result of a call: a value, or an answer that could not be used. */
export type ModelAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly message: string;
      readonly text: string;
      /** The number of the last call. */
      readonly attempt: number;
    };

/**
 * Asks the model until it answers. Retries as long as the failures may be temporary and attempts and time are left.
 * Throws the last failure, with the cell's label. An answer that `read` refuses is a result, so that the cell may ask
 * again.
 */
export async function callModel<T>(run: Run, call: ModelCall<T>): Promise<ModelAnswer<T>> {
  const { context, bounds } = run;
  const { target, request } = call;
  const provider = providerOf(target);
  const maxAttempts = context.settings.maxAttempts ?? call.retry?.maxAttempts ?? RETRY_ATTEMPTS;
  const asked: Omit<CallRequest, 'leftMs'> = {
    cell: call.cell,
    n: call.attempt,
    provider,
    model: target.model,
    callKey: callKeyOf(provider, request, run.variant),
    ...(call.insteadOf === undefined ? {} : { insteadOf: call.insteadOf }),
    ...tokensOf(request),
    ...(context.settings.keepPrompts === true ? { prompt: keptMessages(request.messages) } : {}),
  };
  let batch =
    context.settings.batches === true && run.variant === undefined
      ? batchable(call.cell, target, request)
      : undefined;
  const batchKey = batch?.key;
  let n = call.attempt - 1;
  let answers = 0;
  for (let failures = 0, refused = 0, shared = 0, missing = 0, fresh = call.fresh === true; ; ) {
    n += 1;
    bounds.attempts = n;
    const leftMs = call.limit().ms;
    const decision = await permitFor(run, {
      ...asked,
      n,
      leftMs,
      ...(fresh ? { fresh } : {}),
      ...(batch === undefined ? {} : { batch }),
      ...(context.settings.orders === true ? { ordered: { request, answers } } : {}),
    });
    if (decision.kind === 'refused') {
      // Nothing was asked: another model may take the call, or have room for the prompt.
      const { code, message } = decision.error;
      const isUnavailable = code === 'RVB_MODEL_HTTP' || message.startsWith(PROMPT_TOO_LONG);
      throw labelled(call, decision.error, false, isUnavailable);
    }
    if (decision.kind === 'hit') {
      const answer = call.read(decision);
      if (answer.ok) return answer;
      fresh = true;
      n -= 1;
      continue;
    }
    if (context.signal.aborted) {
      context.endCall(decision.attempt, { durationMs: 0, outcome: 'not_sent' });
      throw cancelledError();
    }
    if (decision.answered !== undefined) answers += 1;
    const limit = callLimit(call);
    const startedMs = context.nowMs();
    const outcome = await chat(run, call, limit, asked.callKey, decision);
    const durationMs = context.nowMs() - startedMs;
    const answer = outcome.ok ? call.read(outcome.response) : undefined;
    context.endCall(decision.attempt, reportOf(outcome, answer, durationMs));
    if (answer?.ok === true) return answer;
    if (outcome.ok) {
      return { ok: false, message: answer!.message, text: outcome.response.text, attempt: n };
    }
    if (outcome.refused !== undefined && refused < MAX_REFUSED) {
      // The next call omits the parameter. This is not a temporary failure, so there is no wait.
      refused += 1;
      continue;
    }
    const { again } = outcome;
    failures += 1;
    const isOver = !outcome.retryable || failures >= maxAttempts;
    if (
      batch !== undefined &&
      again !== undefined &&
      (again.kind === 'missing' || again.atOnce || isOver)
    ) {
      // The question has not failed. It is asked again in another call, so there is no wait.
      failures = 0;
      if (again.kind === 'missing') missing += 1;
      const isAlone = missing >= MAX_MISSING || ++shared >= MAX_SHARED;
      const half = again.kind === 'half' ? again : undefined;
      const { sharedTokens } = batch;
      batch =
        isAlone || half?.of === 1
          ? undefined
          : {
              key: batchKey!,
              sharedTokens,
              ...(half === undefined ? {} : { key: half.key, of: half.of }),
            };
      continue;
    }
    if (isOver) throw failureAfter(call, outcome, failures);
    // The next answer comes with another batch.
    if (decision.answered !== undefined) continue;
    const waitMs = retryWaitMs(
      call.retry ?? {},
      failures,
      outcome.retryAfterMs,
      () => decision.shared?.jitter ?? Math.random(),
    );
    if (waitMs >= call.limit().ms) throw failureAfter(call, outcome, failures);
    await pause(waitMs, context.signal);
  }
}

/**
 * Returns the time that a call which begins now may take: the rest of the cell's time, but at most
 * MODEL_CALL_TIMEOUT_MS.
 */
function callLimit<T>(call: ModelCall<T>): TimeLimit {
  const left = call.limit();
  if (left.ms <= MODEL_CALL_TIMEOUT_MS) return left;
  const message = `${call.label}: a call took longer than ${MODEL_CALL_TIMEOUT_MS} ms`;
  return { ms: MODEL_CALL_TIMEOUT_MS, message };
}

/**
 * Asks for a permit. The time spent waiting for the limiter or the budget is added to the deadlines of the run and
 * the cell. The time spent waiting for the answer of an equal call is not added, because that wait replaces a call.
 */
async function permitFor(run: Run, request: CallRequest): Promise<CallDecision> {
  const { context, bounds } = run;
  const askedMs = context.nowMs();
  const decision = await context.requestCall(request);
  bounds.waitedMs += Math.max(0, context.nowMs() - askedMs - (decision.followedMs ?? 0));
  return decision;
}

/**
 * Estimates a prompt's tokens: one per CHARS_PER_TOKEN characters, rounded up, and IMAGE_TOKENS per image. The output
 * tokens are the cap, if there is one.
 */
export function tokensOf(request: ChatRequest): Pick<CallRequest, 'inputTokens' | 'outputTokens'> {
  let chars = 0;
  let images = 0;
  for (const message of request.messages) {
    chars += message.content.length;
    images += message.images?.length ?? 0;
  }
  const cap = request.parameters['max_tokens'];
  return {
    inputTokens: Math.ceil(chars / CHARS_PER_TOKEN) + images * IMAGE_TOKENS,
    ...(typeof cap === 'number' ? { outputTokens: cap } : {}),
  };
}

/**
 * Makes the call. A provider enforces the limit and the signal itself. For a function of the embedding program, and
 * for a shared call, they are enforced here.
 */
async function chat<T>(
  run: Run,
  call: ModelCall<T>,
  limit: TimeLimit,
  callKey: string,
  { learned, answered, shared: sharedCall }: Extract<CallDecision, { readonly kind: 'go' }>,
): Promise<ChatOutcome> {
  const { context } = run;
  const shared = sharedCall && { call: sharedCall, callKey, isGone: false };
  const options = {
    signal: context.signal,
    timeoutMs: limit.ms,
    ...(learned === undefined ? {} : { learned }),
    ...(shared === undefined ? {} : { shared }),
    ...(answered === undefined ? {} : { answered }),
  };
  const answering = context.chat(call.target, call.request, options);
  if (call.target.kind === 'provider' && shared === undefined) return answering;
  try {
    return await settleWithin(answering, limit, context.signal, () => {
      if (shared !== undefined) shared.isGone = true;
    });
  } catch (thrown) {
    const retryable = thrown instanceof RvbbitError && thrown.retryable;
    return { ok: false, error: failureOf(thrown), retryable };
  }
}

function failureAfter<T>(
  call: ModelCall<T>,
  { error, retryable, status }: Extract<ChatOutcome, { readonly ok: false }>,
  attempts: number,
): RvbbitError {
  const times = attempts === 1 ? '' : ` (${attempts} attempts)`;
  const failure = { ...error, message: `${error.message}${times}` };
  // A call without a response, because of a wrong address or certificate, has no status.
  const isHttp = error.code === 'RVB_MODEL_HTTP';
  const isUnavailable = retryable || (isHttp && (status === undefined || UNAVAILABLE.has(status)));
  return labelled(call, failure, retryable, isUnavailable);
}

function labelled<T>(
  call: ModelCall<T>,
  error: Failure,
  retryable: boolean,
  isUnavailable: boolean,
): RvbbitError {
  const { code, message } = error;
  const text = message.startsWith(call.label) ? message : `${call.label}: ${message}`;
  const Failed = isUnavailable ? ModelUnavailableError : RvbbitError;
  return new Failed(code, text, { stage: 'execute', retryable });
}

function reportOf<T>(
  outcome: ChatOutcome,
  answer: ReadAnswer<T> | undefined,
  durationMs: number,
): AttemptReport {
  const { status, rateLimits, part } = outcome;
  const seen = {
    durationMs,
    ...(part === undefined ? {} : { part }),
    ...(status === undefined ? {} : { status }),
    ...(rateLimits === undefined ? {} : { rateLimits }),
  };
  if (!outcome.ok) {
    const { error, usage, retryAfterMs, refused, raw, again } = outcome;
    return {
      ...seen,
      outcome: 'failed',
      error,
      ...(usage === undefined ? {} : { usage }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(refused === undefined ? {} : { refused }),
      ...(raw === undefined ? {} : { raw }),
      ...(again === undefined ? {} : { again: again.kind }),
    };
  }
  const { text, usage } = outcome.response;
  const counted = usage === undefined ? seen : { ...seen, usage };
  if (answer?.ok !== false) return { ...counted, outcome: 'ok', text };
  const message = `the answer cannot be used: ${answer.message}`;
  const error: Failure = { code: 'RVB_ANSWER_INVALID', message };
  return { ...counted, outcome: 'failed', error, raw: text.slice(0, RAW_ANSWER_CHARS) };
}
