/** A provider that rejects the key is not asked again by the statements that are under way: it will reject all their calls. */
import type { Failure } from '../../errors.ts';

/** The status that says that the key is wrong. */
const UNAUTHORIZED = 401;

export class Circuits {
  readonly #open = new Map<string, { readonly error: Failure; readonly atMs: number }>();

  /** Takes note of how a call failed. */
  observe(provider: string, status: number | undefined, error: Failure, nowMs: number): void {
    if (status === UNAUTHORIZED) this.#open.set(provider, { error, atMs: nowMs });
  }

  /** Why a statement that began at `startedMs` may not ask; one that begins later tries anew. */
  refusal(provider: string, startedMs: number): Failure | undefined {
    const open = this.#open.get(provider);
    if (open === undefined || startedMs > open.atMs) return undefined;
    const { code, message } = open.error;
    return { code, message: `${message}; not asked again by this statement` };
  }
}
