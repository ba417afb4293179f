/** Names the temporary files beside `-o` after their process, so that files of killed processes can be removed. */
import { randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { crc32 } from 'node:zlib';
import { isGoneSince } from '../../journal/process-facts.ts';

/** What follows a result's name: a mark of the machine or container, the process id, and random digits. */
const TAIL = /^\.([0-9a-f]{8})-(\d{1,9})-[0-9a-f]{8}\.tmp$/;

/** Returns a new name for the temporary file of the result `name`. */
export function temporaryName(name: string): string {
  return `${name}.${placeMark()}-${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
}

/**
 * Removes the temporary files of the result `name` whose processes are known to have ended. Files of other machines and
 * other containers stay, because their processes cannot be seen from here.
 */
export async function removeLeftovers(folder: string, name: string): Promise<void> {
  const mark = placeMark();
  // A folder that cannot be listed keeps its leftovers.
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

/** Returns a mark of the machine and, on Linux, of the container. A process id is unique only within one of them. */
function placeMark(): string {
  let numbers = '';
  try {
    numbers = readlinkSync('/proc/self/ns/pid');
  } catch {
    // On other systems, a machine has one set of process ids.
  }
  return crc32(`${hostname()}\n${numbers}`).toString(16).padStart(8, '0');
}
