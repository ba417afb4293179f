/** The statements of earlier sessions, in a file that only the user can read. */
import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { say } from '../stderr.ts';
import { systemErrorText } from '../text/system-error.ts';

/** The entries that are kept. A file with twice as many is cut. */
export const HISTORY_ENTRIES = 1_000;
/** A longer statement is not kept. */
const ENTRY_MAX_CHARS = 20_000;
const OWNER_ONLY = 0o600;

/** Returns the file of the history: that of RVBBIT_HISTORY, else one in the user's state folder; undefined for none. */
export function historyFile(env: NodeJS.ProcessEnv): string | undefined {
  const named = env['RVBBIT_HISTORY'];
  if (named === '' || named?.toLowerCase() === 'off') return undefined;
  if (named !== undefined) return named;
  const state = env['XDG_STATE_HOME'];
  // A relative path is invalid by the XDG rules, and is ignored.
  const home =
    state !== undefined && isAbsolute(state) ? state : join(homedir(), '.local', 'state');
  return join(home, 'rvbbit', 'history');
}

/** Entries, newest first. The file holds one JSON string a line, oldest first. */
export class History {
  readonly entries: string[] = [];
  #file: string | undefined;
  #lines = 0;

  /** Reads the file, if it is there. Says so, and keeps nothing, if it cannot be used. */
  constructor(file: string | undefined) {
    this.#file = file;
    if (file === undefined) return;
    this.#use(() => {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      this.#read(file);
    });
  }

  /** Adds an entry. An entry that begins with a blank, or that equals the last one, is not kept. */
  add(entry: string): void {
    const [last] = this.entries;
    if (/^\s|^$/.test(entry) || entry.length > ENTRY_MAX_CHARS || entry === last) return;
    this.entries.unshift(entry);
    this.entries.splice(HISTORY_ENTRIES);
    this.#use((file) => {
      appendFileSync(file, `${JSON.stringify(entry)}\n`, { mode: OWNER_ONLY });
      this.#lines++;
      if (this.#lines >= 2 * HISTORY_ENTRIES) this.#cut(file);
    });
  }

  #read(file: string): void {
    let text = '';
    try {
      text = readFileSync(file, 'utf8');
      chmodSync(file, OWNER_ONLY);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
    }
    const lines = text.split('\n').filter((line) => line !== '');
    const entries = lines.map(entryOf);
    // Only the last line may be torn, by a process that was killed. Anything else is somebody else's file.
    if (
      entries.slice(0, -1).includes(undefined) ||
      (entries.length > 0 && entries[0] === undefined)
    ) {
      throw new Error('it holds something else than the history of this shell');
    }
    this.#lines = lines.length;
    this.entries.push(...entries.filter((entry) => entry !== undefined).reverse());
    this.entries.splice(HISTORY_ENTRIES);
    if (lines.length > 2 * HISTORY_ENTRIES || entries.includes(undefined)) this.#cut(file);
  }

  #cut(file: string): void {
    const lines = this.entries.map((entry) => `${JSON.stringify(entry)}\n`);
    writeFileSync(file, lines.reverse().join(''), { mode: OWNER_ONLY });
    this.#lines = lines.length;
  }

  #use(work: (file: string) => void): void {
    if (this.#file === undefined) return;
    try {
      work(this.#file);
    } catch (thrown) {
      say(`no history is kept in ${this.#file}: ${systemErrorText(thrown)}`);
      this.#file = undefined;
    }
  }
}

function entryOf(line: string): string | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'string' ? entry : undefined;
  } catch {
    return undefined;
  }
}
