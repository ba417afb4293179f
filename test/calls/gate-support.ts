/** A world with its own time: statements with lanes that call a server through a gate. */
import { Gate } from '../../src/calls/gate/gate.ts';
import type { CallResult, Permit } from '../../src/calls/gate/gate-request.ts';
import type { CallLimits, ProviderLimits } from '../../src/model/call-limits.ts';
import { createRandom, type Random } from '../../src/sim/random.ts';

interface Event {
  readonly atMs: number;
  readonly act: () => void;
}

/** Time that passes only when the world turns; timers fire up to 1.5 ms late, as real ones do. */
export class World {
  nowMs = 0;
  readonly random: Random;
  /** A binary heap by time. */
  readonly #events: Event[] = [];
  #timers = 0;

  constructor(seed: number) {
    this.random = createRandom(seed);
  }

  /** Timers of the gate that have neither fired nor been taken back. */
  get timers(): number {
    return this.#timers;
  }

  readonly setTimer = (act: () => void, ms: number): (() => void) => {
    let isSet = true;
    this.#timers += 1;
    const stop = (): void => {
      if (isSet) this.#timers -= 1;
      isSet = false;
    };
    this.later(ms + this.random() * 1.5, () => {
      if (!isSet) return;
      stop();
      act();
    });
    return stop;
  };

  gate(limits: ProviderLimits): Gate {
    return new Gate({
      limitsOf: () => limits,
      clock: () => this.nowMs,
      setTimer: this.setTimer,
      random: this.random,
    });
  }

  later(ms: number, act: () => void): void {
    const events = this.#events;
    const event = { atMs: this.nowMs + ms, act };
    let at = events.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (events[parent]!.atMs <= event.atMs) break;
      events[at] = events[parent]!;
      at = parent;
    }
    events[at] = event;
  }

  /** Turns until nothing is left to happen, `untilMs` is over, or `isDone` holds. */
  async run(untilMs = Infinity, isDone: () => boolean = () => false): Promise<void> {
    await settled();
    while (!isDone()) {
      const event = this.#events[0];
      if (event === undefined || event.atMs > untilMs) break;
      this.#pop();
      this.nowMs = event.atMs;
      event.act();
      await settled();
    }
    if (untilMs !== Infinity && !isDone()) this.nowMs = untilMs;
  }

  #pop(): void {
    const events = this.#events;
    const last = events.pop()!;
    if (events.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && events[child + 1]!.atMs < events[child]!.atMs) child += 1;
      if (events[child]!.atMs >= last.atMs) break;
      events[at] = events[child]!;
      at = child;
    }
    events[at] = last;
  }
}

/** Lets everything that promises have set off come to rest. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 6; turns++) await null;
}

/** A call as the server saw it. */
export interface Arrival {
  readonly atMs: number;
  readonly statementId: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What the server does with a call that arrives; the default answers. */
export type Server = (arrival: Arrival, inFlight: number) => CallResult | undefined;

/** What a call takes; `reserved` is what it asks the gate for, where that is more. */
export interface CallTokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly reserved?: number;
}

export interface Load {
  readonly gate: Gate;
  readonly statements: readonly {
    readonly id: number;
    readonly rows: number;
    readonly lanes: number;
    readonly limits?: CallLimits;
  }[];
  /** From leave to arrival. */
  delayMs(): number;
  /** From arrival to answer. */
  latencyMs(): number;
  tokens?(): CallTokens;
  readonly server?: Server;
  /** Before a refused call is asked again, its Retry-After aside. */
  readonly backoffMs?: () => number;
}

/** What came of a load so far. */
export interface Report {
  readonly arrivals: Arrival[];
  refused: number;
  readonly refusedAtMs: number[];
  maxInFlight: number;
  /** When each statement had its last row. */
  readonly endedMs: Map<number, number>;
}

const SIGNAL = new AbortController().signal;

/** Starts the lanes of all statements; the world's `run` moves them. */
export function start(world: World, load: Load): Report {
  const report: Report = {
    arrivals: [],
    refused: 0,
    refusedAtMs: [],
    maxInFlight: 0,
    endedMs: new Map(),
  };
  let inFlight = 0;
  for (const { id, rows, lanes, limits } of load.statements) {
    let next = 0;
    let done = 0;
    const lane = (): void => {
      if (next >= rows) return;
      next += 1;
      ask();
    };
    const ask = (): void => {
      const { reserved, ...tokens } = load.tokens?.() ?? { inputTokens: 0, outputTokens: 0 };
      const permit = load.gate.acquire({
        provider: 'p',
        model: 'm',
        statementId: id,
        inputTokens: tokens.inputTokens,
        outputTokens: reserved ?? tokens.outputTokens,
        ...(limits === undefined ? {} : { statementLimits: limits }),
        signal: SIGNAL,
      });
      // A gate that is closed at the end of a test rejects what waits.
      if (permit instanceof Promise) permit.then((one) => call(one, tokens)).catch(() => {});
      else call(permit, tokens);
    };
    const call = (permit: Permit, tokens: { inputTokens: number; outputTokens: number }): void => {
      world.later(load.delayMs(), () => {
        const arrival = { atMs: world.nowMs, statementId: id, ...tokens };
        const refusal = load.server?.(arrival, inFlight + 1);
        if (refusal?.status !== undefined && refusal.status !== 200) {
          report.refused += 1;
          report.refusedAtMs.push(world.nowMs);
          world.later(1, () => {
            permit.settle(refusal);
            world.later((refusal.retryAfterMs ?? 0) + (load.backoffMs?.() ?? 0), ask);
          });
          return;
        }
        inFlight += 1;
        report.maxInFlight = Math.max(report.maxInFlight, inFlight);
        report.arrivals.push(arrival);
        world.later(load.latencyMs(), () => {
          inFlight -= 1;
          done += 1;
          if (done === rows) report.endedMs.set(id, world.nowMs);
          permit.settle({ status: 200, usage: tokens, ...refusal });
          lane();
        });
      });
    };
    for (let at = 0; at < lanes; at++) lane();
  }
  return report;
}

/** The most that any half-open window of `windowMs` holds, by sorting what the server saw. */
export function worstWindow(
  arrivals: readonly Arrival[],
  windowMs: number,
  amountOf: (arrival: Arrival) => number = () => 1,
): number {
  const sorted = [...arrivals].sort((a, b) => a.atMs - b.atMs);
  let worst = 0;
  let sum = 0;
  let first = 0;
  for (const arrival of sorted) {
    sum += amountOf(arrival);
    // A millionth of a millisecond is what adding up fractions costs.
    while (arrival.atMs - sorted[first]!.atMs >= windowMs - 1e-6) {
      sum -= amountOf(sorted[first]!);
      first += 1;
    }
    worst = Math.max(worst, sum);
  }
  return worst;
}
