/** Token counts and prices. The counting rule is simple and fixed, so that a test can compute it: ceil(UTF-16 units / 4). */
import * as z from 'zod';

const CHARS_PER_TOKEN = 4;

/** Prices by model, in USD per million tokens. `*` is the price of every model without its own. */
export const pricesSchema = z.record(
  z.string(),
  z.strictObject({
    inputPerMtok: z.number().min(0),
    outputPerMtok: z.number().min(0),
    /** Default: the price of other input. */
    cachedInputPerMtok: z.number().min(0).optional(),
    cacheWritePerMtok: z.number().min(0).optional(),
  }),
);

/** Prices by model. */
export type Prices = z.infer<typeof pricesSchema>;

/** The tokens of a call. Those that were read from or written to the cache are part of `tokensIn`; each is absent for 0. */
export interface CallTokens {
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly tokensCached?: number;
  readonly tokensCacheWrite?: number;
}

/** Returns the number of tokens of a text with this many UTF-16 units. */
export function tokensOf(chars: number): number {
  return Math.ceil(chars / CHARS_PER_TOKEN);
}

/** Returns the number of characters that fit into this many tokens. */
export function charsOf(tokens: number): number {
  return tokens * CHARS_PER_TOKEN;
}

/** Returns the cost in millionths of a USD, not rounded; undefined if the model has no price. */
export function costMicroUsd(
  prices: Prices,
  model: string,
  { tokensIn, tokensOut, tokensCached = 0, tokensCacheWrite = 0 }: CallTokens,
): number | undefined {
  const price = Object.hasOwn(prices, model) ? prices[model] : prices['*'];
  if (price === undefined) return undefined;
  const { inputPerMtok, outputPerMtok } = price;
  return (
    (tokensIn - tokensCached - tokensCacheWrite) * inputPerMtok +
    tokensCached * (price.cachedInputPerMtok ?? inputPerMtok) +
    tokensCacheWrite * (price.cacheWritePerMtok ?? inputPerMtok) +
    tokensOut * outputPerMtok
  );
}
