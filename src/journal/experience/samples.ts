/** The latest of many measurements. */

/** The latest calls that a cell is remembered by. */
export const EXPERIENCE_SAMPLES = 64;

export class Samples {
  readonly #values: number[] = [];
  #next = 0;

  add(value: number): void {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % EXPERIENCE_SAMPLES;
  }

  /** 0 where there are none. */
  get mean(): number {
    const { length } = this.#values;
    return length === 0 ? 0 : this.#values.reduce((sum, value) => sum + value, 0) / length;
  }

  /** Nine of ten are no larger. */
  get p90(): number {
    const sorted = [...this.#values].sort((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(sorted.length * 0.9) - 1)] ?? 0;
  }
}
