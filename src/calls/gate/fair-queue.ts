/** Calls that wait at a provider: statements take turns, and each statement's calls keep their order. */
import type { RvbbitError } from '../../errors.ts';
import { Chain, Link } from './chain.ts';
import type { GateRequest, Permit } from './gate-request.ts';

/** A call that waits. */
export class WaitingCall extends Link<WaitingCall> {
  readonly request: GateRequest;
  readonly sinceMs: number;
  #permit: Permit | undefined;
  #resolve: ((permit: Permit) => void) | undefined;
  #reject: ((reason: RvbbitError) => void) | undefined;
  #leave: (() => void) | undefined;

  constructor(request: GateRequest, sinceMs: number) {
    super();
    this.request = request;
    this.sinceMs = sinceMs;
  }

  get permit(): Permit | undefined {
    return this.#permit;
  }

  /** Settles with `grant` or `refuse`; calls `leave` just before it does. */
  promise(leave: () => void): Promise<Permit> {
    this.#leave = leave;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  grant(permit: Permit): void {
    this.#permit = permit;
    this.#leave?.();
    this.#resolve?.(permit);
  }

  refuse(reason: RvbbitError): void {
    this.#leave?.();
    this.#reject?.(reason);
  }
}

/** Whether a call went out; if not, whether one of another statement or model may (`pass`) or none of this provider (`stop`). */
export type QueueStep = 'out' | 'pass' | 'stop';

export class FairQueue {
  /** By statement, then by model. The statement whose turn is next stands first, and so does its model. */
  readonly #statements = new Map<number, Map<string, Chain<WaitingCall>>>();
  size = 0;

  /** Gives whether the call is the first of its statement and model to wait. */
  push(waiter: WaitingCall): boolean {
    const { statementId, model } = waiter.request;
    let models = this.#statements.get(statementId);
    if (models === undefined) {
      models = new Map();
      this.#statements.set(statementId, models);
    }
    let chain = models.get(model);
    if (chain === undefined) {
      chain = new Chain();
      models.set(model, chain);
    }
    chain.push(waiter);
    this.size += 1;
    return chain.head === waiter;
  }

  remove(waiter: WaitingCall): void {
    const { statementId, model } = waiter.request;
    const models = this.#statements.get(statementId)!;
    const chain = models.get(model)!;
    chain.remove(waiter);
    this.size -= 1;
    if (chain.head !== undefined) return;
    models.delete(model);
    if (models.size === 0) this.#statements.delete(statementId);
  }

  /** The calls of a statement, or of all. */
  waiters(statementId?: number): WaitingCall[] {
    const found: WaitingCall[] = [];
    for (const [id, models] of this.#statements) {
      if (statementId !== undefined && id !== statementId) continue;
      for (const { head } of models.values()) {
        for (let at = head; at !== undefined; at = at.after) found.push(at);
      }
    }
    return found;
  }

  /** Tries the first call of each statement and model in turn, until none goes out. */
  serve(attempt: (waiter: WaitingCall) => QueueStep): void {
    // What is put at the back of a Map while it is walked is met again: the turns go round.
    for (const [id, models] of this.#statements) {
      for (const [model, chain] of models) {
        const waiter = chain.head!;
        const verdict = attempt(waiter);
        if (verdict === 'stop') return;
        if (verdict === 'pass') continue;
        this.remove(waiter);
        if (models.delete(model) && chain.head !== undefined) models.set(model, chain);
        if (this.#statements.delete(id)) this.#statements.set(id, models);
        break;
      }
    }
  }
}
