/** Rate limits, enforced as a provider does: with exact counts over a rolling window. */
import type { Endpoint } from './ledger.ts';
import type { RateLimits } from './script.ts';

/** Sums amounts over the last `windowMs`. It keeps one item for each call in the window. */
class RollingWindow {
  readonly limit: number;
  readonly #windowMs: number;
  #items: { readonly at: number; readonly amount: number }[] = [];
  #head = 0;
  #sum = 0;

  constructor(limit: number, windowMs: number) {
    this.limit = limit;
    this.#windowMs = windowMs;
  }

  add(now: number, amount: number): void {
    this.#items.push({ at: now, amount });
    this.#sum += amount;
  }

  sum(now: number): number {
    while (this.#head < this.#items.length) {
      const item = this.#items[this.#head]!;
      if (item.at > now - this.#windowMs) break;
      this.#sum -= item.amount;
      this.#head += 1;
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return this.#sum;
  }

  /** Returns the milliseconds until `amount` more fits, or the whole window if it never fits. */
  waitMs(now: number, amount: number): number {
    let excess = this.sum(now) + amount - this.limit;
    for (let at = this.#head; at < this.#items.length && excess > 0; at++) {
      const item = this.#items[at]!;
      excess -= item.amount;
      if (excess <= 0) return item.at + this.#windowMs - now;
    }
    return excess <= 0 ? 0 : this.#windowMs;
  }

  /** Returns the milliseconds until the window is empty. */
  resetMs(now: number): number {
    const last = this.#items.at(-1);
    return last === undefined ? 0 : Math.max(0, last.at + this.#windowMs - now);
  }
}

/** A limit that a call would exceed. */
export interface Excess {
  /** The name of the limit, e.g. `requests`. */
  readonly limit: string;
  readonly waitMs: number;
}

/** Admits calls, or says which limit they exceed. */
export class RateLimiter {
  readonly hard: boolean;
  readonly #inFlight: number;
  readonly #windows: readonly { readonly name: string; readonly window: RollingWindow }[];

  constructor(limits: RateLimits | undefined) {
    this.hard = limits?.hard ?? false;
    this.#inFlight = limits?.inFlight ?? Number.POSITIVE_INFINITY;
    // OpenAI's names in its headers. OpenAI has no header for output tokens alone.
    this.#windows = [
      { name: 'requests', limit: limits?.requests },
      { name: 'tokens', limit: limits?.inputTokens },
      { name: 'output-tokens', limit: limits?.outputTokens },
    ].flatMap(({ name, limit }) =>
      limit === undefined ? [] : [{ name, window: new RollingWindow(limit, limits!.windowMs) }],
    );
  }

  /** Counts the call, or returns the limit that it would exceed. `inFlight` includes the call itself. */
  admit(now: number, inFlight: number, tokensIn: number, tokensOut: number): Excess | undefined {
    if (inFlight > this.#inFlight) return { limit: 'calls in flight', waitMs: 0 };
    const amounts: Readonly<Record<string, number>> = {
      requests: 1,
      tokens: tokensIn,
      'output-tokens': tokensOut,
    };
    let over: Excess | undefined;
    for (const { name, window } of this.#windows) {
      const amount = amounts[name] ?? 0;
      if (window.sum(now) + amount <= window.limit) continue;
      const waitMs = window.waitMs(now, amount);
      if (over === undefined || waitMs > over.waitMs) over = { limit: name, waitMs };
    }
    if (over === undefined) {
      for (const { name, window } of this.#windows) window.add(now, amounts[name] ?? 0);
    }
    return over;
  }

  /**
   * Returns the current rate limit headers of a protocol, as alternating names and values. OpenAI's are `x-ratelimit-*`.
   * Anthropic's are `anthropic-ratelimit-*`, with a date
   * (https://docs.anthropic.com/en/api/rate-limits#response-headers).
   */
  headers(now: number, endpoint: Endpoint): string[] {
    if (endpoint === 'messages') return this.#anthropicHeaders(now);
    return this.#windows.flatMap(({ name, window }) => [
      `x-ratelimit-limit-${name}`,
      String(window.limit),
      `x-ratelimit-remaining-${name}`,
      String(Math.max(0, window.limit - window.sum(now))),
      `x-ratelimit-reset-${name}`,
      `${(window.resetMs(now) / 1000).toFixed(3)}s`,
    ]);
  }

  #anthropicHeaders(now: number): string[] {
    return this.#windows.flatMap(({ name, window }) => {
      const start = `anthropic-ratelimit-${name === 'tokens' ? 'input-tokens' : name}`;
      return [
        `${start}-limit`,
        String(window.limit),
        `${start}-remaining`,
        String(Math.max(0, window.limit - window.sum(now))),
        `${start}-reset`,
        new Date(Date.now() + window.resetMs(now)).toISOString(),
      ];
    });
  }
}
