/** Where results go. */

/**
 * Collects text and passes it on in blocks. A write that fails is told to `onBroken` of the sink's maker, once; what
 * follows is dropped, and `close` throws.
 */
export interface Sink {
  /** A promise where the receiver is slower than the writer; await it before the next write. */
  write(text: string): Promise<void> | undefined;
  /** Passes on what is collected. */
  flush(): Promise<void>;
  /** Forgets what was written since the last `keep`, as far as it can be taken back. */
  rollback(): Promise<void>;
  /** What was written so far is whole. */
  keep(): Promise<void>;
  /** Ends the output; a file takes its name only here. Throws a `CliError` where it could not all be written. */
  close(): Promise<void>;
  /** Ends the output without it, as far as it can be taken back. */
  discard(): Promise<void>;
  /** Result sets begun so far, for formats that put something between them. */
  results: number;
}

/** Characters that a sink collects before it passes them on. */
export const SINK_BLOCK_CHARS = 64 * 1024;
