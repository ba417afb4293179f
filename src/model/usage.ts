/** Checks the token counts of a call. For every provider, `inputTokens` is the whole prompt. */
import type { Usage } from './chat.ts';

/** Token counts from a response, before they are checked. */
export interface RawCounts {
  /** All tokens of the prompt, including cached tokens. */
  readonly input: unknown;
  readonly output: unknown;
  readonly reasoning?: unknown;
  readonly cached?: unknown;
  readonly cacheWrite?: unknown;
}

/**
 * Returns the counts; undefined if input or output is not a count. Cache counts that exceed the input are ignored, so
 * the call is priced as if nothing had been cached, and its cost is not understated.
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

/** Returns `value` if it is a whole number of at least 0, else undefined. */
export function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}
