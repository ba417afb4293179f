/** Makes the rows of a chunk from its columns. */
import type { Json, JsonObject } from '../util/json.ts';

/** Returns the input of each row. `columns[name][i]` belongs to row i. */
export function rowInputs({
  columns,
  rowCount,
}: {
  readonly columns: Readonly<Record<string, readonly Json[]>>;
  readonly rowCount: number;
}): JsonObject[] {
  const names = Object.keys(columns);
  return Array.from({ length: rowCount }, (_, row) => {
    const input: Record<string, Json> = {};
    for (const name of names) {
      const value = columns[name]![row]!;
      if (name === '__proto__') Object.defineProperty(input, name, { value, enumerable: true });
      else input[name] = value;
    }
    return input;
  });
}
