/** What a client is told of a statement that still runs. */
import type { Summary } from '../../result.ts';
import { dollars } from '../../util/dollars.ts';

/** Returns, for example, `63 of 200 rows, 2 failed, 70 calls, cost $0.0012, 12 s`. */
export function progressText({ rows, calls, costMicroUsd, durationMs }: Summary): string {
  const done = rows.ok + rows.null + rows.failed + rows.skipped;
  return [
    `${done} of ${rows.in} rows`,
    ...(rows.failed === 0 ? [] : [`${rows.failed} failed`]),
    `${calls.sent} calls`,
    ...(costMicroUsd === null ? [] : [`cost ${dollars(costMicroUsd)}`]),
    `${Math.round(durationMs / 1_000)} s`,
  ].join(', ');
}
