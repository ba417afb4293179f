/**
 * The limiter of an engine. It runs on the main thread and decides when each model call goes out, for all workers
 * and statements.
 */
import { cancelledError, closedError, RvbbitError } from '../../errors.ts';
import { TIMER_MAX_MS } from '../../limits.ts';
import type { ProviderLimits } from '../../model/call-limits.ts';
import { PROMPT_TOO_LONG } from '../../model/provider-error.ts';
import { follow, reasonOf, unfollow } from '../../util/statement-signal.ts';
import { WaitingCall } from './fair-queue.ts';
import type { GateRequest, Permit } from './gate-request.ts';
import { Meter } from './meter.ts';
import { GATE_MAX_IDLE, type GateHost, ProviderGate } from './provider-gate.ts';
import { ThreadRooms } from './thread-rooms.ts';
import type { Random } from './throttle.ts';

/** No model has a smaller context, so that of a shorter prompt is not looked up. */
const CONTEXT_MIN_TOKENS = 1_024;

type Prompt = Pick<GateRequest, 'provider' | 'model' | 'inputTokens'>;

/** A timer that is late by less than this counts as on time. */
const TIMER_SLACK_MS = 2;

/** The share of the earlier timers' lateness that remains at the next timer. Lateness widens the windows' margins. */
const GATE_LAG_DECAY = 0.95;

/** The options of a gate. */
export interface GateOptions {
  /** Returns the limits of a provider and of its models; both hold. Called once, at the provider's first call. */
  limitsOf(provider: string): ProviderLimits | undefined;
  /** Returns how many input tokens a call to a model may have at most; undefined if it is unknown. */
  contextOf?(provider: string, model: string): number | undefined;
  /** Returns monotonic milliseconds with fractions. */
  readonly clock?: () => number;
  /** Calls `act` after `ms`. Returns a function that cancels the timer. */
  readonly setTimer?: (act: () => void, ms: number) => () => void;
  readonly random?: Random;
  /** Returns how many calls one worker may have in flight, since each of them has a connection. */
  readonly callsOfThread?: () => number;
}

/** The limiter: a call must `acquire` a permit before it goes out. */
export class Gate {
  readonly #limitsOf: GateOptions['limitsOf'];
  readonly #contextOf: NonNullable<GateOptions['contextOf']>;
  readonly #clock: () => number;
  readonly #setTimer: (act: () => void, ms: number) => () => void;
  readonly #host: GateHost;
  readonly #providers = new Map<string, ProviderGate>();
  /** The providers with waiting calls. */
  readonly #waiting = new Set<ProviderGate>();
  /** The meters of statements that have limits of their own, by statement id. */
  readonly #statements = new Map<number, Meter>();
  #stopTimer: (() => void) | undefined;
  #timerAtMs = Infinity;
  /** How late timers have recently been, beyond TIMER_SLACK_MS. Calls that go out now may be as late. */
  #lagMs = 0;
  #closed = false;

  constructor({ limitsOf, contextOf, clock, setTimer, random, callsOfThread }: GateOptions) {
    const threads = new ThreadRooms(callsOfThread ?? (() => Infinity));
    this.#limitsOf = limitsOf;
    this.#contextOf = contextOf ?? (() => undefined);
    this.#clock = clock ?? (() => performance.now());
    this.#setTimer = setTimer ?? systemTimer;
    this.#host = {
      random: random ?? Math.random,
      nowMs: this.#clock,
      lagMs: () => this.#lagMs,
      meterOf: (request) => this.#meterOf(request),
      roomOf: ({ threadId }) => threads.of(threadId),
      onEnd: () => {
        if (this.#waiting.size > 0) this.#pump();
      },
    };
  }

  /**
   * Returns a permit for one call; a promise if the call has to wait. The promise rejects with RVB_LIMIT if the call
   * alone exceeds a limit or its model's context, with the signal's reason when the signal aborts, with RVB_CANCELLED when the statement is
   * closed, and with RVB_CLOSED when the gate is closed.
   */
  acquire(request: GateRequest): Permit | Promise<Permit> {
    if (this.#closed) return Promise.reject(closedError());
    if (request.signal.aborted) return Promise.reject(reasonOf(request.signal));
    const tooLong = this.tooLong(request);
    if (tooLong !== undefined) return Promise.reject(tooLong);
    const nowMs = this.#clock();
    const provider = this.#providerOf(request.provider);
    const refusal = provider.refusal(nowMs, request);
    if (refusal !== undefined) return Promise.reject(limitError(request, refusal));
    return provider.tryNow(nowMs, request) ?? this.#wait(nowMs, provider, request);
  }

  /** Returns the refusal of a call whose prompt is longer than the context of its model. */
  tooLong(request: Prompt): RvbbitError | undefined {
    if (request.inputTokens < CONTEXT_MIN_TOKENS) return undefined;
    const context = this.#contextOf(request.provider, request.model);
    if (context === undefined || request.inputTokens <= context) return undefined;
    return contextError(request, context);
  }

  /** Returns the number of a provider's calls with a permit that is not settled. */
  inFlight(provider: string): number {
    return this.#providers.get(provider)?.inFlight ?? 0;
  }

  /** Returns for how many milliseconds refusals still hold all calls to a model; 0 if they do not. */
  heldMs(provider: string, model: string): number {
    return this.#providers.get(provider)?.heldMs(this.#clock(), model) ?? 0;
  }

  /** The number of waiting calls. */
  get waiting(): number {
    let count = 0;
    for (const { queue } of this.#waiting) count += queue.size;
    return count;
  }

  /** The statement has ended: rejects its waiting calls and forgets its own limits. */
  closeStatement(statementId: number): void {
    this.#refuseAll(cancelledError(), statementId);
    this.#statements.delete(statementId);
  }

  /** Rejects all waiting and all later calls. Permits may still be settled. */
  close(): void {
    this.#closed = true;
    this.#refuseAll(closedError());
    this.#statements.clear();
  }

  #wait(nowMs: number, provider: ProviderGate, request: GateRequest): Permit | Promise<Permit> {
    const waiter = new WaitingCall(request, nowMs);
    const isFirst = provider.queue.push(waiter);
    this.#waiting.add(provider);
    // If another call of its statement and model waits, this call waits behind it.
    if (isFirst) this.#plan(nowMs, provider.pump(nowMs));
    if (waiter.permit !== undefined) {
      this.#rest();
      return waiter.permit;
    }
    const { signal } = request;
    const onAbort = (): void => {
      provider.queue.remove(waiter);
      waiter.refuse(reasonOf(signal));
      // Other calls may have waited behind this call.
      this.#pump();
    };
    follow(signal, onAbort);
    return waiter.promise(() => unfollow(signal, onAbort));
  }

  /** Grants permits at every provider, since a statement's own limits span providers. */
  #pump(): void {
    const nowMs = this.#clock();
    let nextMs = Infinity;
    for (const provider of this.#waiting) {
      nextMs = Math.min(nextMs, provider.pump(nowMs));
      if (provider.queue.size === 0) this.#waiting.delete(provider);
    }
    this.#plan(nowMs, nextMs);
    this.#rest();
  }

  /** Sets the timer, so that the gate pumps at `atMs` or earlier. */
  #plan(nowMs: number, atMs: number): void {
    if (atMs >= this.#timerAtMs) return;
    this.#stopTimer?.();
    this.#timerAtMs = atMs;
    const ms = Math.min(TIMER_MAX_MS, Math.max(1, Math.ceil(atMs - nowMs)));
    this.#stopTimer = this.#setTimer(() => {
      const lateMs = this.#clock() - nowMs - ms - TIMER_SLACK_MS;
      this.#lagMs = Math.max(0, lateMs, this.#lagMs * GATE_LAG_DECAY);
      this.#stopTimer = undefined;
      this.#timerAtMs = Infinity;
      this.#pump();
    }, ms);
  }

  /** Stops the timer if no call waits. */
  #rest(): void {
    if (this.waiting > 0) return;
    this.#waiting.clear();
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#timerAtMs = Infinity;
  }

  #refuseAll(reason: RvbbitError, statementId?: number): void {
    for (const { queue } of this.#waiting) {
      for (const waiter of queue.waiters(statementId)) {
        queue.remove(waiter);
        waiter.refuse(reason);
      }
    }
    if (this.#waiting.size > 0) this.#pump();
  }

  #providerOf(id: string): ProviderGate {
    let provider = this.#providers.get(id);
    if (provider === undefined) {
      provider = new ProviderGate(this.#limitsOf(id) ?? {}, this.#host);
      this.#providers.set(id, provider);
    }
    return provider;
  }

  #meterOf({ statementId, statementLimits }: GateRequest): Meter | undefined {
    if (statementLimits === undefined) return undefined;
    const known = this.#statements.get(statementId);
    if (known !== undefined) return known;
    if (this.#statements.size >= GATE_MAX_IDLE) {
      const nowMs = this.#clock();
      for (const [id, meter] of this.#statements) {
        if (meter.isIdle(nowMs)) this.#statements.delete(id);
      }
    }
    const made = new Meter(statementLimits);
    this.#statements.set(statementId, made);
    return made;
  }
}

function systemTimer(act: () => void, ms: number): () => void {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
}

function contextError({ provider, model, inputTokens }: Prompt, context: number): RvbbitError {
  const [has, most] = [inputTokens, context].map((count) => count.toLocaleString('en-US'));
  return new RvbbitError(
    'RVB_LIMIT',
    `${PROMPT_TOO_LONG}: it has about ${has} tokens, and the context of ${provider}/${model} has ${most}; take fewer rows (LIMIT), ask about each row (RVBBIT MAP), or take a model with a larger context (providers.${provider}.limits.context sets what it has)`,
    { stage: 'execute' },
  );
}

function limitError({ provider, model }: GateRequest, refusal: string): RvbbitError {
  return new RvbbitError(
    'RVB_LIMIT',
    `the call to ${provider}/${model} would wait for ever: ${refusal}; raise the limit, or ask for less`,
    { stage: 'execute' },
  );
}
