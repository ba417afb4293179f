/** Learns from a semantic statement's answers, by operator and criterion: how many were TRUE, or how many texts differed. */

import { criterionHash } from '../journal/experience/criterion-hash.ts';
import type { AnswerShare } from '../journal/records.ts';
import type { AnswerBook } from '../semantic/ask/answer-book.ts';
import { EXPERIENCE_MAX_ANSWERS, EXPERIENCE_MAX_CRITERIA } from './explain-limits.ts';
import { criterionOf, isMet } from './trial/draws.ts';

/** Returns the shares, from the first `EXPERIENCE_MAX_ANSWERS` answers of each book. */
export function learnAnswers(books: readonly AnswerBook[], threshold: number): AnswerShare[] {
  return books.flatMap((book) => sharesOf(book, threshold));
}

function sharesOf(book: AnswerBook, threshold: number): AnswerShare[] {
  const { name: operator, returns } = book.operator;
  const type = returns.toUpperCase();
  if (!['BOOLEAN', 'DOUBLE', 'INTEGER', 'VARCHAR'].includes(type)) return [];
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
  if (shares.size <= EXPERIENCE_MAX_CRITERIA) {
    return [...shares].map(([criterion, share]) => ({
      operator,
      criterion: criterionHash(criterion),
      ...share,
    }));
  }
  const all = { operator, met: 0, of: 0 };
  for (const { met, of } of shares.values()) {
    all.met += met;
    all.of += of;
  }
  return [all];
}
