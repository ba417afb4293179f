/** Reads a password: from RVBBIT_PASSWORD, from a terminal without showing it, or from standard input. */
import { CliError } from '../exit-codes.ts';

const MAX_CHARS = 1_024;

/** Returns the password, without the line break at its end. `prompt` is shown on a terminal alone. */
export async function readPassword(prompt: string): Promise<string> {
  const given = process.env['RVBBIT_PASSWORD'];
  if (given !== undefined) return given;
  const { stdin } = process;
  if (stdin.isTTY) return typed(prompt);
  let text = '';
  for await (const chunk of stdin.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > MAX_CHARS) throw tooLong();
  }
  return text.replace(/\r?\n$/, '');
}

/** Reads a line key by key, because a terminal in its usual mode shows what is typed. */
function typed(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(prompt);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  return new Promise<string>((resolve, reject) => {
    let text = '';
    const end = (settle: () => void) => {
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      settle();
    };
    const onData = (keys: string) => {
      for (const key of keys) {
        if (key === '\r' || key === '\n' || key === '\u0004') return end(() => resolve(text));
        if (key === '\u0003') return end(() => reject(new CliError('usage', 'interrupted')));
        if (key === '\u007f' || key === '\b') text = [...text].slice(0, -1).join('');
        else if (key === '\u0015') text = '';
        else if (key >= ' ') text += key;
        if (text.length > MAX_CHARS) return end(() => reject(tooLong()));
      }
    };
    stdin.on('data', onData);
  });
}

function tooLong(): CliError {
  return new CliError('usage', `a password has at most ${MAX_CHARS} characters`);
}
