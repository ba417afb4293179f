/** The answers of one operator within one statement, and the questions that were met and not answered yet. */

import type { Operator } from '../../operators/operator.ts';
import type { Json } from '../../util/json.ts';

/** What an operator was asked with, in the order of its arguments. */
export type Tuple = readonly Json[];

/** A value as the operator's type has it; null for NULL, failed answers included. */
export type Answer = string | number | bigint | boolean | null;

export class AnswerBook {
  readonly operator: Operator;
  readonly #answers = new Map<string, { readonly tuple: Tuple; readonly value: Answer }>();
  #misses = new Map<string, Tuple>();
  /** The statement joins, and the operator is asked with values of two columns. */
  isPaired = false;
  /** Answers that failed. */
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

  /** The answer; undefined where there is none yet, and the question is then noted. */
  lookUp(tuple: Tuple): Answer | undefined {
    const key = this.#keyOf(tuple);
    const answer = this.#answers.get(key);
    if (answer !== undefined) return answer.value;
    if (!this.#misses.has(key)) this.#misses.set(key, tuple);
    return undefined;
  }

  /** The answer, if there is one; nothing is noted. */
  answerOf(tuple: Tuple): Answer | undefined {
    return this.#answers.get(this.#keyOf(tuple))?.value;
  }

  /** The open questions, in the order in which they were met; they are noted anew when they are met again. */
  takeMisses(): readonly Tuple[] {
    const misses = [...this.#misses.values()];
    this.#misses = new Map();
    return misses;
  }

  answer(tuple: Tuple, value: Answer): void {
    this.#answers.set(this.#keyOf(tuple), { tuple, value });
  }

  /** Forgets all answers and questions. */
  forget(): void {
    this.#answers.clear();
    this.#misses = new Map();
    this.failed = 0;
  }

  /** Every question that has an answer. */
  entries(): Iterable<{ readonly tuple: Tuple; readonly value: Answer }> {
    return this.#answers.values();
  }

  #keyOf(tuple: Tuple): string {
    const keys = tuple.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
    if (this.operator.symmetric) keys.sort();
    return keys.map((key) => `${key.length}:${key}`).join('');
  }
}
