/** The ledger: every call with its content hash, and the totals of all calls. Tests use it to see which calls were made. */
import { performance } from 'node:perf_hooks';
import { MAX_CONTENTS } from './limits.ts';

/**
 * The outcome of a call. `limited`: it exceeded a rate limit. `rejected`: the request itself was wrong. `aborted`: the
 * client closed the connection before the answer was sent.
 */
export type CallOutcome = 'pending' | 'answered' | 'faulted' | 'limited' | 'rejected' | 'aborted';

/** The kinds of calls: OpenAI's chat completions, Anthropic's messages, embeddings. */
export type Endpoint = 'chat' | 'messages' | 'embeddings';

/** One call. */
export interface LedgerEntry {
  /** The call's number, from 1, in the order of arrival. */
  readonly ordinal: number;
  /** When the whole request had arrived, in milliseconds since 1970, with fractions. */
  readonly atMs: number;
  /** See `contentHash`. If the request was not JSON, the hash of its text. */
  readonly contentHash: string;
  /** This is the n-th call with the same content, from 1. */
  readonly attempt: number;
  readonly endpoint: Endpoint;
  readonly model: string;
  /** How the call asks for JSON: by a format, or by a tool that must be called. Absent: in words, or not at all. */
  readonly form?: 'json_schema' | 'json_object' | 'tool';
  /** The call's `prompt_cache_key`. */
  readonly cacheKey?: string;
  /** Null until a status was sent. */
  readonly status: number | null;
  readonly outcome: CallOutcome;
  /** The kind of the scripted fault. */
  readonly fault?: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** The part of `tokensIn` that came from the cache; absent for 0. */
  readonly tokensCached?: number;
  /** The part of `tokensIn` that was written to the cache; absent for 0. */
  readonly tokensCacheWrite?: number;
  /** The amount that a provider would bill; null if the model has no price. */
  readonly costMicroUsd: number | null;
  /** The number of calls in flight when this call had arrived, including itself. */
  readonly inFlightAtStart: number;
  /** The drawn or scripted latency; null if the call was refused before. */
  readonly delayMs: number | null;
  /** The time from `atMs` until the answer was sent or the client disconnected; null while pending. */
  readonly durationMs: number | null;
  /** The beginning of the call's text, if the options ask for it. */
  readonly preview?: string;
}

/** What became of a request. */
export type BatchFate = 'waiting' | 'succeeded' | 'failed' | 'expired' | 'missing' | 'canceled';

/** A request of a batch, as `GET /sim/batches` tells of it. */
export interface BatchedRequest {
  readonly batch: string;
  readonly customId: string;
  readonly contentHash: string;
  /** This is the n-th upload of the content, from 1. */
  readonly upload: number;
  readonly fate: BatchFate;
}

/** Sums over all calls since the start or the last reset. */
export interface LedgerTotals {
  readonly calls: number;
  readonly byOutcome: Readonly<Record<CallOutcome, number>>;
  /** Calls by the status that was sent; `none` for calls without a status. Pending calls are not included. */
  readonly byStatus: Readonly<Record<string, number>>;
  readonly distinctContents: number;
  /** Calls whose contents could not be distinguished, because there were too many different ones. */
  readonly overflowedContents: number;
  readonly inFlight: number;
  readonly maxInFlight: number;
  /** Calls that exceeded a limit with `hard`. */
  readonly violations: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly costMicroUsd: number;
  /** Entries that were dropped to make room for newer ones. */
  readonly dropped: number;
  /** The latest mark, or null. */
  readonly mark: LedgerMark | null;
  /** Calls that arrived after the mark; all calls if there is no mark. */
  readonly callsSinceMark: number;
}

/** A point in time from which calls are counted. */
export interface LedgerMark {
  /** The last call before the mark. */
  readonly ordinal: number;
  readonly atMs: number;
}

/** The totals, and the entries from a given ordinal on. */
export interface Ledger {
  readonly totals: LedgerTotals;
  readonly entries: readonly LedgerEntry[];
}

/** The number of calls in flight. It survives a reset of the ledger. */
export interface Gauge {
  now: number;
}

/** An entry of a call that has not ended. */
export type OpenEntry = { -readonly [Key in keyof LedgerEntry]: LedgerEntry[Key] };

/** Returns milliseconds since 1970, rounded to a microsecond. */
export function nowMs(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000) / 1000;
}

/** Writes the ledger. New entries replace the oldest ones when it is full. The totals count all calls. */
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

  /** Opens the entry of a call that has arrived. The caller has already counted the call in the gauge. */
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

  /** Closes an entry. Must be called once. */
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

  /** Counts a call that exceeded a hard limit. */
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

  /** Returns the kept entries with an ordinal above `since`, in order, at most `limit`. */
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
