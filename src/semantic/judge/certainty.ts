/** Whether a condition that was decided with NULL in place of missing answers stays so once they come. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { isNode } from '../plan/query-tree.ts';
import type { Condition } from './truth.ts';

/**
 * True if a condition that gives `value` so can never turn out otherwise. `COALESCE(d MEANS 'x', TRUE)` that is TRUE for
 * a missing answer can: the answer may be FALSE.
 */
export function isCertain(condition: Condition, value: boolean): boolean {
  switch (condition.kind) {
    case 'operator':
    case 'plain':
      return true;
    case 'not':
      return isCertain(condition.of, !value);
    case 'all':
    case 'any':
      return condition.of.every((part) => isCertain(part, value));
    case 'first':
      return condition.of.every((part, index) => {
        // An answer that is not there looks like one that is NULL, and leads on to what follows.
        const misleads = part.kind !== 'plain' && mayBe(condition.of.slice(index + 1), value);
        return !misleads && isCertain(part, value);
      });
    default: {
      const { checks, otherwise } = condition;
      const gives = [...checks.map((check) => check.gives), otherwise];
      const areChecked = checks.every(({ when }, index) => {
        const misleads = literalOf(gives[index]!) !== value && mayBe(gives.slice(index + 1), value);
        return when.kind === 'plain' || (!misleads && isCertain(when, true));
      });
      return areChecked && gives.every((part) => isCertain(part, value));
    }
  }
}

function mayBe(conditions: readonly Condition[], value: boolean): boolean {
  return conditions.map(literalOf).some((literal) => literal === undefined || literal === value);
}

/** What a literal is; undefined for what is none. */
function literalOf(condition: Condition): boolean | null | undefined {
  return condition.kind === 'plain' ? booleanOf(condition.expression) : undefined;
}

function booleanOf({ class: kind, child, value }: SqlNode): boolean | null | undefined {
  // DuckDB's parser writes TRUE as a cast of 't'.
  if (kind === 'CAST' && isNode(child)) return booleanOf(child);
  if (kind !== 'CONSTANT' || !isNode(value)) return undefined;
  if (value['is_null'] === true) return null;
  if (value['value'] === true || value['value'] === 't') return true;
  return value['value'] === false || value['value'] === 'f' ? false : undefined;
}
