/** "Did you mean": the nearest of a few known words, as the end of a message. */
import { nearestSpelling } from '../../grammar/spelling.ts';

/** `; did you mean x?`, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const near = nearestSpelling(word, candidates);
  return near === undefined ? '' : `; did you mean ${near}?`;
}
