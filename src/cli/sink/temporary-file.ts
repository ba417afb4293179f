/** Names of the temporary files beside `-o`: they tell whose they are, so that those of killed runs can go. */
import { randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { crc32 } from 'node:zlib';
import { isGoneSince } from '../../journal/process-facts.ts';

/** What follows a result's name: where the process runs, its number, and some random digits. */
const TAIL = /^\.([0-9a-f]{8})-(\d{1,9})-[0-9a-f]{8}\.tmp$/;

/** A new name for the temporary file of a result of that name. */
export function temporaryName(name: string): string {
  return `${name}.${placeMark()}-${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
}

/**
 * Removes the temporary files of that result whose processes are known to be gone. Files of other machines and of
 * other containers stay: their processes cannot be seen from here.
 */
export async function removeLeftovers(folder: string, name: string): Promise<void> {
  const mark = placeMark();
  // A folder that may be written to and not listed keeps its leftovers.
  const names = await readdir(folder).catch(() => []);
  for (const each of names) {
    if (!each.startsWith(name)) continue;
    const [, place, pid] = TAIL.exec(each.slice(name.length)) ?? [];
    if (place !== mark) continue;
    const path = `${folder}/${each}`;
    const facts = await stat(path).catch(() => undefined);
    if (facts?.isFile() !== true || !isGoneSince(Number(pid), facts.mtimeMs)) continue;
    await rm(path, { force: true }).catch(() => {});
  }
}

/** Tells machines apart, and on Linux containers: a process number means something only within one. */
function placeMark(): string {
  let numbers = '';
  try {
    numbers = readlinkSync('/proc/self/ns/pid');
  } catch {
    // Elsewhere a machine has one set of process numbers.
  }
  return crc32(`${hostname()}\n${numbers}`).toString(16).padStart(8, '0');
}
