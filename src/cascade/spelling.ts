/** Suggestions for a misspelt word, as the end of an error message. */
import { nearestSpelling } from '../../grammar/spelling.ts';

/** Returns `; did you mean x?` if a candidate is similar to the word, else ''. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const near = nearestSpelling(word, candidates);
  return near === undefined ? '' : `; did you mean ${near}?`;
}
