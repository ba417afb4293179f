/** Stops calls to a provider that rejects its API key, for the running statements: it would reject all their calls. */
import type { Failure } from '../errors.ts';

/** After this many responses 401 without a success between them, no more calls are made. */
const CIRCUIT_REJECTIONS = 3;

/** The status of a rejected API key. */
const UNAUTHORIZED = 401;

interface Circuit {
  /** The number of rejections since the last success. */
  rejections: number;
  openedMs: number;
  error: Failure;
}

/** The providers that have rejected their API key. */
export class Circuits {
  readonly #circuits = new Map<string, Circuit>();

  /** Records how a call ended. A single rejection among successes has no effect on other calls. */
  observe(provider: string, status: number | undefined, error: Failure | undefined): void {
    if (error === undefined) this.#circuits.delete(provider);
    if (error === undefined || status !== UNAUTHORIZED) return;
    const circuit = this.#circuits.get(provider) ?? { rejections: 0, openedMs: 0, error };
    circuit.rejections += 1;
    if (circuit.rejections >= CIRCUIT_REJECTIONS) circuit.openedMs = performance.now();
    this.#circuits.set(provider, circuit);
  }

  /** Returns why a statement that began at `startedMs` may not call the provider. Later statements may try again. */
  refusal(provider: string, startedMs: number): Failure | undefined {
    const circuit = this.#circuits.get(provider);
    if (circuit === undefined || startedMs > circuit.openedMs) return undefined;
    const { code, message } = circuit.error;
    return { code, message: `${message}; not asked again by this statement` };
  }
}
