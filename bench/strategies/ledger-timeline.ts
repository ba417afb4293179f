/** Makes the timeline of a run without a journal, from the model server's ledger. */
import { type Bar, onLanes, type Timeline } from '../../src/report/timeline.ts';
import type { LedgerEntry } from '../../src/sim/ledger.ts';

/** Places the calls of a run that began at `atMs` (since the epoch) and took `ms`. Each call gets the first free lane. */
export function timelineOfLedger(
  entries: readonly LedgerEntry[],
  atMs: number,
  ms: number,
): Timeline {
  const calls = entries.map((entry): Omit<Bar, 'lane'>[] => {
    const { status, durationMs, costMicroUsd, atMs: cameMs } = entry;
    const fromUs = Math.max(0, Math.round((cameMs - atMs) * 1_000));
    return [
      {
        fromUs,
        toUs: fromUs + Math.round((durationMs ?? 0) * 1_000),
        kind: status === 200 ? 'call' : status === 429 ? 'refused' : 'failed',
        label: `call ${entry.ordinal}, ${Math.round(durationMs ?? 0)} ms`,
        costMicroUsd,
        ...(durationMs === null ? {} : { durationMs }),
      },
    ];
  });
  return { startUs: atMs * 1_000, endUs: Math.round(ms * 1_000), ...onLanes(calls) };
}
