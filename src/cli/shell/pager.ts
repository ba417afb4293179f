/** Shows text in a pager, a program such as `less`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Returns the command of the pager: `$PAGER`, else `less`; undefined if the program is not there. */
export function pagerCommand(env: NodeJS.ProcessEnv): string | undefined {
  const command = env['PAGER']?.trim() || 'less';
  const [program = ''] = command.split(/\s+/);
  if (/[/\\]/.test(program)) return canRun(program) ? command : undefined;
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.some((folder) => canRun(join(folder, program))) ? command : undefined;
}

function canRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** One run of the pager. It has the terminal until the user leaves it. */
export class Pager {
  readonly #child: ChildProcess;
  readonly #left: Promise<void>;
  #hasLeft = false;

  /** `onEnd` is called when the user leaves the pager. */
  constructor(command: string, onEnd: () => void) {
    // S: long lines are cut, and the arrow keys move sideways. R: colours are shown.
    const env = { LESS: 'SR', LESSCHARSET: 'utf-8', ...process.env };
    this.#child = spawn(command, { shell: true, stdio: ['pipe', 'inherit', 'inherit'], env });
    this.#child.stdin?.on('error', () => {});
    this.#left = new Promise((resolve) => {
      const leave = () => {
        if (!this.#hasLeft) onEnd();
        this.#hasLeft = true;
        resolve();
      };
      this.#child.on('error', leave);
      this.#child.on('exit', leave);
    });
  }

  /** Resolves when the pager takes more. Text for a pager that was left is dropped. */
  write(text: string): Promise<void> | undefined {
    const { stdin } = this.#child;
    if (this.#hasLeft || stdin === null || stdin.write(text)) return undefined;
    const drained = new Promise<void>((resolve) => stdin.once('drain', resolve));
    return Promise.race([drained, this.#left]);
  }

  /** Ends the text. Resolves when the user has left the pager. */
  end(): Promise<void> {
    this.#child.stdin?.end();
    return this.#left;
  }
}
