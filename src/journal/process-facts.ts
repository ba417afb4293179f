/** What can be seen of a process of this machine: whether it runs, and since when. */
import { readFileSync } from 'node:fs';

/** Ticks of a second in which Linux tells start times, whatever the kernel's own. */
const TICKS_PER_SECOND = 100;
/** Start times are told in whole seconds since the boot's. */
const START_SLACK_MS = 2_000;

/** Whether a process of this number runs. One that was killed and whose parent has not taken note of it does not. */
export function isAlive(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ESRCH';
  }
  return statOf(pid)?.state !== 'Z';
}

/** Whether the process that had this number at `atMs` (wall clock) is gone, the number given to another or to none. */
export function isGoneSince(pid: number, atMs: number): boolean {
  if (pid === process.pid) return atMs < performance.timeOrigin;
  if (!isAlive(pid)) return true;
  const stat = statOf(pid);
  const bootSeconds = Number(/^btime (\d+)$/m.exec(readText('/proc/stat') ?? '')?.[1]);
  if (stat === undefined || Number.isNaN(bootSeconds)) return false;
  const startedMs = (bootSeconds + stat.startTicks / TICKS_PER_SECOND) * 1_000;
  return startedMs > atMs + START_SLACK_MS;
}

/** Tells a process from any other that has, had or will have its number; undefined where the system does not say. */
export function processIdentity(pid: number): string | undefined {
  const stat = statOf(pid);
  const boot = readText('/proc/sys/kernel/random/boot_id')?.trim();
  return stat === undefined || boot === undefined ? undefined : `${boot}/${stat.startTicks}`;
}

/** Linux's own facts of a process; no other system has them as a file. */
function statOf(pid: number): { readonly state: string; readonly startTicks: number } | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The second field is the program's name in parentheses, which may hold anything.
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
