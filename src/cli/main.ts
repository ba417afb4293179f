/** The `rvbbit` process: runs its command line, and ends with its exit code. */
import { loadBundledNodeApi } from '../duck/node-api.ts';
import { type CliError, exitCodeOf } from './exit-codes.ts';
import { reportError } from './report.ts';
import { runCommandLine } from './run-command-line.ts';
import { isReaderGone, outputError } from './sink/output-error.ts';

loadBundledNodeApi();
let unwritten: CliError | undefined;
process.stdout.on('error', (error) => {
  if (!isReaderGone(error)) unwritten ??= outputError(error);
});
process.stderr.on('error', () => {});

let code = await runCommandLine(process.argv.slice(2));
// An open stdin, or a thread that does not stop, must not keep the process alive. `exit` runs in the next turn, because
// stdout's 'error' event comes after the callback of the write.
process.stdout.write('', () => setImmediate(exit));

function exit(): void {
  if (code === 0 && unwritten !== undefined) {
    reportError(unwritten);
    code = exitCodeOf([unwritten.verdict]);
  }
  process.exit(code);
}
