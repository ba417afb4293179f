/** One provider: its limits, its models, and the calls that wait for it. */

import type { ProviderLimits } from '../../model/call-limits.ts';
import { FairQueue, type Waiter } from './fair-queue.ts';
import { GATE_LOOK_AHEAD, GATE_MAX_IDLE } from './gate-limits.ts';
import { GatePermit, type PermitHost } from './gate-permit.ts';
import type { GateRequest, Permit } from './gate-request.ts';
import { Meter } from './meter.ts';
import { ModelGate } from './model-gate.ts';
import { type Place, Reservations } from './reservations.ts';
import type { Tokens } from './rolling-window.ts';
import type { Random } from './throttle.ts';

/** The gate, as a provider's part of it needs it. */
export interface GateHost extends PermitHost {
  readonly random: Random;
  /** What counts the statement's own limits, where it has some. */
  meterOf(request: GateRequest): Meter | undefined;
}

/** Where a call is counted; all of them must have room for it. */
interface Places {
  readonly model: ModelGate;
  readonly statement: Meter | undefined;
  readonly all: readonly Place[];
}

export class ProviderGate {
  readonly queue = new FairQueue();
  readonly #limits: ProviderLimits;
  readonly #host: GateHost;
  readonly #meter: Meter;
  readonly #models = new Map<string, ModelGate>();
  #isOvertaken = false;

  constructor(limits: ProviderLimits, host: GateHost) {
    this.#limits = limits;
    this.#host = host;
    this.#meter = new Meter(limits);
  }

  /** Whether a call may find its way past those that wait. */
  get isOvertaken(): boolean {
    return this.#isOvertaken;
  }

  get inFlight(): number {
    return this.#meter.inFlight;
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
    return this.#enter(nowMs, request, nowMs, places);
  }

  /** Lets go what may; gives the time at which to try again, Infinity where only a call's end helps. */
  pump(nowMs: number): number {
    let nextMs = Infinity;
    const blocked = new Map<Place, Waiter>();
    this.queue.serve((waiter) => {
      const { request } = waiter;
      const places = this.#placesOf(nowMs, request);
      // A call that waits at a place must not be kept waiting there by smaller ones.
      if (places.all.some((place) => blocked.has(place))) return 'pass';
      for (const place of places.all) {
        const freeMs = place.freeAt(nowMs, request);
        if (freeMs <= nowMs) continue;
        nextMs = Math.min(nextMs, freeMs);
        blocked.set(place, waiter);
        return place === this.#meter ? 'stop' : 'pass';
      }
      waiter.grant(this.#enter(nowMs, request, waiter.sinceMs, places));
      return 'out';
    });
    this.#isOvertaken = false;
    if (blocked.size > 0) this.#overtake(nowMs, blocked);
    return nextMs;
  }

  /** Lets go what fits beside those that wait at a place, at the time at which they will not have to any more. */
  #overtake(nowMs: number, blocked: ReadonlyMap<Place, Waiter>): void {
    const reservations = new Reservations();
    for (const [place, { request }] of blocked) {
      reservations.add(nowMs, request, place, this.#placesOf(nowMs, request).all);
    }
    this.#isOvertaken = reservations.isOpen;
    if (!this.#isOvertaken) return;
    const roomOf = (first: GateRequest): Tokens | undefined =>
      reservations.roomIn(this.#placesOf(nowMs, first).all);
    this.queue.overtake(GATE_LOOK_AHEAD, roomOf, (waiter) => {
      const { request } = waiter;
      const places = this.#placesOf(nowMs, request);
      if (!places.all.every((place) => place.isFree(nowMs, request))) return false;
      waiter.grant(this.#enter(nowMs, request, waiter.sinceMs, places));
      reservations.take(request, places.all);
      return true;
    });
  }

  #enter(nowMs: number, request: GateRequest, sinceMs: number, places: Places): Permit {
    const { model, statement } = places;
    const counters = { provider: this.#meter, model, statement, host: this.#host };
    return new GatePermit(request, nowMs, sinceMs, counters);
  }

  #placesOf(nowMs: number, request: GateRequest): Places {
    const model = this.#modelOf(nowMs, request.model);
    const statement = this.#host.meterOf(request);
    const all = statement === undefined ? [model, this.#meter] : [statement, model, this.#meter];
    return { model, statement, all };
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
