/** Lock files under `<stateDir>/locks`, so that only one process at a time resumes a statement or runs a job. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RvbbitError } from '../errors.ts';
import { RUN_LOCK_NAMELESS_MS, RUN_LOCK_STALE_MS } from '../limits.ts';
import { isRunning, type LockOwner, ownLock, readOwner } from './lock-owner.ts';

/** A lock that this process holds. */
export interface RunLock {
  /** Makes the lock look new to other machines. Throws if another process has taken the lock over. */
  renew(): void;
  release(): void;
}

interface Claim {
  readonly path: string;
  readonly generation: number;
}

/** How often a process tries to take the lock when other processes try at the same moment. */
const MAX_TRIES = 20;
const MAX_PAUSE_MS = 50;

/**
 * Takes the lock of a session. Fails with RVB_RUN_LOCKED, which names the owner's process. If the owner is dead, the
 * process creates the lock file of the next generation; only one process can create it. If that process then finds
 * another live lock file, it removes its own and tries again. A lock of another machine that is older than `staleMs`
 * counts as one of a dead owner.
 */
export async function lockRun(
  stateDir: string,
  session: string,
  staleMs: number = RUN_LOCK_STALE_MS,
): Promise<RunLock> {
  const folder = join(stateDir, 'locks');
  const isHeld = (claim: Claim) => isLive(claim, staleMs);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const claims = claimsOn(folder, session);
    const held = claims.find(isHeld);
    if (held !== undefined) throw locked(session, held);
    const generation = Math.max(0, ...claims.map((claim) => claim.generation + 1));
    const path = join(folder, `${session}.${generation}.lock`);
    if (!claim(path)) continue;
    const others = claimsOn(folder, session).filter((other) => other.path !== path);
    if (!others.some(isHeld)) {
      for (const other of others) rmSync(other.path, { force: true });
      return {
        renew: () => utimesSync(path, new Date(), new Date()),
        release: () => rmSync(path, { force: true }),
      };
    }
    rmSync(path, { force: true });
    await sleep(Math.random() * MAX_PAUSE_MS);
  }
  throw locked(session, undefined);
}

/** Whether a process holds the lock of a session. */
export function isRunLocked(stateDir: string, session: string, staleMs: number): boolean {
  return claimsOn(join(stateDir, 'locks'), session).some((claim) => isLive(claim, staleMs));
}

function claim(path: string): boolean {
  try {
    writeFileSync(path, JSON.stringify(ownLock()), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw thrown;
  }
}

function claimsOn(folder: string, session: string): Claim[] {
  const prefix = `${session}.`;
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && /^\d+\.lock$/.test(name.slice(prefix.length)))
    .map((name) => ({
      path: join(folder, name),
      generation: Number.parseInt(name.slice(prefix.length), 10),
    }));
}

function isLive({ path }: Claim, staleMs: number): boolean {
  const writtenMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  if (writtenMs === undefined) return false;
  const ageMs = Date.now() - writtenMs;
  const owner = ownerOf(path);
  if (owner === undefined) return ageMs < RUN_LOCK_NAMELESS_MS;
  return isRunning(owner) ?? ageMs < staleMs;
}

function ownerOf(path: string): LockOwner | undefined {
  try {
    return readOwner(readFileSync(path, 'utf8'));
  } catch {
    // The lock was released meanwhile.
    return undefined;
  }
}

function locked(session: string, held: Claim | undefined): RvbbitError {
  const owner = held === undefined ? undefined : ownerOf(held.path);
  const who = owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`;
  return new RvbbitError(
    'RVB_RUN_LOCKED',
    `${session} is run by ${who}: wait for it${held === undefined ? '' : `; if it is gone, remove ${held.path}`}`,
    { stage: 'journal' },
  );
}
