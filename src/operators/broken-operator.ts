/** An operator whose file is not in order, or is in conflict with another. */
import type { RvbbitError } from '../errors.ts';
import type { Operator } from './operator.ts';

/** How it is recognised. */
export type OperatorNames = Pick<Operator, 'name' | 'functionName' | 'patterns' | 'source'>;

/** An operator that is recognised like any other; whatever else is asked of it throws the file's error. */
export function brokenOperator(
  { name, functionName, patterns, source }: OperatorNames,
  error: RvbbitError,
): Operator {
  const fail = (): never => {
    throw error;
  };
  return {
    name,
    functionName,
    patterns,
    source,
    get shape() {
      return fail();
    },
    get returns() {
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
