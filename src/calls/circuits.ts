/** A provider that rejects the key is not asked again by the statements that are under way: it will reject all their calls. */
import type { Failure } from '../errors.ts';

/** Calls that a provider answers with 401, without an answer between, before no more are made. */
const CIRCUIT_REJECTIONS = 3;

/** The status that says that the key is wrong. */
const UNAUTHORIZED = 401;

interface Circuit {
  /** Rejections of the key since the last answer. */
  rejections: number;
  openedMs: number;
  error: Failure;
}

export class Circuits {
  readonly #circuits = new Map<string, Circuit>();

  /** Takes note of how a call ended. One rejection among answers is that call's own matter. */
  observe(provider: string, status: number | undefined, error: Failure | undefined): void {
    if (error === undefined) this.#circuits.delete(provider);
    if (error === undefined || status !== UNAUTHORIZED) return;
    const circuit = this.#circuits.get(provider) ?? { rejections: 0, openedMs: 0, error };
    circuit.rejections += 1;
    if (circuit.rejections >= CIRCUIT_REJECTIONS) circuit.openedMs = performance.now();
    this.#circuits.set(provider, circuit);
  }

  /** Why a statement that began at `startedMs` may not ask; one that begins later tries anew. */
  refusal(provider: string, startedMs: number): Failure | undefined {
    const circuit = this.#circuits.get(provider);
    if (circuit === undefined || startedMs > circuit.openedMs) return undefined;
    const { code, message } = circuit.error;
    return { code, message: `${message}; not asked again by this statement` };
  }
}
