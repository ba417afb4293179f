/** One provider: its limits, its models, and the calls that wait for it. */

import type { ProviderLimits } from '../../model/call-limits.ts';
import { FairQueue, type Verdict, type Waiter } from './fair-queue.ts';
import { GATE_MAX_IDLE } from './gate-limits.ts';
import { GatePermit, type PermitHost } from './gate-permit.ts';
import type { GateRequest, Permit } from './gate-request.ts';
import { Meter } from './meter.ts';
import { ModelGate } from './model-gate.ts';
import type { Random } from './throttle.ts';

/** The gate, as a provider's part of it needs it. */
export interface GateHost extends PermitHost {
  readonly random: Random;
  /** What counts the statement's own limits, where it has some. */
  meterOf(request: GateRequest): Meter | undefined;
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
    const model = this.#modelOf(nowMs, request.model);
    const statement = this.#host.meterOf(request);
    if (statement !== undefined && statement.freeAt(nowMs, request) > nowMs) return undefined;
    if (model.freeAt(nowMs, request) > nowMs) return undefined;
    if (this.#meter.freeAt(nowMs, request) > nowMs) return undefined;
    return this.#enter(nowMs, request, nowMs, model, statement);
  }

  /** Lets go what may; gives the time at which to try again, Infinity where only a call's end helps. */
  pump(nowMs: number): number {
    let nextMs = Infinity;
    let blocked: Set<string> | undefined;
    const attempt = (waiter: Waiter): Verdict => {
      const { request } = waiter;
      // A call that waits for its model must not be overtaken there by smaller ones.
      if (blocked?.has(request.model) === true) return 'pass';
      const statement = this.#host.meterOf(request);
      const statementMs = statement?.freeAt(nowMs, request) ?? nowMs;
      if (statementMs > nowMs) {
        nextMs = Math.min(nextMs, statementMs);
        return 'pass';
      }
      const model = this.#modelOf(nowMs, request.model);
      const modelMs = model.freeAt(nowMs, request);
      if (modelMs > nowMs) {
        nextMs = Math.min(nextMs, modelMs);
        blocked ??= new Set();
        blocked.add(request.model);
        return 'pass';
      }
      const providerMs = this.#meter.freeAt(nowMs, request);
      if (providerMs > nowMs) {
        nextMs = Math.min(nextMs, providerMs);
        return 'stop';
      }
      waiter.grant(this.#enter(nowMs, request, waiter.sinceMs, model, statement));
      return 'out';
    };
    this.queue.serve(attempt);
    return nextMs;
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
