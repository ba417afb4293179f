/** An operator whose file is wrong, or conflicts with another file. */
import type { RvbbitError } from '../errors.ts';
import type { Operator } from './operator.ts';

/** The names that it is recognised by, and the type that decides if NOT may stand before it. */
export type OperatorNames = Pick<
  Operator,
  'name' | 'functionName' | 'patterns' | 'returns' | 'source'
>;

/** An operator that is recognised like any other; its other properties throw the file's error. */
export function brokenOperator(
  { name, functionName, patterns, returns, source }: OperatorNames,
  error: RvbbitError,
): Operator {
  const fail = (): never => {
    throw error;
  };
  return {
    name,
    functionName,
    patterns,
    returns,
    source,
    get shape() {
      return fail();
    },
    get args() {
      return fail();
    },
    get symmetric() {
      return fail();
    },
    get deterministic() {
      return fail();
    },
    get cascade() {
      return fail();
    },
  };
}
