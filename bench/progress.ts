/** Reports the progress of a run of samples, and the time that is left. */
/** Rewrites one line on a terminal. Elsewhere it prints one line for each sample. */
export class Progress {
  readonly #all: number;
  readonly #startMs = performance.now();
  #done = -1;

  constructor(all: number) {
    this.#all = all;
  }

  begin(what: string): void {
    this.#done += 1;
    const passedMs = performance.now() - this.#startMs;
    const leftS = ((passedMs / this.#done) * (this.#all - this.#done)) / 1_000;
    const left = this.#done === 0 ? '' : `, about ${Math.ceil(leftS)} s left`;
    const line = `bench: ${this.#done + 1} of ${this.#all}${left}: ${what}`;
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }
}
