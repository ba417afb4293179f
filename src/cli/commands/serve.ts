/** `rvbbit serve`: the servers. */
import { CliError } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';

/** Starts the server that the first word names. Returns the exit code when it ends. */
export async function serve(words: readonly string[], options: CliOptions): Promise<number> {
  const [kind, ...rest] = words;
  if (kind === 'mcp') return (await import('./serve-mcp.ts')).serveMcpCommand(rest, options);
  const problem = kind === undefined ? 'serve needs a word' : `there is no serve ${kind}`;
  throw new CliError('usage', problem, 'rvbbit serve mcp [db]');
}
