/**
 * The answers of one operator within one statement, and the questions that the statement met and that have no answer
 * yet.
 */

import type { Operator } from '../../operators/operator.ts';
import type { Json } from '../../util/json.ts';

/** The arguments of one question to an operator, in their order. */
export type Tuple = readonly Json[];

/** An answer as a value of the operator's type; null for NULL, and for a failed answer. */
export type Answer = string | number | bigint | boolean | null;

export class AnswerBook {
  readonly operator: Operator;
  readonly #answers = new Map<string, { readonly tuple: Tuple; readonly value: Answer }>();
  #misses = new Map<string, Tuple>();
  /** True if the statement joins tables, and the operator gets values of two columns. */
  isPaired = false;
  /** How many answers failed. */
  failed = 0;

  constructor(operator: Operator) {
    this.operator = operator;
  }

  get size(): number {
    return this.#answers.size;
  }

  get missing(): number {
    return this.#misses.size;
  }

  /** The answer to the question. Where there is none yet: undefined, and the question is noted as open. */
  lookUp(tuple: Tuple): Answer | undefined {
    const key = this.keyOf(tuple);
    const answer = this.#answers.get(key);
    if (answer !== undefined) return answer.value;
    if (!this.#misses.has(key)) this.#misses.set(key, tuple);
    return undefined;
  }

  /** The answer to the question, if there is one. Does not note an open question. */
  answerOf(tuple: Tuple): Answer | undefined {
    return this.#answers.get(this.keyOf(tuple))?.value;
  }

  /**
   * Returns the open questions, in the order in which they were met, and forgets them. A question that is met again is
   * noted again.
   */
  takeMisses(): readonly Tuple[] {
    const misses = [...this.#misses.values()];
    this.#misses = new Map();
    return misses;
  }

  answer(tuple: Tuple, value: Answer): void {
    this.#answers.set(this.keyOf(tuple), { tuple, value });
  }

  /** Forgets all answers and questions. */
  forget(): void {
    this.#answers.clear();
    this.#misses = new Map();
    this.failed = 0;
  }

  /** All questions that have an answer, with the answer. */
  entries(): Iterable<{ readonly tuple: Tuple; readonly value: Answer }> {
    return this.#answers.values();
  }

  /** A text that is the same for tuples that are one question, and only for these. */
  keyOf(tuple: Tuple): string {
    const keys = asAsked(this.operator, tuple).map(textOf);
    return keys.map((key) => `${key.length}:${key}`).join('');
  }
}

/**
 * The arguments in the order in which they are asked. Those of a symmetric operator have one order, so that swapped
 * arguments are one question, and their answer is found again by later statements.
 */
export function asAsked({ symmetric }: Pick<Operator, 'symmetric'>, tuple: Tuple): Tuple {
  if (!symmetric) return tuple;
  return [...tuple].sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
