/** Advice where each value is compared with many others: a label of each value takes a call a value, not one a pair. */
import { dollars } from '../../util/dollars.ts';
import type { AnswerBook, Tuple } from './answer-book.ts';

/** Pairs from which there is advice. */
const ADVISED_PAIRS = 100;
/** Pairs a value from which there is advice. */
const ADVISED_PAIRS_PER_VALUE = 2;

/** Pairs of values that an operator compares, and how many values those are. */
export interface ComparedPairs {
  readonly pairs: number;
  readonly values: number;
}

/**
 * What a symmetric operator compares where a label of each value would take far fewer calls; undefined elsewhere. Of an
 * operator that is not declared symmetric nobody knows whether labels could say the same.
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

/** The advice in words. `costMicroUsd`: of one call; undefined where no price is known. */
export function pairAdvice(
  name: string,
  { pairs, values }: ComparedPairs,
  costMicroUsd: number | undefined,
): string {
  const price = (calls: number) =>
    costMicroUsd === undefined ? '' : ` (about ${dollars(calls * costMicroUsd)})`;
  return `${name} compares ${pairs} pairs of ${values} values, a call each${price(pairs)}; where equal labels say the same, give each value a label first, such as CLASSIFY(text, labels) or NORMALIZE(text, type), and join on it: ${values} calls${price(values)}`;
}
