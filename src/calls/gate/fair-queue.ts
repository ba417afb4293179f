/** The queue of waiting calls at a provider. Statements take turns, and each statement's calls keep their order. */
import type { RvbbitError } from '../../errors.ts';
import { Chain, Link } from './chain.ts';
import type { GateRequest, Permit } from './gate-request.ts';

/** A waiting call. */
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

  /** Returns a promise that `grant` resolves or `refuse` rejects. `leave` is called just before that. */
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

/**
 * The result of trying a call. `out`: it went out. `pass`: it waits, but calls of other statements or models may go
 * out. `stop`: no call of this provider may go out.
 */
export type QueueStep = 'out' | 'pass' | 'stop';

/** The waiting calls of one provider. */
export class FairQueue {
  /** Waiting calls by statement, then by model. The statement with the next turn is first, and so is its model. */
  readonly #statements = new Map<number, Map<string, Chain<WaitingCall>>>();
  size = 0;

  /** Adds a call. Returns true if no other call of its statement and model waits. */
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

  /** Returns the waiting calls of one statement, or of all. */
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

  /** Tries the first call of each statement and model in turn, until no call goes out. */
  serve(attempt: (waiter: WaitingCall) => QueueStep): void {
    // A Map's iteration also visits entries that are added at its end meanwhile, so statements get further turns.
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
