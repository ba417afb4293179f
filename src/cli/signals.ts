/** Ctrl-C and SIGTERM: the first one lets what is in flight end and says what was done, the second ends the process. */
import { say } from './stderr.ts';

/** Watches for interrupts until closed. */
export interface Interrupts {
  /** Aborts at the first interrupt: nothing more is to begin. */
  readonly drain: AbortSignal;
  /** Aborts once what is in flight has had its time: it is to end now. */
  readonly signal: AbortSignal;
  /** Whether an interrupt came. */
  readonly interrupted: boolean;
  /** Aborts without an interrupt, e.g. when nobody reads the output any more. What is in flight has its time here too. */
  stop(): void;
  close(): void;
}

const INTERRUPTED_EXIT = 130;

/** Takes SIGINT and SIGTERM over from Node, which would end the process at once. `graceMs` is for what is in flight. */
export function watchInterrupts(graceMs = 0): Interrupts {
  const drain = new AbortController();
  const controller = new AbortController();
  let interrupted = false;
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    drain.abort();
    if (graceMs === 0) controller.abort();
    else timer ??= setTimeout(() => controller.abort(), graceMs).unref();
  };
  const close = () => {
    clearTimeout(timer);
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
  const onSignal = () => {
    if (interrupted) {
      // Should DuckDB wait for a function in JavaScript just now, leaving waits for DuckDB: the next one is the system's.
      close();
      // A progress bar turns line wrapping off while it stands.
      if (process.stderr.isTTY) process.stderr.write('\u001b[?7h');
      process.exit(INTERRUPTED_EXIT);
    }
    interrupted = true;
    say('interrupted: stopping the statement; once more ends at once');
    stop();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    drain: drain.signal,
    signal: controller.signal,
    get interrupted() {
      return interrupted;
    },
    stop,
    close,
  };
}
