/** The interface that workers use for every kind of provider. */
import type { Answered, ChatOutcome, ChatRequest } from './chat.ts';
import type { ParameterChanges } from './parameters.ts';

/** The limits of one call. `timeoutMs` runs from its start to the last byte of its answer. `signal` cancels it. */
export interface ChatLimits {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Changes to the parameters, learned from the model's refusals. */
  readonly learned?: ParameterChanges;
  /** Present if the question shares its call with others. */
  readonly shared?: SharedQuestion;
  /** Present if the call was made by the provider's Batch API. It is only read. */
  readonly answered?: Answered;
}

/** A call that several questions share. */
export interface SharedCall {
  readonly id: string;
  /** Takes the place of the random part of the wait before a retry, so that all of them come back together. */
  readonly jitter: number;
}

/** A question in a shared call. */
export interface SharedQuestion {
  readonly call: SharedCall;
  readonly callKey: string;
  /** True once the question no longer waits for the call. */
  isGone: boolean;
}

/** A provider in a worker. */
export interface Provider {
  /** Makes one call. Never rejects. */
  chat(request: ChatRequest, limits: ChatLimits): Promise<ChatOutcome>;
  /** Loads the code for calls ahead of the first call. Opens no connection. */
  warm(): void;
  /** Ends all calls and closes all connections. */
  close(): Promise<void>;
}
