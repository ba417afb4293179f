/** The ledger: every call by content, and their totals. It is the oracle of what was bought. */
import { performance } from 'node:perf_hooks';
import { MAX_CONTENTS } from './limits.ts';

/**
 * What became of a call. `limited`: over a rate limit; `rejected`: the request itself was wrong;
 * `aborted`: the client closed the connection before the answer was out.
 */
export type CallOutcome = 'pending' | 'answered' | 'faulted' | 'limited' | 'rejected' | 'aborted';

/** The kinds of calls: OpenAI's chat completions, Anthropic's messages, embeddings. */
export type Endpoint = 'chat' | 'messages' | 'embeddings';

/** One call. */
export interface LedgerEntry {
  /** From 1, in the order of arrival. */
  readonly ordinal: number;
  /** When the request had arrived, in milliseconds since 1970, with fractions. */
  readonly atMs: number;
  /** See `contentHash`; that of the bytes where the request was no JSON. */
  readonly contentHash: string;
  /** The how many-th call of this content, from 1. */
  readonly attempt: number;
  readonly endpoint: Endpoint;
  readonly model: string;
  /** Null until a status was sent. */
  readonly status: number | null;
  readonly outcome: CallOutcome;
  /** The kind of the scripted fault. */
  readonly fault?: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** Of tokensIn; absent for none. */
  readonly tokensCached?: number;
  readonly tokensCacheWrite?: number;
  /** What a provider would bill; null without a price. */
  readonly costMicroUsd: number | null;
  /** Calls in flight when this one had arrived, itself included. */
  readonly inFlightAtStart: number;
  /** The latency that was drawn or scripted; null where the call was refused before that. */
  readonly delayMs: number | null;
  /** From `atMs` to the last byte, or to the client's disconnect; null while pending. */
  readonly durationMs: number | null;
  /** The beginning of the call's text, where the options ask for it. */
  readonly preview?: string;
}

/** Sums over all calls since the start or the last reset. */
export interface LedgerTotals {
  readonly calls: number;
  readonly byOutcome: Readonly<Record<CallOutcome, number>>;
  /** Calls by the status that was sent; `none` where none was. Pending calls are not in it. */
  readonly byStatus: Readonly<Record<string, number>>;
  readonly distinctContents: number;
  /** Calls of contents that were too many to be told apart. */
  readonly overflowedContents: number;
  readonly inFlight: number;
  readonly maxInFlight: number;
  /** Calls over a limit that is `hard`. */
  readonly violations: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly costMicroUsd: number;
  /** Entries that were dropped to make room. */
  readonly dropped: number;
  /** The last mark, or null. */
  readonly mark: LedgerMark | null;
  /** Calls that arrived after the mark; all of them without one. */
  readonly callsSinceMark: number;
}

/** A moment to count from. */
export interface LedgerMark {
  /** The last call before it. */
  readonly ordinal: number;
  readonly atMs: number;
}

/** The totals, and the entries from some ordinal on. */
export interface Ledger {
  readonly totals: LedgerTotals;
  readonly entries: readonly LedgerEntry[];
}

/** Calls in flight; outlives a reset of the ledger. */
export interface Gauge {
  now: number;
}

/** An entry that is still being written. */
export type OpenEntry = { -readonly [Key in keyof LedgerEntry]: LedgerEntry[Key] };

/** Milliseconds since 1970, to the microsecond. */
export function nowMs(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000) / 1000;
}

/** Writes the ledger. The oldest entries make room; the totals count everything. */
export class CallLog {
  readonly #capacity: number;
  readonly #gauge: Gauge;
  readonly #entries: OpenEntry[] = [];
  readonly #attempts = new Map<string, number>();
  readonly #byOutcome: Record<CallOutcome, number> = {
    pending: 0,
    answered: 0,
    faulted: 0,
    limited: 0,
    rejected: 0,
    aborted: 0,
  };
  readonly #byStatus: Record<string, number> = {};
  #calls = 0;
  #overflowed = 0;
  #maxInFlight: number;
  #tokensIn = 0;
  #tokensOut = 0;
  #costMicroUsd = 0;
  #mark: LedgerMark | null = null;
  #violations = 0;

  constructor(capacity: number, gauge: Gauge) {
    this.#capacity = capacity;
    this.#gauge = gauge;
    this.#maxInFlight = gauge.now;
  }

  /** Opens the entry of a call that has arrived; the caller has already counted it on the gauge. */
  begin(endpoint: Endpoint, contentHash: string, model: string): OpenEntry {
    const before = this.#attempts.get(contentHash);
    if (before !== undefined || this.#attempts.size < MAX_CONTENTS) {
      this.#attempts.set(contentHash, (before ?? 0) + 1);
    } else this.#overflowed += 1;
    const inFlight = this.#gauge.now;
    if (inFlight > this.#maxInFlight) this.#maxInFlight = inFlight;
    this.#calls += 1;
    this.#byOutcome.pending += 1;
    const entry: OpenEntry = {
      ordinal: this.#calls,
      atMs: nowMs(),
      contentHash,
      attempt: (before ?? 0) + 1,
      endpoint,
      model,
      status: null,
      outcome: 'pending',
      tokensIn: 0,
      tokensOut: 0,
      costMicroUsd: null,
      inFlightAtStart: inFlight,
      delayMs: null,
      durationMs: null,
    };
    this.#entries[(this.#calls - 1) % this.#capacity] = entry;
    return entry;
  }

  /** Closes an entry, once. */
  end(entry: OpenEntry, outcome: CallOutcome): void {
    entry.outcome = outcome;
    entry.durationMs = Math.round((nowMs() - entry.atMs) * 1000) / 1000;
    this.#byOutcome.pending -= 1;
    this.#byOutcome[outcome] += 1;
    const status = String(entry.status ?? 'none');
    this.#byStatus[status] = (this.#byStatus[status] ?? 0) + 1;
    this.#tokensIn += entry.tokensIn;
    this.#tokensOut += entry.tokensOut;
    this.#costMicroUsd += entry.costMicroUsd ?? 0;
  }

  /** Counts a call over a hard limit. */
  violated(): void {
    this.#violations += 1;
  }

  /** Sets the mark from which `callsSinceMark` counts. */
  mark(): LedgerMark {
    this.#mark = { ordinal: this.#calls, atMs: nowMs() };
    return this.#mark;
  }

  totals(): LedgerTotals {
    return {
      calls: this.#calls,
      byOutcome: { ...this.#byOutcome },
      byStatus: { ...this.#byStatus },
      distinctContents: this.#attempts.size,
      overflowedContents: this.#overflowed,
      inFlight: this.#gauge.now,
      maxInFlight: this.#maxInFlight,
      violations: this.#violations,
      tokensIn: this.#tokensIn,
      tokensOut: this.#tokensOut,
      costMicroUsd: this.#costMicroUsd,
      dropped: Math.max(0, this.#calls - this.#capacity),
      mark: this.#mark,
      callsSinceMark: this.#calls - (this.#mark?.ordinal ?? 0),
    };
  }

  /** The kept entries with an ordinal above `since`, in order, at most `limit`. */
  entries(since = 0, limit = Number.POSITIVE_INFINITY): LedgerEntry[] {
    const first = Math.max(since, this.#calls - this.#capacity);
    const last = Math.min(this.#calls, first + limit);
    const found: LedgerEntry[] = [];
    for (let ordinal = first; ordinal < last; ordinal++) {
      found.push({ ...this.#entries[ordinal % this.#capacity]! });
    }
    return found;
  }
}
