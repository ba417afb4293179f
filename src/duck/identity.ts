/**
 * Finds the values that a cascade cannot tell apart. SQL equality does not find them: a collation folds case, 0.0
 * equals -0.0, and '30 days' equals '1 month'.
 */

import type { Column } from './columns.ts';
import { nodeApi } from './node-api.ts';
import { quoteIdentifier } from './quote.ts';

/** Returns SQL expressions that are equal (NULL equals NULL) exactly where a cascade sees equal column values. */
export function identityKeys(column: Column, alias: string): readonly string[] {
  const { DuckDBTypeId: Id } = nodeApi();
  const name = `${alias}.${quoteIdentifier(column.name)}`;
  switch (column.duckType.typeId) {
    case Id.VARCHAR:
      return [`encode(CAST(${name} AS VARCHAR))`];
    case Id.FLOAT:
    case Id.DOUBLE:
      return [name, `signbit(${name}) AND NOT isnan(${name})`];
    case Id.INTERVAL:
    case Id.TIME_TZ:
      return [`CAST(${name} AS VARCHAR)`];
    case Id.LIST:
    case Id.ARRAY:
    case Id.STRUCT:
    case Id.MAP:
    case Id.UNION:
      // Value and text must both be equal: different values can have one text, and SQL equality folds values.
      return [name, `encode(CAST(${name} AS VARCHAR))`];
    case Id.VARIANT:
      return [
        `encode(CAST(${name} AS VARCHAR))`,
        `encode(CAST(variant_typeof(${name}) AS VARCHAR))`,
      ];
    default:
      return [name];
  }
}
