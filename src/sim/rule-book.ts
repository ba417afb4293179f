/** Finds the rule for a call. */
import type { Endpoint } from './ledger.ts';
import { createRandom, mixSeed } from './random.ts';
import type { Rule } from './script.ts';

/** The properties of a call that a rule can test. */
export interface RuleSubject {
  readonly ordinal: number;
  readonly endpoint: Endpoint;
  readonly model: string;
  readonly contentHash: string;
  /** This is the n-th call with the same content, from 1. */
  readonly attempt: number;
  /** The messages or texts, joined by line breaks. */
  readonly text: string;
}

interface Prepared {
  readonly rule: Rule;
  readonly ordinals: ReadonlySet<number> | undefined;
  readonly pattern: RegExp | undefined;
  readonly index: number;
  used: number;
}

/** The rules of a script, and how often each was used. */
export class RuleBook {
  readonly #rules: readonly Prepared[];
  readonly #seed: number;

  /** Throws a `SyntaxError` if a `matches` is not a regular expression. */
  constructor(rules: readonly Rule[], seed: number) {
    this.#seed = seed;
    this.#rules = rules.map((rule, index) => ({
      rule,
      index,
      ordinals: rule.when?.ordinals === undefined ? undefined : new Set(rule.when.ordinals),
      pattern: rule.when?.matches === undefined ? undefined : new RegExp(rule.when.matches, 'u'),
      used: 0,
    }));
  }

  /** Returns the first rule that matches, and counts it as used. */
  find(subject: RuleSubject): Rule | undefined {
    for (const prepared of this.#rules) {
      if (!this.#matches(prepared, subject)) continue;
      prepared.used += 1;
      return prepared.rule;
    }
    return undefined;
  }

  #matches({ rule, ordinals, pattern, index, used }: Prepared, subject: RuleSubject): boolean {
    if (rule.times !== undefined && used >= rule.times) return false;
    const when = rule.when;
    if (when === undefined) return true;
    const { ordinal, attempt, text } = subject;
    return (
      (ordinals?.has(ordinal) ?? true) &&
      ordinal >= (when.from ?? 0) &&
      ordinal <= (when.to ?? Number.POSITIVE_INFINITY) &&
      (when.every === undefined || ordinal % when.every === 0) &&
      (when.model === undefined || when.model === subject.model) &&
      (when.endpoint === undefined || when.endpoint === subject.endpoint) &&
      (when.attempt === undefined || when.attempt === attempt) &&
      (when.contains === undefined || text.includes(when.contains)) &&
      (pattern?.test(text) ?? true) &&
      (when.probability === undefined ||
        createRandom(mixSeed(subject.contentHash, this.#seed, attempt, index + 2))() <
          when.probability)
    );
  }
}
