import type { Writable } from 'node:stream';
import { SINK_BLOCK_CHARS, type Sink } from './sink.ts';

/** Results to standard output. What was written cannot be taken back. */
export class StdoutSink implements Sink {
  results = 0;
  readonly #stream: Writable;
  #pending: string[] = [];
  #pendingChars = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #broken = false;

  /** `onBroken` is called once if the reader goes away (`… | head`). */
  constructor(stream: Writable, onBroken: () => void) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (!this.#broken) onBroken();
      this.#broken = true;
    });
  }

  write(text: string): Promise<void> | undefined {
    if (this.#broken) return undefined;
    this.#pending.push(text);
    this.#pendingChars += text.length;
    if (this.#pendingChars >= SINK_BLOCK_CHARS) return this.flush();
    // Rows that come slowly are shown at once, rows that come together go together.
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
    // The callback comes for a failed write as well; the stream's 'error' tells which it was.
    return new Promise((resolve) => this.#stream.write(text, () => resolve()));
  }

  rollback(): Promise<void> {
    return this.flush();
  }

  keep(): Promise<void> {
    return this.flush();
  }

  close(): Promise<void> {
    return this.flush();
  }

  discard(): Promise<void> {
    return this.flush();
  }
}
