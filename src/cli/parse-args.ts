/** Reads a command line by the table of options. */
import { nearestSpelling } from '../../grammar/spelling.ts';
import { COMMANDS, type CommandName } from './command-names.ts';
import { CliError } from './exit-codes.ts';
import { firstWord, spellOutFormats, takesFormat } from './option-words.ts';
import { type ParsedArgs, readOptions } from './read-options.ts';

function isCommand(word: string | undefined): word is CommandName | 'help' {
  return (
    word !== undefined && word !== 'query' && (word === 'help' || Object.hasOwn(COMMANDS, word))
  );
}

/**
 * Reads the arguments after `node main.js`. `isFile` tells a database that is there from a misspelt
 * subcommand. Throws a usage error.
 */
export async function parseArgs(
  args: readonly string[],
  isFile: (path: string) => boolean,
): Promise<ParsedArgs> {
  const at = firstWord(args);
  const word = at < 0 ? undefined : args[at];
  if (!isCommand(word)) {
    const parsed = await parseOptions('query', spellOutFormats(args));
    if (word !== undefined) refuseMisspelling(word, parsed, isFile);
    return parsed;
  }
  const rest = args.toSpliced(at, 1);
  if (word !== 'help') return parseOptions(word, takesFormat(word) ? spellOutFormats(rest) : rest);
  const topic = rest[0];
  if (topic !== undefined && topic !== 'query' && !isCommand(topic)) throw unknownCommand(topic);
  const command = topic === undefined || topic === 'help' ? 'query' : topic;
  return { command, words: [], options: { inputs: [], param: [], help: true } };
}

/** What is typed for a word that reads like a command. */
const INSTEAD: Readonly<Record<string, string>> = { query: "-c 'SQL'", version: '--version' };

function unknownCommand(word: string): CliError {
  const near = nearestSpelling(word, [...Object.keys(COMMANDS), 'help']);
  const hint = near === undefined ? 'rvbbit --help' : `did you mean ${near}?`;
  return new CliError('usage', `there is no command '${word}'`, hint);
}

/** The first word is a database unless it looks like something else that was meant. */
function refuseMisspelling(
  word: string,
  { options, words }: ParsedArgs,
  isFile: (path: string) => boolean,
): void {
  if (word === '-' || words[0] !== word || options.help || options.version) return;
  if (/^[a-z]+$/i.test(word) && !isFile(word)) {
    const near = nearestSpelling(word, [...Object.keys(COMMANDS), 'help', 'version']);
    if (near === undefined) return;
    const meant = INSTEAD[near] ?? near;
    const hint = `did you mean rvbbit ${meant}? For a new database of that name write ./${word}`;
    throw new CliError('usage', `'${word}' is neither a command nor a database that exists`, hint);
  }
  if (/^\s*(?:select|from|with|rvbbit|create|insert|explain)\s/i.test(word)) {
    throw new CliError('usage', 'the first word is a database file', "did you mean -c 'SQL'?");
  }
  if (/\.sql$/i.test(word)) {
    throw new CliError(
      'usage',
      `'${word}' stands where the database goes`,
      `did you mean -f ${word}?`,
    );
  }
  if (/\.ya?ml$/i.test(word)) {
    throw new CliError(
      'usage',
      `'${word}' stands where the database goes`,
      `did you mean rvbbit run ${word}?`,
    );
  }
}

async function parseOptions(name: CommandName, args: readonly string[]): Promise<ParsedArgs> {
  const parsed = readOptions(name, args);
  if (parsed !== undefined) return withoutStdout(parsed);
  return withoutStdout((await import('./read-with-commander.ts')).readWithCommander(name, args));
}

/** `-o -` is what happens without `-o`; a file that took the place of /dev/stdout would take it from the shell as well. */
function withoutStdout(parsed: ParsedArgs): ParsedArgs {
  const { output, ...options } = parsed.options;
  return output === '-' || output === '/dev/stdout' ? { ...parsed, options } : parsed;
}
