/** What the journal asks of the file system; tests put one in its place in which the n-th call fails. */
import * as fs from 'node:fs';

/** Size in bytes and time of the last write, ms since the epoch. */
export interface FileFacts {
  readonly size: number;
  readonly modifiedMs: number;
}

/** Failures are thrown as Node's own errors, with `code`. */
export interface FileSystem {
  /** Makes a folder that only its owner may enter, and its parents; one that is there is no failure. */
  makeFolder(path: string): void;
  /** Names of what the folder holds, folders apart. */
  list(folder: string): string[];
  /** Undefined if there is no such file. */
  facts(path: string): FileFacts | undefined;
  exists(path: string): boolean;
  openToRead(path: string): number;
  /** A new file that only its owner may read; writes go to its end. Fails if the name is taken. */
  create(path: string): number;
  /** Bytes written, which may be fewer than asked. */
  write(file: number, bytes: Uint8Array, offset: number, length: number): number;
  read(file: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  /** The written bytes are on disk once it resolves. */
  sync(file: number): Promise<void>;
  /** The folder's names are on disk once it resolves. */
  syncFolder(path: string): Promise<void>;
  close(file: number): void;
  rename(from: string, to: string): void;
  /** A further name for a file. Fails if the name is taken. */
  link(from: string, to: string): void;
  /** A file that is not there is no failure. */
  remove(path: string): void;
}

/** The file system of the machine. */
export const realFileSystem: FileSystem = {
  makeFolder: (path) => void fs.mkdirSync(path, { recursive: true, mode: 0o700 }),
  list: (folder) =>
    fs
      .readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => name),
  facts(path) {
    const found = fs.statSync(path, { throwIfNoEntry: false });
    return found === undefined ? undefined : { size: found.size, modifiedMs: found.mtimeMs };
  },
  exists: (path) => fs.existsSync(path),
  openToRead: (path) => fs.openSync(path, 'r'),
  create: (path) => fs.openSync(path, 'ax', 0o600),
  write: (file, bytes, offset, length) => fs.writeSync(file, bytes, offset, length),
  read: (file, bytes, offset, length, position) =>
    fs.readSync(file, bytes, offset, length, position),
  sync: (file) =>
    new Promise((resolve, reject) => {
      fs.fdatasync(file, (error) => (error === null ? resolve() : reject(error)));
    }),
  syncFolder,
  close: (file) => fs.closeSync(file),
  rename: (from, to) => fs.renameSync(from, to),
  link: (from, to) => fs.linkSync(from, to),
  remove: (path) => fs.rmSync(path, { force: true }),
};

async function syncFolder(path: string): Promise<void> {
  // Windows opens no folder as a file, and needs no such sync.
  if (process.platform === 'win32') return;
  const folder = await fs.promises.open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What `read` gives; undefined where the file that it opens is gone: another process prunes or compacts. */
export function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** Writes all of it, in as many calls as it takes. */
export function writeAll(files: FileSystem, file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    const written = files.write(file, bytes, done, bytes.length - done);
    if (written <= 0) throw new Error(`the system took ${done} of ${bytes.length} bytes`);
    done += written;
  }
}

/** Puts a file in the place of what has its name: whole or not at all. */
export function replaceFile(files: FileSystem, path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${process.pid}.tmp`;
  files.remove(temporary);
  try {
    const file = files.create(temporary);
    try {
      writeAll(files, file, bytes);
    } finally {
      files.close(file);
    }
    files.rename(temporary, path);
  } catch (thrown) {
    removeQuietly(files, temporary);
    throw thrown;
  }
}

function removeQuietly(files: FileSystem, path: string): void {
  try {
    files.remove(path);
  } catch {
    // The failure that led here is the one to tell.
  }
}

/** Reads up to `length` bytes from `position`; fewer only at the end of the file. */
export function readAt(files: FileSystem, file: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const count = files.read(file, bytes, done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}
