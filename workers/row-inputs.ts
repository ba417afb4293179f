/** The rows of a chunk, out of its columns. */
import type { Json, JsonObject } from '../src/json.ts';
import type { ChunkTask } from './protocol.ts';

/** What each row's run gets. */
export function rowInputs({
  columns,
  rowCount,
}: Pick<ChunkTask, 'columns' | 'rowCount'>): JsonObject[] {
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
