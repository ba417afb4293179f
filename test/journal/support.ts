/** What the journal's tests share. */
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JournalRecord, RECORD_VERSION } from '../../src/journal/records.ts';

/** Runs `use` on a new folder and removes it. */
export async function withFolder<T>(use: (folder: string) => Promise<T> | T): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-journal-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** 2026-01-31 in µs. */
export const START_AT = 1_769_817_600_000_000;

/** An `attempt.start`. */
export function started(n: number, key: string, at: number = START_AT + n): JournalRecord {
  return {
    v: RECORD_VERSION,
    seq: 2 * n + 1,
    at,
    session: 'udf-clever-fox-3fa2b1',
    caller: 'sql-quiet-heron-09ab3c',
    t: 'attempt.start',
    attempt: `a${n}`,
    cell: 'ask',
    callKey: key,
    n: 1,
    provider: 'sim',
    model: 'm',
    lane: 1,
  };
}

/** An `attempt.end` with an answer. */
export function answered(
  n: number,
  key: string,
  value: string,
  at: number = START_AT + n,
): JournalRecord {
  return {
    v: RECORD_VERSION,
    seq: 2 * n + 2,
    at,
    session: 'udf-clever-fox-3fa2b1',
    caller: 'sql-quiet-heron-09ab3c',
    t: 'attempt.end',
    attempt: `a${n}`,
    outcome: 'ok',
    status: 200,
    tokensIn: 10,
    tokensOut: 5,
    costMicroUsd: 7,
    costStatus: 'settled',
    durationMs: 500,
    callKey: key,
    value,
  };
}

/** A key as the engine makes them: 32 digits of a SHA-256. */
export function keyOf(n: number): string {
  return hash('sha256', String(n)).slice(0, 32);
}
