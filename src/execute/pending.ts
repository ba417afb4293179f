/** Promises that can be given up together. */

/**
 * `race` settles with the work, or with the error of `rejectAll` if that comes first. It is not a `Promise.race`
 * against one long-lived promise, which would keep every result that it ever raced.
 */
export class Pending {
  readonly #rejects = new Set<(error: unknown) => void>();
  #error: unknown;
  #given = false;

  /** The number of promises that wait. */
  get size(): number {
    return this.#rejects.size;
  }

  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#given) {
        work.catch(() => {});
        reject(this.#error);
        return;
      }
      this.#rejects.add(reject);
      work.then(
        (value) => {
          this.#rejects.delete(reject);
          resolve(value);
        },
        (error: unknown) => {
          this.#rejects.delete(reject);
          reject(error);
        },
      );
    });
  }

  /** Rejects every waiting promise, and every promise that is raced later. */
  rejectAll(error: unknown): void {
    if (this.#given) return;
    this.#given = true;
    this.#error = error;
    for (const reject of this.#rejects) reject(error);
    this.#rejects.clear();
  }
}
