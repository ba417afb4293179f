/** Tells how far a run of samples is, and what is left. */
/** One line on a terminal, a line a sample elsewhere. */
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
