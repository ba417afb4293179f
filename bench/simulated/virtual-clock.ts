/** A clock that stands still during work, and then jumps to the next timer. */
import { setImmediate as turn } from 'node:timers/promises';

interface Sleeper {
  readonly atMs: number;
  readonly act: () => void;
}

export class VirtualClock {
  nowMs = 0;
  #sleepers: Sleeper[] = [];

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.setTimer(resolve, ms);
    });
  }

  /** Calls `act` after `ms`. Returns a function that cancels the timer. */
  setTimer(act: () => void, ms: number): () => void {
    const sleeper = { atMs: this.nowMs + ms, act };
    // A timer comes after the other timers for the same moment.
    const after = this.#sleepers.findIndex(({ atMs }) => atMs > sleeper.atMs);
    this.#sleepers.splice(after === -1 ? this.#sleepers.length : after, 0, sleeper);
    return () => {
      this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
    };
  }

  /** Lets time pass until `work` has settled. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    work.then(over, over);
    for (;;) {
      // All pending promise callbacks run before the next turn.
      await turn();
      if (isOver) return work;
      const next = this.#sleepers.shift();
      if (next === undefined) throw new Error(`nothing happens after ${this.nowMs} ms`);
      this.nowMs = next.atMs;
      next.act();
    }
  }
}
