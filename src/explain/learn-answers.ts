/** What a semantic statement's answers teach: how many of each operator's were TRUE, or differed, by criterion. */
import {
  EXPERIENCE_CRITERION_CHARS,
  EXPERIENCE_MAX_ANSWERS,
  EXPERIENCE_MAX_CRITERIA,
} from '../limits.ts';
import type { AnswerBook } from '../semantic/answer-book.ts';
import { criterionOf, isMet } from './draws.ts';
import type { Experience } from './experience.ts';

/** Takes in the first answers of each book. */
export function learnAnswers(
  books: readonly AnswerBook[],
  threshold: number,
  experience: Experience,
): void {
  for (const book of books) {
    const { name, returns } = book.operator;
    const type = returns.toUpperCase();
    if (!['BOOLEAN', 'DOUBLE', 'INTEGER', 'VARCHAR'].includes(type)) continue;
    const shares = new Map<string, { met: number; of: number }>();
    const seen = new Set<string>();
    let left = EXPERIENCE_MAX_ANSWERS;
    for (const { tuple, value } of book.entries()) {
      if (left-- === 0) break;
      const criterion = criterionOf(tuple);
      const share = shares.get(criterion) ?? { met: 0, of: 0 };
      share.of += 1;
      const text = `${criterion}\n${value}`;
      if (type === 'VARCHAR' ? !seen.has(text) : isMet(value, threshold)) share.met += 1;
      if (type === 'VARCHAR') seen.add(text);
      shares.set(criterion, share);
    }
    const isFew = shares.size <= EXPERIENCE_MAX_CRITERIA;
    for (const [criterion, { met, of }] of shares) {
      const isNamed = isFew && criterion.length <= EXPERIENCE_CRITERION_CHARS;
      experience.noteAnswers(name, isNamed ? criterion : undefined, met, of);
    }
  }
}
