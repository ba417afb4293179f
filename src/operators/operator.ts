/** What an operator of semantic SQL is: a cascade with a `sql_function` block. */
import type { Cascade } from '../cascade/cascade.ts';

/** An argument as declared. */
export interface OperatorArg {
  readonly name: string;
  readonly type: string;
}

/** Words between the slots of an infix spelling, e.g. `{text} TRANSLATED TO {criterion}`: ['TRANSLATED', 'TO']. */
export interface OperatorPattern {
  readonly left: string;
  readonly words: readonly string[];
  readonly right: string;
}

/** An operator as a cascade's `sql_function` declares it. */
export interface Operator {
  /** Upper case, e.g. `MEANS`. */
  readonly name: string;
  /** e.g. `semantic_means`. */
  readonly functionName: string;
  readonly shape: 'SCALAR' | 'AGGREGATE' | 'DIMENSION';
  /** A DuckDB type. */
  readonly returns: string;
  readonly args: readonly OperatorArg[];
  readonly patterns: readonly OperatorPattern[];
  readonly symmetric: boolean;
  readonly deterministic: boolean;
  readonly cascade: Cascade;
  readonly source: 'built-in' | 'file';
}

/** All operators that a statement may use. */
export interface OperatorRegistry {
  /** By upper-case name. */
  readonly operators: ReadonlyMap<string, Operator>;
  byFunction(name: string): Operator | undefined;
}
