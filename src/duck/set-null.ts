/** Writes NULL into a vector. */

import type { DuckDBVector } from '@duckdb/node-api';
import { nodeApi } from './node-api.ts';

/**
 * Sets an item to NULL and, for types of a fixed width, its value to false or 0. node-api only marks the item as NULL
 * and leaves the old value in memory. A reader that ignores the mark could see TRUE.
 */
export function setNull(vector: DuckDBVector, row: number): void {
  const { DuckDBTypeId: Id } = nodeApi();
  switch (vector.type.typeId) {
    case Id.BOOLEAN:
      vector.setItem(row, false);
      break;
    case Id.BIGINT:
      vector.setItem(row, 0n);
      break;
    case Id.DOUBLE:
    case Id.INTEGER:
    case Id.UTINYINT:
      vector.setItem(row, 0);
      break;
  }
  vector.setItem(row, null);
}
