/** Which lane of a statement makes a call: the smallest number that no other call in flight has. */

/** Numbers from 1; of n at a time none is above n. */
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
