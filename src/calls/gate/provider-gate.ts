/** One provider: its limits, its models, and the calls that wait for it. */

import type { ProviderLimits } from '../../model/call-limits.ts';
import { FairQueue } from './fair-queue.ts';
import { GATE_LOOK_AHEAD, GATE_MAX_IDLE } from './gate-limits.ts';
import { GatePermit, type PermitHost } from './gate-permit.ts';
import type { GateRequest, Permit } from './gate-request.ts';
import { Meter } from './meter.ts';
import { ModelGate } from './model-gate.ts';
import { type Place, Reservations } from './reservations.ts';
import { isWithin, type Tokens } from './rolling-window.ts';
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
  /** Of the last look at those that wait. */
  #reservations: Reservations | undefined;

  constructor(limits: ProviderLimits, host: GateHost) {
    this.#limits = limits;
    this.#host = host;
    this.#meter = new Meter(limits);
  }

  /** Whether a call that comes now may overtake those that wait, as far as is known without another look. */
  mayOvertake(nowMs: number, request: GateRequest): boolean {
    const room = this.#reservations?.roomIn(this.#placesOf(nowMs, request).all);
    return room !== undefined && isWithin(request, room);
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
    const { model, statement, all } = this.#placesOf(nowMs, request);
    if (!all.every((place) => place.isFree(nowMs, request))) return undefined;
    return this.#enter(nowMs, request, nowMs, model, statement);
  }

  /** Lets go what may; gives the time at which to try again, Infinity where only a call's end helps. */
  pump(nowMs: number): number {
    let nextMs = Infinity;
    const reservations = new Reservations();
    this.queue.serve((waiter) => {
      const { request } = waiter;
      const { model, statement, all } = this.#placesOf(nowMs, request);
      const place = all.find((one) => reservations.has(one) || !one.isFree(nowMs, request));
      if (place === undefined) {
        waiter.grant(this.#enter(nowMs, request, waiter.sinceMs, model, statement));
        return 'out';
      }
      // A call that waits at a place must not be kept waiting there by smaller ones.
      if (!reservations.has(place)) nextMs = Math.min(nextMs, place.freeAt(nowMs, request));
      const isFull = !reservations.add(nowMs, place, { request, places: all });
      return isFull && place === this.#meter ? 'stop' : 'pass';
    });
    this.#reservations = reservations;
    if (reservations.reckon(nowMs)) this.#overtake(nowMs, reservations);
    return nextMs;
  }

  /** Lets go what is in the way of none that waits. */
  #overtake(nowMs: number, reservations: Reservations): void {
    const roomOf = (first: GateRequest): Tokens | undefined =>
      reservations.roomIn(this.#placesOf(nowMs, first).all);
    this.queue.overtake(GATE_LOOK_AHEAD, roomOf, (waiter) => {
      const { request } = waiter;
      const { model, statement, all } = this.#placesOf(nowMs, request);
      if (!all.every((place) => place.isFree(nowMs, request))) return false;
      waiter.grant(this.#enter(nowMs, request, waiter.sinceMs, model, statement));
      reservations.take(request, all);
      return true;
    });
  }

  #enter(
    nowMs: number,
    request: GateRequest,
    sinceMs: number,
    model: ModelGate,
    statement: Meter | undefined,
  ): Permit {
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
