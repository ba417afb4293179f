/** Token counts of a call, checked: whatever the provider, `inputTokens` is all of the prompt. */
import type { Usage } from './chat.ts';

/** Counts as they came, not yet known to be any. */
export interface RawCounts {
  /** All tokens of the prompt, those of a cache included. */
  readonly input: unknown;
  readonly output: unknown;
  readonly reasoning?: unknown;
  readonly cached?: unknown;
  readonly cacheWrite?: unknown;
}

/**
 * Undefined where input or output is no count. Cache counts that exceed the input are no counts: the call is
 * then priced as if nothing had been cached, so that its price is not understated.
 */
export function usageOf({
  input,
  output,
  reasoning,
  cached,
  cacheWrite,
}: RawCounts): Usage | undefined {
  const inputTokens = countOf(input);
  const outputTokens = countOf(output);
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  const reasoningTokens = countOf(reasoning);
  const [cachedTokens, cacheWriteTokens] = [countOf(cached) ?? 0, countOf(cacheWrite) ?? 0];
  const fits = cachedTokens + cacheWriteTokens <= inputTokens;
  return {
    inputTokens,
    outputTokens,
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
    ...(fits && cachedTokens > 0 ? { cachedTokens } : {}),
    ...(fits && cacheWriteTokens > 0 ? { cacheWriteTokens } : {}),
  };
}

/** A whole number from 0 on; undefined for anything else. */
export function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}
