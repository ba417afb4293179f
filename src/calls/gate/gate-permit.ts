/** A permit: gives back what a call holds in its provider's, its model's and its statement's limits. */
import type { CallResult, GateRequest, Permit } from './gate-request.ts';
import type { Meter } from './meter.ts';
import type { ModelGate, ModelStay } from './model-gate.ts';
import type { Stay } from './rolling-window.ts';

/** The gate, as a permit needs it. */
export interface PermitHost {
  nowMs(): number;
  /** How far this process is behind its timers. */
  lagMs(): number;
  /** Something is free again. */
  onEnd(): void;
}

/** What a call is counted by. */
export interface Counters {
  readonly provider: Meter;
  readonly model: ModelGate;
  /** Where the statement has limits of its own. */
  readonly statement: Meter | undefined;
  readonly host: PermitHost;
}

export class GatePermit implements Permit {
  readonly waitedMs: number;
  readonly #counters: Counters;
  readonly #inputTokens: number;
  readonly #providerStay: Stay | undefined;
  readonly #modelStay: ModelStay;
  readonly #statementStay: Stay | undefined;
  #isOut = true;

  /** Enters the call everywhere; all of them have room for it. */
  constructor(request: GateRequest, nowMs: number, sinceMs: number, counters: Counters) {
    this.waitedMs = nowMs - sinceMs;
    this.#counters = counters;
    this.#inputTokens = request.inputTokens;
    const lagMs = counters.host.lagMs();
    this.#providerStay = counters.provider.enter(nowMs, request, lagMs);
    this.#modelStay = counters.model.enter(nowMs, request, lagMs);
    this.#statementStay = counters.statement?.enter(nowMs, request, lagMs);
  }

  settle(result: CallResult): void {
    if (!this.#isOut) return;
    this.#isOut = false;
    const { provider, model, statement, host } = this.#counters;
    const nowMs = host.nowMs();
    provider.leave(nowMs, this.#providerStay, result);
    model.leave(nowMs, this.#modelStay, result);
    statement?.leave(nowMs, this.#statementStay, result);
    host.onEnd();
  }

  cancel(): void {
    if (!this.#isOut) return;
    this.#isOut = false;
    const { provider, model, statement, host } = this.#counters;
    provider.undo(this.#providerStay);
    model.undo(this.#modelStay, this.#inputTokens);
    statement?.undo(this.#statementStay);
    host.onEnd();
  }
}
