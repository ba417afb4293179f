/** A provider that rejects the key is not asked again by the statements that are under way: it will reject all their calls. */
import type { Failure } from '../../errors.ts';

/** The status that says that the key is wrong. */
const UNAUTHORIZED = 401;

export class Circuits {
  readonly #open = new Map<string, { readonly error: Failure; readonly atMs: number }>();

  /** Takes note of how a call ended. An answer closes the circuit. */
  observe(
    provider: string,
    status: number | undefined,
    error: Failure | undefined,
    nowMs: number,
  ): void {
    if (error === undefined) this.#open.delete(provider);
    else if (status === UNAUTHORIZED) this.#open.set(provider, { error, atMs: nowMs });
  }

  /** Why a statement that began at `startedMs` may not ask; a later one tries anew. */
  refusal(provider: string, startedMs: number): Failure | undefined {
    const open = this.#open.get(provider);
    if (open === undefined || startedMs > open.atMs) return undefined;
    const { code, message } = open.error;
    return { code, message: `${message}; not asked again by this statement` };
  }
}
