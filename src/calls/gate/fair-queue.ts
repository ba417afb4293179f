/** Calls that wait at a provider: statements take turns, and each statement's calls keep their order. */
import type { RvbbitError } from '../../errors.ts';
import { Chain, Link } from './chain.ts';
import type { GateRequest, Permit } from './gate-request.ts';
import { isWithin, type Tokens } from './rolling-window.ts';

/** A call that waits. */
export class Waiter extends Link<Waiter> {
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

/** Whether a call went out; if not, whether another one may (`pass`) or none of this provider (`stop`). */
export type Verdict = 'out' | 'pass' | 'stop';

export class FairQueue {
  /** By statement, that whose turn is next first; of each, by model, likewise. */
  readonly #statements = new Map<number, Map<string, Chain<Waiter>>>();
  /** The same in another order: that which is the first to have a call overtake. */
  readonly #aside = new Map<number, Map<string, Chain<Waiter>>>();
  size = 0;

  /** Gives whether the call is the first of its statement and model to wait. */
  push(waiter: Waiter): boolean {
    const { statementId, model } = waiter.request;
    let models = this.#statements.get(statementId);
    if (models === undefined) {
      models = new Map();
      this.#statements.set(statementId, models);
      this.#aside.set(statementId, models);
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

  remove(waiter: Waiter): void {
    const { statementId, model } = waiter.request;
    const models = this.#statements.get(statementId)!;
    const chain = models.get(model)!;
    chain.remove(waiter);
    this.size -= 1;
    if (chain.head !== undefined) return;
    models.delete(model);
    if (models.size > 0) return;
    this.#statements.delete(statementId);
    this.#aside.delete(statementId);
  }

  /** The calls of a statement, or of all. */
  waiters(statementId?: number): Waiter[] {
    const found: Waiter[] = [];
    for (const [id, models] of this.#statements) {
      if (statementId !== undefined && id !== statementId) continue;
      for (const { head } of models.values()) {
        for (let at = head; at !== undefined; at = at.after) found.push(at);
      }
    }
    return found;
  }

  /** Tries the first call of each statement and model in turn, until none goes out. */
  serve(attempt: (waiter: Waiter) => Verdict): void {
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

  /**
   * Looks at up to `most` calls in any place for such as overtake, from each statement in turn, until there is
   * none: calls within the room that `roomOf` gives for those of a statement and model, and that `attempt` lets
   * go. The turns of `serve` stay as they are: a statement does not pay for it with its own.
   */
  overtake(
    most: number,
    roomOf: (first: GateRequest) => Tokens | undefined,
    attempt: (waiter: Waiter) => boolean,
  ): void {
    let left = most;
    for (const [id, models] of this.#aside) {
      for (const { head } of models.values()) {
        const room = roomOf(head!.request);
        if (room === undefined) continue;
        let found: Waiter | undefined;
        for (let at = head; at !== undefined && found === undefined; at = at.after) {
          if (left === 0) return;
          left -= 1;
          if (isWithin(at.request, room) && attempt(at)) found = at;
        }
        if (found === undefined) continue;
        this.remove(found);
        if (this.#aside.delete(id)) this.#aside.set(id, models);
        break;
      }
    }
  }
}
