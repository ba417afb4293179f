/** Draws the answers that EXPLAIN assumes for questions without a stored answer. */

import type { Experience } from '../../journal/experience/experience.ts';
import { sqlFunctionOf } from '../../operators/function-file.ts';
import type { Operator } from '../../operators/operator.ts';
import type { Answer, Tuple } from '../../semantic/ask/answer-book.ts';
import type { Json } from '../../util/json.ts';
import { shortText } from '../../util/short-text.ts';
import { EXPECTED_TRUE_SHARE, EXPERIENCE_MAX_CRITERIA } from '../explain-limits.ts';

/**
 * The answers that are assumed. `expected`: as many TRUE answers, and as many new texts, as in earlier answers.
 * `true`: all are TRUE, and each text is new. `false`: none is TRUE, and no text is new. `null`: there are no
 * answers. A mixture differs by criterion.
 */
export type Assumption = 'expected' | 'true' | 'false' | 'null' | Mixture;

/** Answers are as under `true` for the criteria in `met`, and as under `false` for the others. */
export interface Mixture {
  readonly met: ReadonlySet<string>;
  /** A constant of the statement: every score or text is this, where it can be. */
  readonly constant?: string | number;
}

/** Assumed texts are numbers from here on. Few other texts hold such a large number, and yet it fits into an INTEGER. */
const FIRST_TEXT = 1_000_000_000;

/** The known answers of one statement, by operator and criterion. */
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

  /** Returns one of the known texts. */
  textOf(operator: Operator, tuple: Tuple): string | undefined {
    return this.#texts.get(shareKey(operator, tuple));
  }

  shareOf(operator: Operator, tuple: Tuple): number | undefined {
    const share = this.#shares.get(shareKey(operator, tuple));
    return share === undefined ? undefined : share.met / share.of;
  }
}

/** Draws evenly: for a share of 0.1, every tenth answer is TRUE. So a trial comes near the expected figures. */
export class Draws {
  readonly #assumption: Assumption;
  readonly #experience: Experience;
  readonly #known: KnownShares;
  readonly #defaultShare: number;
  readonly #carried = new Map<string, number>();
  /** True if the default share was used, because nothing is known of the real share. */
  usesDefault = false;
  /** The shares by which answers were drawn, in words. */
  readonly notes = new Map<string, string>();
  /** The criteria that answers were drawn for. */
  readonly keys = new Set<string>();
  /** True if a score or a text was drawn: the statement may compare it with any value. */
  hasValues = false;
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
    this.keys.add(shareKey(operator, tuple));
    const type = operator.returns.toUpperCase();
    this.hasValues ||= type !== 'BOOLEAN';
    switch (type) {
      case 'BOOLEAN':
        return this.#isMet(operator, tuple);
      case 'DOUBLE':
      case 'INTEGER':
        return this.#number(operator) ?? (this.#isMet(operator, tuple) ? 1 : 0);
      case 'BIGINT':
        return BigInt(this.#number(operator) ?? (this.#isMet(operator, tuple) ? 1 : 0));
      case 'VARCHAR':
        return this.#constantText() ?? this.#text(operator, tuple);
      default:
        return null;
    }
  }

  /** Whether the value is or holds a text that was assumed. */
  holdsAssumed(value: Json): boolean {
    if (this.#texts === 0 || typeof value !== 'string') return false;
    return [...value.matchAll(/\d+/g)].some(([digits]) => {
      const place = Number(digits) - FIRST_TEXT;
      return place >= 0 && place <= this.#texts;
    });
  }

  /**
   * Returns a text that is a number, because it may be cast to one. Under `expected`, texts differ as often as in
   * earlier answers; without earlier answers each text differs.
   */
  #text(operator: Operator, tuple: Tuple): string {
    const learned = this.#experience.answersOf(operator.name, criterionOf(tuple));
    const isNew =
      this.#assumption === 'expected'
        ? this.#isNext(`${shareKey(operator, tuple)} texts`, learned?.share ?? 1)
        : this.#isAssumedMet(operator, tuple);
    if (isNew) this.#texts += 1;
    const known = isNew ? undefined : this.#known.textOf(operator, tuple);
    return known ?? String(FIRST_TEXT + this.#texts);
  }

  #isMet(operator: Operator, tuple: Tuple): boolean {
    if (this.#assumption !== 'expected') return this.#isAssumedMet(operator, tuple);
    const key = shareKey(operator, tuple);
    return this.#isNext(key, this.#shareOf(operator, tuple, key));
  }

  #isAssumedMet(operator: Operator, tuple: Tuple): boolean {
    const assumption = this.#assumption;
    return typeof assumption === 'object'
      ? assumption.met.has(shareKey(operator, tuple))
      : assumption === 'true';
  }

  get #constant(): string | number | undefined {
    return typeof this.#assumption === 'object' ? this.#assumption.constant : undefined;
  }

  /** The number nearest to the assumed constant that the operator can give. */
  #number({ returns, cascade }: Operator): number | undefined {
    const constant = this.#constant;
    if (typeof constant !== 'number') return undefined;
    const { minimum, maximum } = sqlFunctionOf(cascade) ?? {};
    if (returns.toUpperCase() !== 'DOUBLE' && !Number.isInteger(constant)) return undefined;
    return Math.min(Math.max(constant, minimum ?? -Infinity), maximum ?? Infinity);
  }

  #constantText(): string | undefined {
    const constant = this.#constant;
    return typeof constant === 'string' ? constant : undefined;
  }

  /**
   * Whether the next answer is TRUE, or a new text. For a share of 0.1 the tenth answer is the first such, for 0.9
   * the first answer: on average a LIMIT asks as many questions until it is met.
   */
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
            ? 'of the answers that are known'
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

/** Whether an answer counts as TRUE. A score counts as TRUE if it reaches the threshold. */
export function isMet(answer: Answer, threshold: number): boolean {
  return typeof answer === 'number' ? answer >= threshold : answer === true;
}

/** Returns the argument by which the others are measured: the last of several, or '' for a single argument. */
export function criterionOf(tuple: Tuple): string {
  return tuple.length < 2 ? '' : String(tuple.at(-1));
}

function named({ name }: Operator, tuple: Tuple): string {
  const criterion = criterionOf(tuple);
  return criterion === '' ? name : `${name} '${shortText(criterion)}'`;
}

function shareKey(operator: Operator, tuple: Tuple): string {
  return `${operator.name}\n${criterionOf(tuple)}`;
}
