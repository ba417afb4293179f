/** A semantic operator: a cascade that SQL can call, infix or as a function. Plain data, frozen by its types. */
import type { Cascade } from '../cascade/cascade.ts';
import type { SeedFunction } from './seed-call.ts';

/** One argument of an operator. */
export interface OperatorArg {
  readonly name: string;
  /** A DuckDB type, as DuckDB spells it. */
  readonly type: string;
}

/** One infix spelling: the argument on its left, one or two words in upper case, the argument on its right. */
export interface OperatorPattern {
  readonly left: string;
  readonly words: readonly string[];
  readonly right: string;
}

export interface Operator {
  /** The name in upper case: MEANS. */
  readonly name: string;
  /** The name of its function: semantic_means. */
  readonly functionName: string;
  readonly shape: 'SCALAR' | 'AGGREGATE' | 'DIMENSION';
  /** The DuckDB type of its value. */
  readonly returns: string;
  readonly args: readonly OperatorArg[];
  readonly patterns: readonly OperatorPattern[];
  /** True if the two arguments may be swapped: one question answers both orders. */
  readonly symmetric: boolean;
  /**
   * If false, no answer is cached: MAP asks for each row, and each semantic statement asks anew, once for equal
   * arguments.
   */
  readonly deterministic: boolean;
  readonly cascade: Cascade;
  readonly source: 'built-in' | 'file';
  /** Set for a function that runs the cascade that its call names; that cascade's file then declares no operator. */
  readonly seed?: SeedFunction;
}

export interface OperatorRegistry {
  /** By `name`. */
  readonly operators: ReadonlyMap<string, Operator>;
  /** The operator whose function has this name, in any case. */
  byFunction(name: string): Operator | undefined;
}
