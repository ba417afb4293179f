import { fstatSync, writeFileSync } from 'node:fs';

const isFile = fstatSync(process.stdout.fd).isFile();

/**
 * Writes to standard output. Calls `done` once all of the text is written, or with the error. When a disk becomes full,
 * Node's own stream reports a partly written text as complete.
 */
export function writeStdout(text: string, done: (error?: unknown) => void): void {
  if (!isFile) {
    process.stdout.write(text, done);
    return;
  }
  try {
    writeFileSync(process.stdout.fd, text);
  } catch (thrown) {
    done(thrown);
    return;
  }
  done();
}
