/** What the tests of this folder share. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acquireDatabase } from '../../src/duck/registry.ts';
import { Session } from '../../src/duck/session.ts';
import { RvbbitError } from '../../src/errors.ts';

/** A session on a database in memory of its own. */
export async function memorySession(): Promise<Session> {
  const lease = await acquireDatabase(':memory:');
  const session = await Session.open(lease);
  await lease.release();
  return session;
}

/** The rows of a query in the json form. */
export async function rowsOf(session: Session, sql: string): Promise<Record<string, unknown>[]> {
  return (await session.run(sql)).rows('json');
}

/** What `work` rejects with, which must be one of our errors. */
export async function rejection(work: Promise<unknown>): Promise<RvbbitError> {
  const error = await work.then(
    () => new Error('it did not reject'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof RvbbitError) return error;
  throw error;
}

/** Runs `work` with a folder that is removed afterwards. */
export async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'rvb-duck-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
