/** Tells of a statement that stands still at the limiter: calls of it wait for leave, and none gets it. */
import type { CallsHeld, CallsReleased } from '../journal/records.ts';

/** A statement that stands still for less is not told of. */
const STAND_STILL_MS = 500;

export interface GateWaitsParts {
  note(entry: CallsHeld | CallsReleased): void;
  /** Milliseconds for which refusals still hold the calls to a model; 0 where they do not. */
  heldMs(provider: string, model: string): number;
}

export class GateWaits {
  readonly #parts: GateWaitsParts;
  #waiting = 0;
  /** Whom the call asks that was the last to begin to wait. */
  #provider = '';
  #model = '';
  /** Since when calls wait and none has been let go. */
  #sinceMs = 0;
  #isTold = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: GateWaitsParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#waiting;
  }

  begin(provider: string, model: string): void {
    this.#provider = provider;
    this.#model = model;
    this.#waiting += 1;
    if (this.#waiting === 1) this.#restart();
  }

  /** A call waits no longer. */
  end(): void {
    this.#waiting -= 1;
    this.#release();
    if (this.#waiting > 0) this.#restart();
  }

  /** Tells how long it has stood still, where it does as it ends. */
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
