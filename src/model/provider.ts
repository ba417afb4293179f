/** What the workers ask of every kind of provider. */
import type { ChatOutcome, ChatRequest } from './chat.ts';
import type { ParameterChanges } from './parameters.ts';

/** How long a call may take, from its start to the last byte of its answer, and what ends it before. */
export interface ChatLimits {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** What the model's refusals of parameters have taught. */
  readonly learned?: ParameterChanges;
}

export interface Provider {
  /** Makes one call; never rejects. */
  chat(request: ChatRequest, limits: ChatLimits): Promise<ChatOutcome>;
  /** Opens connections ahead of calls, where there are any to open. */
  warm(connections: number): Promise<void>;
  /** Ends all calls and connections. */
  close(): Promise<void>;
}
