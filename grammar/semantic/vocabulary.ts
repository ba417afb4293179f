/** The spelling of an infix operator. */
export interface InfixSpelling {
  /** What `SemanticSpan.operator` repeats. */
  readonly operator: string;
  /** In capitals, e.g. ['TRANSLATED', 'TO']. */
  readonly words: readonly string[];
  /** `NOT` may stand before the words. */
  readonly negatable: boolean;
}

/** The words that semantic operators are written with. */
export interface Vocabulary {
  readonly infix: readonly InfixSpelling[];
  /** The operator that a function's name stands for, whatever its case. */
  operatorOfFunction(name: string): string | undefined;
}
