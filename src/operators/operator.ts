/** A semantic operator: a cascade that SQL can call, infix or as a function. Plain data, frozen by its types. */
import type { Cascade } from '../cascade/cascade.ts';
import type { SeedFunction } from './seed-call.ts';

/** One argument, in the order of the function's. */
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
  /** In upper case: MEANS. */
  readonly name: string;
  /** What its function is called: semantic_means. */
  readonly functionName: string;
  readonly shape: 'SCALAR' | 'AGGREGATE' | 'DIMENSION';
  /** A DuckDB type. */
  readonly returns: string;
  readonly args: readonly OperatorArg[];
  readonly patterns: readonly OperatorPattern[];
  /** The two arguments may be swapped: one question answers both orders. */
  readonly symmetric: boolean;
  /** False: nothing is cached and each row is asked. */
  readonly deterministic: boolean;
  readonly cascade: Cascade;
  readonly source: 'built-in' | 'file';
  /** One of the functions that run the cascade which their call names; its file is then no operator's. */
  readonly seed?: SeedFunction;
}

export interface OperatorRegistry {
  /** By `name`. */
  readonly operators: ReadonlyMap<string, Operator>;
  /** The operator that a function name, in any case, calls. */
  byFunction(name: string): Operator | undefined;
}
