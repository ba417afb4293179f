/** The interface of the places to which results are written. */

/**
 * Collects text and passes it on in blocks. The first write that fails calls the sink's `onBroken`. Later text is
 * dropped, and `close` throws unless only the reader has ended.
 */
export interface Sink {
  /** Returns a promise if the receiver is slower than the writer. Await it before the next write. */
  write(text: string): Promise<void> | undefined;
  /** Passes the collected text on. */
  flush(): Promise<void>;
  /** Drops the text since the last `keep`, as far as it can be taken back. */
  rollback(): Promise<void>;
  /** Marks the text written so far as complete, so that `rollback` does not drop it. */
  keep(): Promise<void>;
  /** Ends the output. A file gets its name only here. Throws a `CliError` if text could not be written. */
  close(): Promise<void>;
  /** Ends the output and drops all text, as far as it can be taken back. */
  discard(): Promise<void>;
  /** The number of result sets begun so far, for formats that separate result sets. */
  results: number;
}

/** The number of characters that a sink collects before it passes them on. */
export const SINK_BLOCK_CHARS = 64 * 1024;

/** Does the work that writes into the sink, then ends the output. If the work fails, all text is dropped. */
export async function intoSink(sink: Sink, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
    await sink.close();
  } catch (thrown) {
    await sink.discard();
    throw thrown;
  }
}
