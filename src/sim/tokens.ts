/** Token counts and prices. The rule is stable and simple, so that a test can do the sum: ceil(UTF-16 units / 4). */
import * as z from 'zod';

const CHARS_PER_TOKEN = 4;

/** Prices by model; `*` is that of every model without its own. USD for a million tokens. */
export const pricesSchema = z.record(
  z.string(),
  z.strictObject({
    inputPerMtok: z.number().min(0),
    outputPerMtok: z.number().min(0),
    /** Default: as other input. */
    cachedInputPerMtok: z.number().min(0).optional(),
    cacheWritePerMtok: z.number().min(0).optional(),
  }),
);

/** Prices by model. */
export type Prices = z.infer<typeof pricesSchema>;

/** The tokens of a call; those of the cache are part of `tokensIn`, and absent for none. */
export interface CallTokens {
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly tokensCached?: number;
  readonly tokensCacheWrite?: number;
}

/** Tokens of a text of this many UTF-16 units. */
export function tokensOf(chars: number): number {
  return Math.ceil(chars / CHARS_PER_TOKEN);
}

/** Characters that fit into so many tokens. */
export function charsOf(tokens: number): number {
  return tokens * CHARS_PER_TOKEN;
}

/** The cost in millionths of a USD, not rounded; undefined where the model has no price. */
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
