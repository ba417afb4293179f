/** The file system operations that the journal uses. Tests replace them with operations of which the n-th fails. */
import * as fs from 'node:fs';
import { dirname } from 'node:path';

/** The size of a file in bytes and the time of its last write, ms since the epoch. */
export interface FileFacts {
  readonly size: number;
  readonly modifiedMs: number;
}

/** File system operations. They throw Node's own errors, with a `code`. */
export interface FileSystem {
  /** Makes a folder that only its owner may enter, and its parent folders. Does nothing if the folder exists. */
  makeFolder(path: string): void;
  /** Returns the names of the regular files in the folder, and of links to such files. */
  list(folder: string): string[];
  /** Returns undefined if the file does not exist. */
  facts(path: string): FileFacts | undefined;
  exists(path: string): boolean;
  /** Opens a regular file. Anything else, such as a FIFO or a device, does not exist for it. */
  openToRead(path: string): number;
  /** Makes a file that only its owner may read. Writes append to it. Fails if the name is taken. */
  create(path: string): number;
  /** Returns the number of bytes written, which may be less than `length`. */
  write(file: number, bytes: Uint8Array, offset: number, length: number): number;
  read(file: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  /** Resolves when the written bytes are on disk. */
  sync(file: number): Promise<void>;
  /** Resolves when the folder's names are on disk. */
  syncFolder(path: string): Promise<void>;
  close(file: number): void;
  rename(from: string, to: string): void;
  /** Gives a file a second name. Fails if the name is taken. */
  link(from: string, to: string): void;
  /** Removes a file. Does nothing if the file does not exist. */
  remove(path: string): void;
}

/** The file system of the machine. */
export const realFileSystem: FileSystem = {
  makeFolder,
  list: (folder) =>
    fs
      .readdirSync(folder, { withFileTypes: true })
      .filter(
        (entry) => entry.isFile() || (entry.isSymbolicLink() && isFile(`${folder}/${entry.name}`)),
      )
      .map(({ name }) => name),
  facts(path) {
    const found = fs.statSync(path, { throwIfNoEntry: false });
    return found === undefined ? undefined : { size: found.size, modifiedMs: found.mtimeMs };
  },
  exists: (path) => fs.existsSync(path),
  openToRead,
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

function isFile(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function openToRead(path: string): number {
  // Without O_NONBLOCK (which Windows has not), opening a FIFO waits for its writer.
  const file = fs.openSync(path, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0));
  if (fs.fstatSync(file).isFile()) return file;
  fs.closeSync(file);
  throw Object.assign(new Error(`${path} is no regular file`), { code: 'ENOENT' });
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder as a file, and does not need this sync.
  if (process.platform === 'win32') return;
  const folder = await fs.promises.open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Returns the result of `read`; undefined if another process has removed the file that `read` opens. */
export function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** Writes all bytes, with as many `write` calls as needed. */
export function writeAll(files: FileSystem, file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    const written = files.write(file, bytes, done, bytes.length - done);
    if (written <= 0) throw new Error(`the system took ${done} of ${bytes.length} bytes`);
    done += written;
  }
}

/** Replaces a file atomically: its path has the old file or the whole new file at any time. */
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
    // The first failure is the one to report.
  }
}

/** Reads `length` bytes from `position`. Returns fewer bytes only at the end of the file. */
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

/** Makes a folder and those above it. Node's own `recursive` never ends in a folder that takes none, such as /proc. */
function makeFolder(path: string): void {
  if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const above = dirname(path);
  if (above !== path) makeFolder(above);
  try {
    fs.mkdirSync(path, { mode: 0o700 });
  } catch (thrown) {
    // Another process may have made it meanwhile. A file of that name fails here.
    if (!fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw thrown;
  }
}
