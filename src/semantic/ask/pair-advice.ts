/**
 * Advice for a query that compares each value with many others: to label the values takes one call for each value, not
 * one for each pair.
 */
import { dollars } from '../../util/dollars.ts';
import type { AnswerBook, Tuple } from './answer-book.ts';

/** The smallest number of pairs that leads to advice. */
const ADVISED_PAIRS = 100;
/** The smallest number of pairs for each value that leads to advice. */
const ADVISED_PAIRS_PER_VALUE = 2;

/** How many pairs of values an operator compares, and how many distinct values are in them. */
export interface ComparedPairs {
  readonly pairs: number;
  readonly values: number;
}

/**
 * The pairs that a symmetric operator compares, if a label for each value would take far fewer calls; else undefined.
 * For an operator that is not declared symmetric nobody knows whether labels could say the same.
 */
export function comparedPairs(
  { isPaired, operator }: AnswerBook,
  tuples: readonly Tuple[],
): ComparedPairs | undefined {
  const pairs = tuples.length;
  if (!isPaired || !operator.symmetric || pairs < ADVISED_PAIRS) return undefined;
  const values = new Set(tuples.flat()).size;
  return pairs < ADVISED_PAIRS_PER_VALUE * values ? undefined : { pairs, values };
}

/** The advice in words. `costMicroUsd` is the price of one call; undefined if no price is known. */
export function pairAdvice(
  name: string,
  { pairs, values }: ComparedPairs,
  costMicroUsd: number | undefined,
): string {
  const price = (calls: number) =>
    costMicroUsd === undefined ? '' : ` (about ${dollars(calls * costMicroUsd)})`;
  return `${name} compares ${pairs} pairs of ${values} values, a call each${price(pairs)}; where equal labels say the same, give each value a label first, such as CLASSIFY(text, labels) or NORMALIZE(text, type), and join on it: ${values} calls${price(values)}`;
}
