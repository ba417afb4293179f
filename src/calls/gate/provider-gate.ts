/** The gate of one provider: its limits, its models and its queue of waiting calls. */

import type { ProviderLimits } from '../../model/call-limits.ts';
import { FairQueue, type QueueStep, type WaitingCall } from './fair-queue.ts';
import type { CallResult, GateRequest, Permit } from './gate-request.ts';
import { Meter } from './meter.ts';
import { ModelGate, type ModelStay } from './model-gate.ts';
import type { Stay } from './rolling-window.ts';
import type { ThreadRoom } from './thread-rooms.ts';
import type { Random } from './throttle.ts';

/** At this number of models of a provider, or of statements, the gate drops the state of idle ones. */
export const GATE_MAX_IDLE = 256;

/** The part of the engine's gate that a provider's gate uses. */
export interface GateHost {
  readonly random: Random;
  nowMs(): number;
  /** Returns how late this process's timers are, in milliseconds. */
  lagMs(): number;
  /** Returns the meter of the statement's own limits; undefined if it has none. */
  meterOf(request: GateRequest): Meter | undefined;
  /** Returns the counter of the calls of the request's worker. */
  roomOf(request: GateRequest): ThreadRoom;
  /** Called when a call has ended, so that waiting calls may go out. */
  onEnd(): void;
}

/** Counts calls against the limits of a provider, a model or a statement. */
interface CallCounter {
  isFree(nowMs: number, request: GateRequest): boolean;
  /** Returns the earliest time at which the call may go out. */
  freeAt(nowMs: number, request: GateRequest): number;
}

/** The counters of a call. The call may go out only if all of them have room for it. */
interface CallCounters {
  readonly provider: Meter;
  readonly model: ModelGate;
  /** Undefined if the statement has no limits of its own. */
  readonly statement: Meter | undefined;
  readonly thread: ThreadRoom;
  readonly all: readonly CallCounter[];
}

/** Grants permits for the calls of one provider. */
export class ProviderGate {
  readonly queue = new FairQueue();
  readonly #limits: ProviderLimits;
  readonly #host: GateHost;
  readonly #meter: Meter;
  readonly #models = new Map<string, ModelGate>();

  constructor(limits: ProviderLimits, host: GateHost) {
    this.#limits = limits;
    this.#host = host;
    this.#meter = new Meter(limits);
  }

  get inFlight(): number {
    return this.#meter.inFlight;
  }

  /** Returns for how many milliseconds refusals still hold all calls to a model; 0 if they do not. */
  heldMs(nowMs: number, model: string): number {
    return this.#models.get(model)?.heldMs(nowMs) ?? 0;
  }

  /** Returns why the call could never go out; undefined if it can. */
  refusal(nowMs: number, request: GateRequest): string | undefined {
    return (
      this.#meter.refusal(request) ??
      this.#modelOf(nowMs, request.model).refusal(request) ??
      this.#host.meterOf(request)?.refusal(request)
    );
  }

  /** Returns a permit if no call waits and all limits have room, else undefined. */
  tryNow(nowMs: number, request: GateRequest): Permit | undefined {
    if (this.queue.size > 0) return undefined;
    const places = this.#placesOf(nowMs, request);
    if (!places.all.every((place) => place.isFree(nowMs, request))) return undefined;
    return new GatePermit(request, nowMs, nowMs, places, this.#host);
  }

  /** Grants permits to waiting calls, in order. Returns when to try again; Infinity if only the end of a call helps. */
  pump(nowMs: number): number {
    let nextMs = Infinity;
    /** Counters that a call waits for. No later call may pass it there, even if the later call would fit. */
    const blocked = new Set<CallCounter>();
    this.queue.serve((waiter: WaitingCall): QueueStep => {
      const { request } = waiter;
      const places = this.#placesOf(nowMs, request);
      const place = places.all.find((one) => blocked.has(one) || !one.isFree(nowMs, request));
      if (place === undefined) {
        waiter.grant(new GatePermit(request, nowMs, waiter.sinceMs, places, this.#host));
        return 'out';
      }
      if (!blocked.has(place)) nextMs = Math.min(nextMs, place.freeAt(nowMs, request));
      blocked.add(place);
      return place === this.#meter ? 'stop' : 'pass';
    });
    return nextMs;
  }

  #placesOf(nowMs: number, request: GateRequest): CallCounters {
    const provider = this.#meter;
    const model = this.#modelOf(nowMs, request.model);
    const statement = this.#host.meterOf(request);
    const thread = this.#host.roomOf(request);
    const all =
      statement === undefined ? [thread, model, provider] : [thread, statement, model, provider];
    return { provider, model, statement, thread, all };
  }

  #modelOf(nowMs: number, name: string): ModelGate {
    const known = this.#models.get(name);
    if (known !== undefined) return known;
    if (this.#models.size >= GATE_MAX_IDLE) {
      for (const [id, model] of this.#models) if (model.isIdle(nowMs)) this.#models.delete(id);
    }
    const { models } = this.#limits;
    const limits = models !== undefined && Object.hasOwn(models, name) ? models[name]! : {};
    const made = new ModelGate(this.#limits, limits, this.#host.random);
    this.#models.set(name, made);
    return made;
  }
}

/** A permit that holds a call's room in the limits of its provider, its model and its statement. */
class GatePermit implements Permit {
  readonly waitedMs: number;
  readonly #places: CallCounters;
  readonly #host: GateHost;
  readonly #inputTokens: number;
  readonly #providerStay: Stay | undefined;
  readonly #modelStay: ModelStay;
  readonly #statementStay: Stay | undefined;
  #isOut = true;

  /** Counts the call in all counters, which must have room for it. */
  constructor(
    request: GateRequest,
    nowMs: number,
    sinceMs: number,
    places: CallCounters,
    host: GateHost,
  ) {
    this.waitedMs = nowMs - sinceMs;
    this.#places = places;
    this.#host = host;
    this.#inputTokens = request.inputTokens;
    const lagMs = host.lagMs();
    this.#providerStay = places.provider.enter(nowMs, request, lagMs);
    this.#modelStay = places.model.enter(nowMs, request, lagMs);
    this.#statementStay = places.statement?.enter(nowMs, request, lagMs);
    places.thread.enter();
  }

  settle(result: CallResult): void {
    if (!this.#isOut) return;
    this.#isOut = false;
    const { provider, model, statement, thread } = this.#places;
    thread.leave();
    const nowMs = this.#host.nowMs();
    provider.leave(nowMs, this.#providerStay, result);
    model.leave(nowMs, this.#modelStay, result);
    statement?.leave(nowMs, this.#statementStay, result);
    this.#host.onEnd();
  }

  cancel(): void {
    if (!this.#isOut) return;
    this.#isOut = false;
    const { provider, model, statement, thread } = this.#places;
    thread.leave();
    provider.undo(this.#providerStay);
    model.undo(this.#modelStay, this.#inputTokens);
    statement?.undo(this.#statementStay);
    this.#host.onEnd();
  }
}
