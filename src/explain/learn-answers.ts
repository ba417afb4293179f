/** What a semantic statement's answers teach: how often each operator's were TRUE, by criterion. */
import { EXPERIENCE_MAX_ANSWERS, EXPERIENCE_MAX_CRITERIA } from '../limits.ts';
import type { AnswerBook } from '../semantic/answer-book.ts';
import { criterionOf, isMet } from './draws.ts';
import type { Experience } from './experience.ts';

/** Takes in the first answers of each book; of texts nothing is learned. */
export function learnAnswers(
  books: readonly AnswerBook[],
  threshold: number,
  experience: Experience,
): void {
  for (const book of books) {
    const { name, returns } = book.operator;
    if (!['BOOLEAN', 'DOUBLE', 'INTEGER'].includes(returns.toUpperCase())) continue;
    const shares = new Map<string, { met: number; of: number }>();
    let left = EXPERIENCE_MAX_ANSWERS;
    for (const { tuple, value } of book.entries()) {
      if (left-- === 0) break;
      const criterion = criterionOf(tuple);
      const share = shares.get(criterion) ?? { met: 0, of: 0 };
      share.of += 1;
      if (isMet(value, threshold)) share.met += 1;
      shares.set(criterion, share);
    }
    const isNamed = shares.size <= EXPERIENCE_MAX_CRITERIA;
    for (const [criterion, { met, of }] of shares) {
      experience.noteAnswers(name, isNamed ? criterion : undefined, met, of);
    }
  }
}
