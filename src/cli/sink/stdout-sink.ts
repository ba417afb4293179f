import type { CliError } from '../exit-codes.ts';
import { isReaderGone, outputError } from './output-error.ts';
import { SINK_BLOCK_CHARS, type Sink } from './sink.ts';
import { writeStdout } from './write-stdout.ts';

/** Writes results to standard output. Written text cannot be taken back. */
export class StdoutSink implements Sink {
  results = 0;
  readonly #onBroken: () => void;
  #pending: string[] = [];
  #pendingChars = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #broken = false;
  #failure: CliError | undefined;

  /** Calls `onBroken` once if the output cannot be written, also if its reader has ended (`… | head`). */
  constructor(onBroken: () => void) {
    this.#onBroken = onBroken;
  }

  write(text: string): Promise<void> | undefined {
    if (this.#broken) return undefined;
    this.#pending.push(text);
    this.#pendingChars += text.length;
    if (this.#pendingChars >= SINK_BLOCK_CHARS) return this.flush();
    // Rows that come slowly are shown at once. Rows that come together are written together.
    this.#scheduled ??= setImmediate(() => void this.flush());
    return undefined;
  }

  flush(): Promise<void> {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#pending.length === 0 || this.#broken) return Promise.resolve();
    const text = this.#pending.join('');
    this.#pending = [];
    this.#pendingChars = 0;
    return new Promise((resolve) =>
      writeStdout(text, (error) => {
        if (error) this.#break(error);
        resolve();
      }),
    );
  }

  #break(error: unknown): void {
    if (this.#broken) return;
    this.#broken = true;
    if (!isReaderGone(error)) this.#failure = outputError(error);
    this.#onBroken();
  }

  rollback(): Promise<void> {
    return this.flush();
  }

  keep(): Promise<void> {
    return this.flush();
  }

  async close(): Promise<void> {
    await this.flush();
    if (this.#failure !== undefined) throw this.#failure;
  }

  discard(): Promise<void> {
    return this.flush();
  }
}
