import { fstatSync, writeFileSync } from 'node:fs';

const isFile = fstatSync(process.stdout.fd).isFile();

/**
 * Writes to standard output and calls `done` once all of the text is there, or with what went wrong. Node's own
 * stream takes a part of a text for the whole where a disk becomes full.
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
