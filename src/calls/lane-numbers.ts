/** Numbers the lanes of a statement's calls. */

/** `take` returns the smallest free number, from 1. If at most n are in use at a time, no number is above n. */
export class LaneNumbers {
  readonly #isTaken: boolean[] = [];

  take(): number {
    const free = this.#isTaken.indexOf(false);
    const index = free === -1 ? this.#isTaken.length : free;
    this.#isTaken[index] = true;
    return index + 1;
  }

  giveBack(lane: number): void {
    this.#isTaken[lane - 1] = false;
  }
}
