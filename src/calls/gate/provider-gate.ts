/** One provider: its limits, its models, and the calls that wait for it. */

import type { ProviderLimits } from '../../model/call-limits.ts';
import { FairQueue, type QueueStep, type WaitingCall } from './fair-queue.ts';
import type { CallResult, GateRequest, Permit } from './gate-request.ts';
import { Meter } from './meter.ts';
import { ModelGate, type ModelStay } from './model-gate.ts';
import type { Stay } from './rolling-window.ts';
import type { Random } from './throttle.ts';

/** Models of a provider, or statements, whose state the gate keeps before it looks for idle ones to forget. */
export const GATE_MAX_IDLE = 256;

/** The gate, as a provider's part of it needs it. */
export interface GateHost {
  readonly random: Random;
  nowMs(): number;
  /** How far this process is behind its timers. */
  lagMs(): number;
  /** What counts the statement's own limits, where it has some. */
  meterOf(request: GateRequest): Meter | undefined;
  /** Something is free again. */
  onEnd(): void;
}

/** Something that counts calls against limits: a provider, a model, or a statement. */
interface CallCounter {
  isFree(nowMs: number, request: GateRequest): boolean;
  /** When the call may go out, at the earliest. */
  freeAt(nowMs: number, request: GateRequest): number;
}

/** Where a call is counted; all of them must have room for it. */
interface CallCounters {
  readonly provider: Meter;
  readonly model: ModelGate;
  /** Where the statement has limits of its own. */
  readonly statement: Meter | undefined;
  readonly all: readonly CallCounter[];
}

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

  /** Milliseconds for which refusals still hold all calls to a model. */
  heldMs(nowMs: number, model: string): number {
    return this.#models.get(model)?.heldMs(nowMs) ?? 0;
  }

  /** Says why the call could never go out. */
  refusal(nowMs: number, request: GateRequest): string | undefined {
    return (
      this.#meter.refusal(request) ??
      this.#modelOf(nowMs, request.model).refusal(request) ??
      this.#host.meterOf(request)?.refusal(request)
    );
  }

  /** Lets a call go that finds nobody waiting and all limits free. */
  tryNow(nowMs: number, request: GateRequest): Permit | undefined {
    if (this.queue.size > 0) return undefined;
    const places = this.#placesOf(nowMs, request);
    if (!places.all.every((place) => place.isFree(nowMs, request))) return undefined;
    return new GatePermit(request, nowMs, nowMs, places, this.#host);
  }

  /** Lets go what may, in order; gives the time at which to try again, Infinity where only a call's end helps. */
  pump(nowMs: number): number {
    let nextMs = Infinity;
    /** Where a call waits. None goes past it there, be it small enough for the room that is left. */
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
    const all = statement === undefined ? [model, provider] : [statement, model, provider];
    return { provider, model, statement, all };
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

/** Gives back what a call holds in its provider's, its model's and its statement's limits. */
class GatePermit implements Permit {
  readonly waitedMs: number;
  readonly #places: CallCounters;
  readonly #host: GateHost;
  readonly #inputTokens: number;
  readonly #providerStay: Stay | undefined;
  readonly #modelStay: ModelStay;
  readonly #statementStay: Stay | undefined;
  #isOut = true;

  /** Enters the call everywhere; all of them have room for it. */
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
  }

  settle(result: CallResult): void {
    if (!this.#isOut) return;
    this.#isOut = false;
    const { provider, model, statement } = this.#places;
    const nowMs = this.#host.nowMs();
    provider.leave(nowMs, this.#providerStay, result);
    model.leave(nowMs, this.#modelStay, result);
    statement?.leave(nowMs, this.#statementStay, result);
    this.#host.onEnd();
  }

  cancel(): void {
    if (!this.#isOut) return;
    this.#isOut = false;
    const { provider, model, statement } = this.#places;
    provider.undo(this.#providerStay);
    model.undo(this.#modelStay, this.#inputTokens);
    statement?.undo(this.#statementStay);
    this.#host.onEnd();
  }
}
