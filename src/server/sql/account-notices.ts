/** What a client is told of the cascades that its statement ran: the account, and why rows failed. */
import type { Summary } from '../../result.ts';

/** The failed rows that are named. The others are counted. */
const NAMED_FAILURES = 3;

export interface AccountNotice {
  readonly severity: 'NOTICE' | 'WARNING';
  readonly code: string;
  readonly message: string;
}

/** Returns the notices of a summary; none for plain SQL. */
export function accountNotices({
  rows,
  runs,
  calls,
  tokens,
  costMicroUsd,
  uncostedCalls,
  durationMs,
  failures,
}: Summary): readonly AccountNotice[] {
  if (runs === 0) return [];
  const notices: AccountNotice[] = failures
    .slice(0, NAMED_FAILURES)
    .map(({ ordinal, code, message }) => ({
      severity: 'WARNING',
      code,
      message: `row ${ordinal + 1} failed: ${message}`,
    }));
  if (rows.failed > notices.length) {
    const message = `${rows.failed - notices.length} more rows failed`;
    notices.push({ severity: 'WARNING', code: 'rows_failed', message });
  }
  const asked = calls.sent + calls.cacheHits;
  const cost = costMicroUsd === null ? 'unknown' : `$${(costMicroUsd / 1e6).toFixed(6)}`;
  const partly =
    costMicroUsd !== null && uncostedCalls > 0 ? ` and ${uncostedCalls} without a price` : '';
  const facts = [
    `${runs} runs`,
    `${(durationMs / 1_000).toFixed(1)} s`,
    ...(asked === 0
      ? []
      : [
          `${calls.sent} calls`,
          `${calls.cacheHits} stored answers`,
          `${tokens.in} tokens in, ${tokens.out} out`,
          `cost ${cost}${partly}`,
        ]),
  ];
  return [...notices, { severity: 'NOTICE', code: 'account', message: facts.join(', ') }];
}
