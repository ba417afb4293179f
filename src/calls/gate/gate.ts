/**
 * The one limiter of an engine: decides on the main thread when each model call goes out, for all workers
 * and all statements.
 */
import { cancelledError, closedError, RvbbitError } from '../../errors.ts';
import { TIMER_MAX_MS } from '../../limits.ts';
import type { ProviderLimits } from '../../model/call-limits.ts';
import { follow, reasonOf, unfollow } from '../../util/statement-signal.ts';
import { WaitingCall } from './fair-queue.ts';
import type { GateRequest, Permit } from './gate-request.ts';
import { Meter } from './meter.ts';
import { GATE_MAX_IDLE, type GateHost, ProviderGate } from './provider-gate.ts';
import type { Random } from './throttle.ts';

/** A timer that is late by less than this is on time. */
const TIMER_SLACK_MS = 2;

/** What is left, at the next timer, of the lateness of the last ones, which is added to the windows' margins. */
const GATE_LAG_DECAY = 0.95;

export interface GateOptions {
  /** The limits of a provider and of its models; both hold. Asked when the provider is first called. */
  limitsOf(provider: string): ProviderLimits | undefined;
  /** Monotonic milliseconds, with fractions. */
  readonly clock?: () => number;
  /** Calls `act` after `ms`; returns the way to take that back. */
  readonly setTimer?: (act: () => void, ms: number) => () => void;
  readonly random?: Random;
}

export class Gate {
  readonly #limitsOf: GateOptions['limitsOf'];
  readonly #clock: () => number;
  readonly #setTimer: (act: () => void, ms: number) => () => void;
  readonly #host: GateHost;
  readonly #providers = new Map<string, ProviderGate>();
  /** Those at which calls wait. */
  readonly #waiting = new Set<ProviderGate>();
  /** Of the statements that have limits of their own. */
  readonly #statements = new Map<number, Meter>();
  #stopTimer: (() => void) | undefined;
  #timerAtMs = Infinity;
  /** How late timers have lately been, beyond their resolution: what is let go now will be late likewise. */
  #lagMs = 0;
  #closed = false;

  constructor({ limitsOf, clock, setTimer, random }: GateOptions) {
    this.#limitsOf = limitsOf;
    this.#clock = clock ?? (() => performance.now());
    this.#setTimer = setTimer ?? systemTimer;
    this.#host = {
      random: random ?? Math.random,
      nowMs: this.#clock,
      lagMs: () => this.#lagMs,
      meterOf: (request) => this.#meterOf(request),
      onEnd: () => {
        if (this.#waiting.size > 0) this.#pump();
      },
    };
  }

  /**
   * Leave to make one call: at once where nothing has to wait, else a promise. It rejects with RVB_LIMIT
   * where the call alone is over a limit, with the signal's reason (RVB_CANCELLED) once that aborts or the
   * statement is closed, and with RVB_CLOSED.
   */
  acquire(request: GateRequest): Permit | Promise<Permit> {
    if (this.#closed) return Promise.reject(closedError());
    if (request.signal.aborted) return Promise.reject(reasonOf(request.signal));
    const nowMs = this.#clock();
    const provider = this.#providerOf(request.provider);
    const refusal = provider.refusal(nowMs, request);
    if (refusal !== undefined) return Promise.reject(limitError(request, refusal));
    return provider.tryNow(nowMs, request) ?? this.#wait(nowMs, provider, request);
  }

  /** Calls that have gone out to a provider and have not been settled. */
  inFlight(provider: string): number {
    return this.#providers.get(provider)?.inFlight ?? 0;
  }

  /** Milliseconds for which refusals still hold all calls to a model; 0 where they do not. */
  heldMs(provider: string, model: string): number {
    return this.#providers.get(provider)?.heldMs(this.#clock(), model) ?? 0;
  }

  /** Calls that wait. */
  get waiting(): number {
    let count = 0;
    for (const { queue } of this.#waiting) count += queue.size;
    return count;
  }

  /** The statement has ended: what still waits for it is rejected, its own limits are forgotten. */
  closeStatement(statementId: number): void {
    this.#refuseAll(cancelledError(), statementId);
    this.#statements.delete(statementId);
  }

  /** Rejects all that waits, now and from now on. Permits may still be settled. */
  close(): void {
    this.#closed = true;
    this.#refuseAll(closedError());
    this.#statements.clear();
  }

  #wait(nowMs: number, provider: ProviderGate, request: GateRequest): Permit | Promise<Permit> {
    const waiter = new WaitingCall(request, nowMs);
    const isFirst = provider.queue.push(waiter);
    this.#waiting.add(provider);
    // Behind another call of its statement and model it waits.
    if (isFirst) this.#plan(nowMs, provider.pump(nowMs));
    if (waiter.permit !== undefined) {
      this.#rest();
      return waiter.permit;
    }
    const { signal } = request;
    const onAbort = (): void => {
      provider.queue.remove(waiter);
      waiter.refuse(reasonOf(signal));
      // It may have been what the others waited behind.
      this.#pump();
    };
    follow(signal, onAbort);
    return waiter.promise(() => unfollow(signal, onAbort));
  }

  /** Lets go what may, at every provider: a statement's own limits span them. */
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

  /** Sees to it that the gate looks again at that time. An earlier look does no harm. */
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

  /** Without a call that waits there is no timer. */
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

function limitError({ provider, model }: GateRequest, refusal: string): RvbbitError {
  return new RvbbitError(
    'RVB_LIMIT',
    `the call to ${provider}/${model} would wait for ever: ${refusal}; raise the limit, or ask for less`,
    { stage: 'execute' },
  );
}
