/** Reports a statement that stands still at the limiter: its calls wait for permits, and none gets one. */
import type { CallsHeld, CallsReleased } from '../journal/records.ts';

/** A shorter standstill is not reported. */
const STAND_STILL_MS = 500;

/** The parameters of `GateWaits`. */
export interface GateWaitsParts {
  note(entry: CallsHeld | CallsReleased): void;
  /** Returns for how many milliseconds refusals still hold the calls to a model; 0 if they do not. */
  heldMs(provider: string, model: string): number;
}

/** Watches the waits of one statement's calls. */
export class GateWaits {
  readonly #parts: GateWaitsParts;
  #waiting = 0;
  /** The provider (and model, below) of the call that began to wait last. */
  #provider = '';
  #model = '';
  /** The start of the standstill. */
  #sinceMs = 0;
  #isTold = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: GateWaitsParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#waiting;
  }

  /** A call begins to wait. */
  begin(provider: string, model: string): void {
    this.#provider = provider;
    this.#model = model;
    this.#waiting += 1;
    if (this.#waiting === 1) this.#restart();
  }

  /** A call stops waiting. */
  end(): void {
    this.#waiting -= 1;
    this.#release();
    if (this.#waiting > 0) this.#restart();
  }

  /** Ends a reported standstill, so that its length is reported. */
  close(): void {
    this.#release();
  }

  #restart(): void {
    this.#sinceMs = performance.now();
    this.#timer = setTimeout(() => this.#tell(), STAND_STILL_MS).unref();
  }

  #tell(): void {
    this.#isTold = true;
    const provider = this.#provider;
    const heldMs = Math.round(this.#parts.heldMs(provider, this.#model));
    this.#parts.note({ t: 'calls.held', provider, ...(heldMs === 0 ? {} : { heldMs }) });
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#isTold) return;
    this.#isTold = false;
    this.#parts.note({
      t: 'calls.released',
      waitedMs: Math.round(performance.now() - this.#sinceMs),
    });
  }
}
