/** Writes the command line's own messages to stderr, with a prefix and without characters that drive the terminal. */
import { styleText } from 'node:util';
import { visibleLines } from './text/escape.ts';

type Style = Parameters<typeof styleText>[0];

/** Colours text for stderr if stderr is a terminal. NO_COLOR and FORCE_COLOR override this. */
function stderrStyle(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stderr });
}

/** Colours text for stdout if stdout is a terminal. NO_COLOR and FORCE_COLOR override this. */
export function stdoutStyle(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** Writes one message to stderr. */
export function say(message: string): void {
  process.stderr.write(`${stderrStyle('dim', 'rvbbit:')} ${visibleLines(message)}\n`);
}

/** Writes an error to stderr: `code: message`, then lines with its place and with advice. */
export function sayError(code: string, message: string, more: readonly string[] = []): void {
  const lines = [visibleLines(message), ...more.map((line) => `  ${visibleLines(line)}`)];
  process.stderr.write(`rvbbit: ${stderrStyle('red', code)}: ${lines.join('\n')}\n`);
}
