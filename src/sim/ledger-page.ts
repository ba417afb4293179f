/** What the server tells of its calls over HTTP. */
import type { LedgerEntry, LedgerTotals } from './ledger.ts';

/** The server's own resource usage, so that a benchmark can separate it from the engine's. */
export interface ServerExpense {
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** The number of connections since the start. */
  readonly connections: number;
  /** The most connections that were open at once since the last reset. */
  readonly mostConnections: number;
}

/** The answer to `GET /sim/ledger`. */
export interface LedgerPage {
  readonly totals: LedgerTotals;
  readonly server: ServerExpense;
  readonly entries: readonly LedgerEntry[];
  /** The value of `since` for the next page; null on the last page. */
  readonly next: number | null;
}
