/** What the command line says of itself: on stderr, prefixed, and never able to drive the terminal. */
import { styleText } from 'node:util';
import { visibleLines } from './text/escape.ts';

type Style = Parameters<typeof styleText>[0];

/** Colours text for stderr where it is a terminal; NO_COLOR and FORCE_COLOR have the last word. */
function stderrStyle(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stderr });
}

/** Colours text for stdout where it is a terminal; NO_COLOR and FORCE_COLOR have the last word. */
export function stdoutStyle(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** One message on stderr. */
export function say(message: string): void {
  process.stderr.write(`${stderrStyle('dim', 'rvbbit:')} ${visibleLines(message)}\n`);
}

/** An error on stderr: `code: message`, then lines that say where and what next. */
export function sayError(code: string, message: string, more: readonly string[] = []): void {
  const lines = [visibleLines(message), ...more.map((line) => `  ${visibleLines(line)}`)];
  process.stderr.write(`rvbbit: ${stderrStyle('red', code)}: ${lines.join('\n')}\n`);
}
