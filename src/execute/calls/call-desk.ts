/** What the model calls of all statements of an engine share: the limiter, the answers at hand, calls in flight, circuits. */

import type { RateLimits, Usage } from '../../model/chat.ts';
import type { ProviderLimits } from '../../model/provider-config.ts';
import { Circuits } from './circuits.ts';
import { SingleFlight } from './single-flight.ts';

/** Where answers of earlier calls are found. */
export interface AnswerSource {
  /** The newest answer to a call, if it was given at `notBefore` (µs since the epoch) or later. */
  find(
    callKey: string,
    notBefore: number,
  ): StoredAnswer | undefined | Promise<StoredAnswer | undefined>;
}

export interface StoredAnswer {
  readonly text: string;
  /** Microseconds since the epoch. */
  readonly at: number;
}

export interface Limiter {
  acquire(request: LimiterRequest): LimiterPermit | Promise<LimiterPermit>;
  closeStatement(statementId: number): void;
}
export interface LimiterRequest {
  readonly provider: string;
  readonly model: string;
  readonly statementId: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly statementLimits?: ProviderLimits;
  readonly signal: AbortSignal;
}
export interface LimiterPermit {
  settle(result: {
    readonly status?: number;
    readonly retryAfterMs?: number;
    readonly rateLimits?: RateLimits;
    readonly usage?: Usage;
  }): void;
  cancel(): void;
}

export interface CallDeskParts {
  readonly gate: Limiter;
  readonly answers: AnswerSource;
  /** Hands what the journal holds to the operating system, before the calls that it names go out. */
  readonly writeJournal: () => void;
  /** Resolves once the journal is on disk as far as it goes, before rows are delivered. */
  readonly commitJournal: () => Promise<void>;
}

export class CallDesk {
  readonly gate: Limiter;
  readonly answers: AnswerSource;
  readonly writeJournal: () => void;
  readonly commitJournal: () => Promise<void>;
  readonly flights = new SingleFlight();
  readonly circuits = new Circuits();

  constructor(parts: CallDeskParts) {
    this.gate = parts.gate;
    this.answers = parts.answers;
    this.writeJournal = parts.writeJournal;
    this.commitJournal = parts.commitJournal;
  }
}
