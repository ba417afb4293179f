import {
  access,
  chmod,
  constants,
  type FileHandle,
  open,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { CliError } from '../exit-codes.ts';
import { isReaderGone, outputError } from './output-error.ts';
import { SINK_BLOCK_CHARS, type Sink } from './sink.ts';
import { removeLeftovers, temporaryName } from './temporary-file.ts';

/** The files to which the content of `-o` goes. */
export interface OutputPlace {
  /** The file that will hold the result. */
  readonly target: string;
  /** A file beside the target, renamed to the target at the end; undefined for pipes and devices, written directly. */
  readonly temporary: string | undefined;
}

/**
 * Finds out what `-o path` names, and removes the temporary files that killed processes have left beside it. A link
 * stays a link: the file to which it points is replaced. Throws a `CliError` if no file can be written.
 */
export async function placeOutput(path: string): Promise<OutputPlace> {
  if (path === '') throw new CliError('usage', '-o takes the name of a file');
  const target = await realpath(path).catch(() => path);
  const existing = await stat(target).catch(() => undefined);
  if (existing?.isDirectory()) throw new CliError('open', `cannot write ${path}: it is a folder`);
  if (existing !== undefined && !existing.isFile()) return { target, temporary: undefined };
  await access(dirname(target), constants.W_OK).catch((thrown: unknown) => {
    throw outputError(thrown, path);
  });
  const name = basename(target);
  await removeLeftovers(dirname(target), name);
  return { target, temporary: `${dirname(target)}/${temporaryName(name)}` };
}

/** Writes results to a file, which appears only when it is complete. */
export class FileSink implements Sink {
  results = 0;
  readonly #path: string;
  readonly #place: OutputPlace;
  readonly #file: FileHandle;
  readonly #onBroken: () => void;
  #pending: string[] = [];
  #pendingChars = 0;
  #writtenBytes = 0;
  #keptBytes = 0;
  #broken = false;
  #failure: CliError | undefined;

  private constructor(path: string, place: OutputPlace, file: FileHandle, onBroken: () => void) {
    this.#path = path;
    this.#place = place;
    this.#file = file;
    this.#onBroken = onBroken;
  }

  /** Opens the file that will become `path`. Calls `onBroken` once if the file cannot be written. */
  static async open(path: string, onBroken: () => void): Promise<FileSink> {
    const place = await placeOutput(path);
    try {
      const file = await open(place.temporary ?? place.target, place.temporary ? 'wx' : 'w');
      return new FileSink(path, place, file, onBroken);
    } catch (thrown) {
      throw outputError(thrown, path);
    }
  }

  write(text: string): Promise<void> | undefined {
    if (this.#broken) return undefined;
    this.#pending.push(text);
    this.#pendingChars += text.length;
    return this.#pendingChars < SINK_BLOCK_CHARS ? undefined : this.flush();
  }

  async flush(): Promise<void> {
    if (this.#pending.length === 0 || this.#broken) return;
    const bytes = Buffer.from(this.#pending.join(''));
    this.#pending = [];
    this.#pendingChars = 0;
    try {
      for (let done = 0; done < bytes.length; ) {
        // The offset is explicit, because a rollback moves the end of the file but not the handle's position.
        const at = this.#place.temporary === undefined ? null : this.#writtenBytes;
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, at);
        done += bytesWritten;
        this.#writtenBytes += bytesWritten;
      }
    } catch (thrown) {
      this.#broken = true;
      if (!isReaderGone(thrown)) this.#failure = outputError(thrown, this.#path);
      this.#onBroken();
    }
  }

  async keep(): Promise<void> {
    await this.flush();
    this.#keptBytes = this.#writtenBytes;
  }

  async rollback(): Promise<void> {
    this.#pending = [];
    this.#pendingChars = 0;
    if (this.#place.temporary === undefined || this.#writtenBytes === this.#keptBytes) return;
    await this.#file.truncate(this.#keptBytes);
    this.#writtenBytes = this.#keptBytes;
  }

  async close(): Promise<void> {
    await this.flush();
    if (this.#failure !== undefined) throw this.#failure;
    const { temporary, target } = this.#place;
    try {
      await this.#file.close();
      if (temporary !== undefined) await replaceFile(temporary, target);
    } catch (thrown) {
      throw outputError(thrown, this.#path);
    }
  }

  async discard(): Promise<void> {
    await this.#file.close();
    if (this.#place.temporary !== undefined) await rm(this.#place.temporary, { force: true });
  }
}

/** Renames a finished file to its target, with the permissions of the file that it replaces. */
export async function replaceFile(temporary: string, target: string): Promise<void> {
  const replaced = await stat(target).catch(() => undefined);
  if (replaced !== undefined) await chmod(temporary, replaced.mode);
  await rename(temporary, target);
}
