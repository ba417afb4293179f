/** The largest number of mistakes in a word that is still taken for a misspelling. */
const MOST_MISTAKES = 3;

/**
 * Returns the largest edit distance at which one word is suggested instead of the other: one letter in three, by the
 * longer word. Two words of two letters are never each other's misspelling.
 */
function tolerance(word: string, other: string): number {
  return Math.min(MOST_MISTAKES, Math.floor(Math.max(word.length, other.length) / 3));
}

/**
 * Returns the Damerau-Levenshtein distance (insert, delete, replace, swap neighbours), or `limit + 1` if it is
 * larger than `limit`.
 */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(
        last[column]! + 1,
        current[column - 1]! + 1,
        last[column - 1]! + (same ? 0 : 1),
      );
      const swapped =
        row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, beforeLast[column - 2]! + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return Math.min(last[b.length]!, limit + 1);
}

/**
 * Returns the candidate spelt most like `word`, ignoring case; undefined if none is near. The first wins a tie. Give
 * only candidates that may stand where the word stands, and no word that is right in its place.
 */
export function nearestSpelling(word: string, candidates: Iterable<string>): string | undefined {
  const sought = word.toLowerCase();
  let most = MOST_MISTAKES;
  let nearest: string | undefined;
  for (const candidate of candidates) {
    const limit = Math.min(most, tolerance(sought, candidate));
    const distance = editDistance(sought, candidate.toLowerCase(), limit);
    if (distance > limit) continue;
    nearest = candidate;
    most = distance - 1;
    if (most < 0) break;
  }
  return nearest;
}
