/** Slows down who guesses passwords: an address with too many failed logins must wait. */
import { isIPv6 } from 'node:net';
import { dropOldest } from '../../util/drop-oldest.ts';

/** The failed logins of one address within `WINDOW_MS`, after which it must wait. */
export const FAILURES_ALLOWED = 5;
const WINDOW_MS = 60_000;
/** The most addresses that are remembered. The one that failed longest ago is forgotten first. */
const ADDRESSES_KEPT = 10_000;

/** The failed logins by address. IPv6 addresses count by their /64, which one host has for itself. */
export class LoginThrottle {
  readonly #failures = new Map<string, readonly number[]>();
  readonly #now: () => number;

  /** `now` gives milliseconds of a clock that only goes forward. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Returns how many milliseconds the address must wait before it may log in; 0 if it may now. */
  waitMs(address: string): number {
    const recent = this.#recent(keyOf(address));
    if (recent.length < FAILURES_ALLOWED) return 0;
    return Math.max(0, recent.at(-FAILURES_ALLOWED)! + WINDOW_MS - this.#now());
  }

  /** Notes a failed login. */
  failed(address: string): void {
    const key = keyOf(address);
    const recent = [...this.#recent(key), this.#now()].slice(-FAILURES_ALLOWED);
    this.#failures.delete(key);
    this.#failures.set(key, recent);
    dropOldest(this.#failures, ADDRESSES_KEPT);
  }

  /** The number of addresses that are remembered. */
  get size(): number {
    return this.#failures.size;
  }

  #recent(key: string): readonly number[] {
    const since = this.#now() - WINDOW_MS;
    return (this.#failures.get(key) ?? []).filter((at) => at > since);
  }
}

function keyOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail = ''] = address.replace(/%.*$/, '').toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const zeros = address.includes('::') ? Math.max(0, 8 - left.length - right.length) : 0;
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return groups.slice(0, 4).join(':');
}
