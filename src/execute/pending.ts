/** Promises that can be given up together. */

/**
 * `race` settles with the work, or with the error of `rejectAll` if that comes first. It is not a `Promise.race`
 * against one long-lived promise, which would keep every result that it ever raced.
 */
export class Pending {
  readonly #rejects = new Set<(error: unknown) => void>();
  #onIdle: (() => void)[] = [];
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
          this.#end(reject);
          resolve(value);
        },
        (error: unknown) => {
          this.#end(reject);
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
    this.#wakeIdle();
  }

  /** Resolves when no promise waits any more. */
  idle(): Promise<void> {
    if (this.#rejects.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  #end(reject: (error: unknown) => void): void {
    this.#rejects.delete(reject);
    if (this.#rejects.size === 0 && this.#onIdle.length > 0) this.#wakeIdle();
  }

  #wakeIdle(): void {
    const onIdle = this.#onIdle;
    this.#onIdle = [];
    for (const resolve of onIdle) resolve();
  }
}
