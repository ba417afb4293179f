/** The spelling of an infix operator. */
export interface InfixSpelling {
  /** The operator's name, which `SemanticSpan.operator` repeats. */
  readonly operator: string;
  /** The words in capitals, e.g. ['TRANSLATED', 'TO']. */
  readonly words: readonly string[];
  /** True if `NOT` may stand before the words. */
  readonly negatable: boolean;
}

/** The infix words and function names of the semantic operators. */
export interface Vocabulary {
  readonly infix: readonly InfixSpelling[];
  /** Returns the operator that a function's name stands for, ignoring case; undefined if there is none. */
  operatorOfFunction(name: string): string | undefined;
}
