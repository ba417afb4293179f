/** Promises that can be given up together. */

/**
 * `race` settles with the work, or with the error of `rejectAll` if that comes first. Not a
 * `Promise.race` against one long-lived promise: that would keep every result it ever raced.
 */
export class Pending {
  readonly #rejects = new Set<(error: unknown) => void>();
  #error: unknown;
  #given = false;

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

  /** Rejects everything that waits, now and from now on. */
  rejectAll(error: unknown): void {
    if (this.#given) return;
    this.#given = true;
    this.#error = error;
    for (const reject of this.#rejects) reject(error);
    this.#rejects.clear();
  }
}
