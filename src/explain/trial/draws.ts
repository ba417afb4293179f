/** Answers that EXPLAIN assumes where none is at hand. */

import type { Experience } from '../../journal/experience/experience.ts';
import { MESSAGE_VALUE_CHARS } from '../../limits.ts';
import type { Operator } from '../../operators/operator.ts';
import type { Answer, Tuple } from '../../semantic/ask/answer-book.ts';
import type { Json } from '../../util/json.ts';
import { EXPECTED_TRUE_SHARE, EXPERIENCE_MAX_CRITERIA } from '../explain-limits.ts';

/** As many TRUE, and as many texts that differ, as there have been; all of them; none of them; or no answer at all. */
export type Assumption = 'expected' | 'true' | 'false' | 'null';

/** Few texts hold a number as large, and an INTEGER does. */
const FIRST_TEXT = 1_000_000_000;

/** Answers of one statement that are known, by operator and criterion. */
export class KnownShares {
  readonly #shares = new Map<string, { met: number; of: number }>();
  readonly #texts = new Map<string, string>();

  note(operator: Operator, tuple: Tuple, answer: Answer, threshold: number): void {
    const key = shareKey(operator, tuple);
    const share = this.#shares.get(key) ?? { met: 0, of: 0 };
    share.of += 1;
    if (isMet(answer, threshold)) share.met += 1;
    this.#shares.set(key, share);
    if (typeof answer === 'string') this.#texts.set(key, answer);
  }

  /** One of the texts. */
  textOf(operator: Operator, tuple: Tuple): string | undefined {
    return this.#texts.get(shareKey(operator, tuple));
  }

  shareOf(operator: Operator, tuple: Tuple): number | undefined {
    const share = this.#shares.get(shareKey(operator, tuple));
    return share === undefined ? undefined : share.met / share.of;
  }
}

/** Draws evenly: of a share of 0.1 every tenth, so that a trial comes near what is expected. */
export class Draws {
  readonly #assumption: Assumption;
  readonly #experience: Experience;
  readonly #known: KnownShares;
  readonly #defaultShare: number;
  readonly #carried = new Map<string, number>();
  /** Some share is the default: nothing is known of it. */
  usesDefault = false;
  /** Shares that answers were drawn by, in words. */
  readonly notes = new Map<string, string>();
  #texts = 0;

  constructor(
    assumption: Assumption,
    experience: Experience,
    known: KnownShares,
    defaultShare = EXPECTED_TRUE_SHARE,
  ) {
    this.#assumption = assumption;
    this.#experience = experience;
    this.#known = known;
    this.#defaultShare = defaultShare;
  }

  draw(operator: Operator, tuple: Tuple): Answer {
    if (this.#assumption === 'null') return null;
    switch (operator.returns.toUpperCase()) {
      case 'BOOLEAN':
        return this.#isMet(operator, tuple);
      case 'DOUBLE':
      case 'INTEGER':
        return this.#isMet(operator, tuple) ? 1 : 0;
      case 'BIGINT':
        return this.#isMet(operator, tuple) ? 1n : 0n;
      case 'VARCHAR':
        return this.#text(operator, tuple);
      default:
        return null;
    }
  }

  /** Whether the text is, or holds, one that was assumed. */
  holdsAssumed(value: Json): boolean {
    if (this.#texts === 0 || typeof value !== 'string') return false;
    return [...value.matchAll(/\d+/g)].some(([digits]) => {
      const place = Number(digits) - FIRST_TEXT;
      return place >= 0 && place <= this.#texts;
    });
  }

  /** A number, since it may be cast to one; as many others as there have been among earlier answers, else each another. */
  #text(operator: Operator, tuple: Tuple): string {
    const learned = this.#experience.answersOf(operator.name, criterionOf(tuple));
    const isNew =
      this.#assumption === 'expected'
        ? this.#isNext(`${shareKey(operator, tuple)} texts`, learned?.share ?? 1)
        : this.#assumption === 'true';
    if (isNew) this.#texts += 1;
    const known = isNew ? undefined : this.#known.textOf(operator, tuple);
    return known ?? String(FIRST_TEXT + this.#texts);
  }

  #isMet(operator: Operator, tuple: Tuple): boolean {
    if (this.#assumption !== 'expected') return this.#assumption === 'true';
    const key = shareKey(operator, tuple);
    return this.#isNext(key, this.#shareOf(operator, tuple, key));
  }

  /** Of a share of 0.1 the tenth is the first, of 0.9 the first: what a LIMIT asks until it is met, on average. */
  #isNext(key: string, share: number): boolean {
    const carried = (this.#carried.get(key) ?? share / 2) + share;
    const isNext = carried >= 1;
    this.#carried.set(key, isNext ? carried - 1 : carried);
    return isNext;
  }

  #shareOf(operator: Operator, tuple: Tuple, key: string): number {
    const learned = this.#experience.answersOf(operator.name, criterionOf(tuple));
    const known = this.#known.shareOf(operator, tuple);
    const share = learned?.source === 'criterion' ? learned.share : (known ?? learned?.share);
    if (share === undefined) this.usesDefault = true;
    if (!this.notes.has(key) && this.notes.size < EXPERIENCE_MAX_CRITERIA) {
      const source =
        learned?.source === 'criterion'
          ? `of ${learned.answers} earlier answers to the criterion`
          : known !== undefined
            ? 'of the answers at hand'
            : learned === undefined
              ? 'by default: no answer is on record'
              : `of ${learned.answers} earlier answers to other criteria`;
      const percent = Math.round((share ?? this.#defaultShare) * 100);
      this.notes.set(
        key,
        `${named(operator, tuple)}: ${percent} % are taken to be TRUE, ${source}`,
      );
    }
    return share ?? this.#defaultShare;
  }
}

/** Whether an answer counts as TRUE; of a score, whether it reaches the threshold. */
export function isMet(answer: Answer, threshold: number): boolean {
  return typeof answer === 'number' ? answer >= threshold : answer === true;
}

/** The argument that others are measured by. */
export function criterionOf(tuple: Tuple): string {
  return tuple.length < 2 ? '' : String(tuple.at(-1));
}

function named({ name }: Operator, tuple: Tuple): string {
  const criterion = criterionOf(tuple);
  if (criterion === '') return name;
  const isLong = criterion.length > MESSAGE_VALUE_CHARS;
  return `${name} '${isLong ? `${criterion.slice(0, MESSAGE_VALUE_CHARS - 1)}…` : criterion}'`;
}

function shareKey(operator: Operator, tuple: Tuple): string {
  return `${operator.name}\n${criterionOf(tuple)}`;
}
