/** Reads the arguments of commands. */
import { CliError, refuseWord } from '../exit-codes.ts';

/** Returns the words of an argument. Quotes keep blanks in a word: `'my file.sql'`. */
export function wordsOf(argument: string): string[] {
  const words = argument.match(/'(?:[^']|'')*'|"(?:[^"]|"")*"|\S+/g) ?? [];
  return words.map(unquoted);
}

/** Returns the only word of an argument; undefined if there is none. Throws a usage error for more. */
export function onlyWord(argument: string, usage: string): string | undefined {
  const [word, left] = wordsOf(argument);
  refuseWord(left, usage);
  return word;
}

/** Returns the value of `on` or `off`; without an argument, the other value than the present one. */
export function switched(argument: string, isOn: boolean, name: string): boolean {
  const word = onlyWord(argument, `${name} on|off`)?.toLowerCase();
  if (word === undefined) return !isOn;
  if (word === 'on' || word === 'off') return word === 'on';
  throw new CliError('usage', `${name} takes on or off, not '${word}'`);
}

function unquoted(word: string): string {
  const quote = word[0]!;
  if ((quote !== "'" && quote !== '"') || !word.endsWith(quote) || word.length < 2) return word;
  return word.slice(1, -1).replaceAll(quote + quote, quote);
}
