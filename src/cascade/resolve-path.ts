/** Reads only files under the cascade root: names are checked, links are resolved, opened files are verified. */
import { constants } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { RvbbitError, type Stage } from '../errors.ts';
import { CASCADE_MAX_BYTES } from '../limits.ts';
import { shortText } from '../util/short-text.ts';

/** The folders in which cascades are looked for: one folder, or several, of which the first that has a file wins. */
export type CascadeRoots = string | readonly string[];

/** The most characters of a cascade's name in a statement. */
const CASCADE_MAX_PATH = 1_024;

/** Returns a name for messages: one line, cut to MESSAGE_VALUE_CHARS, without control characters. */
export function showName(name: string): string {
  return shortText(name.replace(/[\p{Cc}\u2028\u2029]/gu, '?'));
}

function denied(name: string, why: string): RvbbitError {
  return new RvbbitError(
    'RVB_PATH_DENIED',
    `'${showName(name)}' ${why}; name a file under the cascade root, with forward slashes`,
    { stage: 'cascade' },
  );
}

function tooLarge(name: string, bytes: number): RvbbitError {
  return new RvbbitError(
    'RVB_CASCADE_INVALID',
    `'${showName(name)}' has ${bytes} bytes; a file of a cascade may have ${CASCADE_MAX_BYTES}`,
    { stage: 'cascade', place: { file: name, line: 1, column: 1 } },
  );
}

/**
 * Returns the canonical form of a file name under the root: `a/b.yaml`, with forward slashes, without `.` and `..`.
 * Throws RVB_PATH_DENIED for anything that is not a plain relative path.
 */
export function canonicalName(name: string): string {
  if (name.length === 0) throw denied(name, 'is an empty name');
  if (name.length > CASCADE_MAX_PATH)
    throw denied(name, `has more than ${CASCADE_MAX_PATH} characters`);
  if (/\p{Cc}/u.test(name)) throw denied(name, 'holds a control character');
  if (name.includes('\\')) throw denied(name, 'holds a backslash');
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) throw denied(name, 'is an absolute path');
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(name) || /^(file|data|node|https?):/i.test(name)) {
    throw denied(name, 'is a URL');
  }
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw denied(name, "holds '..'");
  if (parts.length === 0) throw denied(name, 'is not a file');
  if (parts.some((part) => Buffer.byteLength(part) > 255)) throw denied(name, 'is too long');
  return parts.join('/');
}

/**
 * Reads a file under the root. Returns undefined if it does not exist. Throws RVB_CASCADE_INVALID for a file above 256
 * KiB, and RVB_CASCADE_NOT_FOUND if the root does not exist.
 *
 * The real path must be inside the root. It is opened without following a link and without waiting (a FIFO would block).
 * Then the path of the opened file is checked again: if a folder or file was replaced by a link after the first check,
 * it is refused and not followed.
 */
export async function readRootFile(root: string, name: string): Promise<Buffer | undefined> {
  const realRoot = await realPathOf(root);
  if (realRoot === undefined) throw noRoot(root, 'cascade');
  const wanted = join(realRoot, ...canonicalName(name).split('/'));
  const real = await realPathOf(wanted);
  if (real === undefined) return undefined;
  if (!isInside(realRoot, real)) throw denied(name, 'leads out of the cascade root');
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return undefined;
    throw denied(name, `cannot be opened (${code})`);
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw denied(name, 'is not a regular file');
    if ((await realPathOf(`/proc/self/fd/${handle.fd}`)) !== real && process.platform === 'linux') {
      throw denied(name, 'was moved while it was opened');
    }
    const bytes = await readAtMost(handle, CASCADE_MAX_BYTES + 1);
    if (bytes.length > CASCADE_MAX_BYTES) throw tooLarge(name, Math.max(stat.size, bytes.length));
    return bytes;
  } finally {
    await handle.close();
  }
}

/** Returns the folders as a list. */
export function rootsOf(roots: CascadeRoots): readonly string[] {
  return typeof roots === 'string' ? [roots] : roots;
}

/** Reads a file under the first root that has it. Otherwise the same as `readRootFile`. */
export async function readFirstFile(
  roots: CascadeRoots,
  name: string,
): Promise<Buffer | undefined> {
  for (const root of rootsOf(roots)) {
    const bytes = await readRootFile(root, name);
    if (bytes !== undefined) return bytes;
  }
  return undefined;
}

/** Throws RVB_CASCADE_NOT_FOUND if a root is not a folder. */
export async function checkRoots(roots: readonly string[]): Promise<void> {
  for (const root of roots) {
    const found = await stat(root).catch(() => undefined);
    if (found?.isDirectory() !== true) throw noRoot(root, 'open');
  }
}

function noRoot(root: string, stage: Stage): RvbbitError {
  const message = `there is no folder ${resolve(root)}, the cascade root: make it, or name another with the option \`cascades\``;
  return new RvbbitError('RVB_CASCADE_NOT_FOUND', message, { stage });
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`);
}

async function realPathOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw denied(path, `cannot be resolved (${code})`);
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'error';
}

/** Reads a file up to a cap, because the file may have grown since `stat` reported its size. */
async function readAtMost(
  handle: Awaited<ReturnType<typeof open>>,
  maxBytes: number,
): Promise<Buffer> {
  const buffer = Buffer.alloc(maxBytes);
  let length = 0;
  while (length < maxBytes) {
    const { bytesRead } = await handle.read(buffer, length, maxBytes - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}
