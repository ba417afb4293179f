/** Handles Ctrl-C and SIGTERM: at the first, work in flight may still end; the second ends the process. */
import { say } from './stderr.ts';

/** Watches for interrupts, until it is closed. */
export interface Interrupts {
  /** Aborts at the first interrupt: nothing new may begin. */
  readonly drain: AbortSignal;
  /** Aborts when the grace time after that is over: work in flight must end now. */
  readonly signal: AbortSignal;
  /** True after an interrupt. */
  readonly interrupted: boolean;
  /** Aborts `drain` and then `signal` without an interrupt, e.g. when nobody reads the output any more. */
  stop(): void;
  close(): void;
}

const INTERRUPTED_EXIT = 130;

/** Takes over SIGINT and SIGTERM from Node, which would end the process at once. Work in flight gets `graceMs`. */
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
      // If DuckDB waits for a JavaScript function, `exit` waits for DuckDB. So the system handles the next signal.
      close();
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

/** Resolves at the first SIGINT or SIGTERM, of which Node then no longer ends the process. The second one ends it. */
export function interruption(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}
