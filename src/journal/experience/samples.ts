/** Keeps the latest measurements of one quantity. */

/** The number of latest measurements that are kept. */
export const EXPERIENCE_SAMPLES = 64;

export class Samples {
  readonly #values: number[] = [];
  #next = 0;

  add(value: number): void {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % EXPERIENCE_SAMPLES;
  }

  /** The mean of the measurements; 0 if there are none. */
  get mean(): number {
    const { length } = this.#values;
    return length === 0 ? 0 : this.#values.reduce((sum, value) => sum + value, 0) / length;
  }
}
