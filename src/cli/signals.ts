/** Ctrl-C and SIGTERM: the first one stops the statement and lets it say what was done, the second ends the process. */
import { say } from './stderr.ts';

/** Watches for interrupts until closed. */
export interface Interrupts {
  /** Aborts at the first interrupt; hand it to whatever runs. */
  readonly signal: AbortSignal;
  /** Whether an interrupt came. */
  readonly interrupted: boolean;
  /** Aborts without an interrupt, e.g. when nobody reads the output any more. */
  stop(): void;
  close(): void;
}

const INTERRUPTED_EXIT = 130;

/** Takes SIGINT and SIGTERM over from Node, which would end the process at once. */
export function watchInterrupts(): Interrupts {
  const controller = new AbortController();
  let interrupted = false;
  const onSignal = () => {
    if (interrupted) {
      // A progress bar turns line wrapping off while it stands.
      if (process.stderr.isTTY) process.stderr.write('\u001b[?7h');
      process.exit(INTERRUPTED_EXIT);
    }
    interrupted = true;
    say('interrupted: stopping the statement; once more ends at once');
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    get interrupted() {
      return interrupted;
    },
    stop: () => controller.abort(),
    close() {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
