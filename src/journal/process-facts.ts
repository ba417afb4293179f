/** Facts about a process of this machine: whether it runs, and when it started. */
import { readFileSync } from 'node:fs';

/** Linux reports start times in ticks of 1/100 s to programs, whatever the kernel's own tick rate is. */
const TICKS_PER_SECOND = 100;
/** The tolerance for start times: the boot time that they are added to is in whole seconds. */
const START_SLACK_MS = 2_000;

/** True if a process with this pid runs. A zombie (ended, but not yet reaped by its parent) does not count. */
export function isAlive(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ESRCH';
  }
  return statOf(pid)?.state !== 'Z';
}

/** True if the process that had this pid at `atMs` (wall clock) has ended, even if another process now has the pid. */
export function isGoneSince(pid: number, atMs: number): boolean {
  if (pid === process.pid) return atMs < performance.timeOrigin;
  if (!isAlive(pid)) return true;
  const stat = statOf(pid);
  const bootSeconds = Number(/^btime (\d+)$/m.exec(readText('/proc/stat') ?? '')?.[1]);
  if (stat === undefined || Number.isNaN(bootSeconds)) return false;
  const startedMs = (bootSeconds + stat.startTicks / TICKS_PER_SECOND) * 1_000;
  return startedMs > atMs + START_SLACK_MS;
}

/** True if a signal has stopped the process, such as Ctrl-Z. Known on Linux alone. */
export function isStopped(pid: number): boolean {
  return statOf(pid)?.state === 'T';
}

/** Returns a text that identifies a process even if its pid is used again; undefined if the system gives none. */
export function processIdentity(pid: number): string | undefined {
  const stat = statOf(pid);
  const boot = readText('/proc/sys/kernel/random/boot_id')?.trim();
  return stat === undefined || boot === undefined ? undefined : `${boot}/${stat.startTicks}`;
}

/** Reads `/proc/<pid>/stat`. Only Linux has this file. */
function statOf(pid: number): { readonly state: string; readonly startTicks: number } | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The second field is the program's name in parentheses. The name may hold any character, also spaces and `)`.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTicks: Number(fields[19]) };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
