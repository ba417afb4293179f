/** Finds the cell that runs after another cell. */
import type { Json, JsonObject } from '../util/json.ts';
import type { CascadeProgram, CellProgram } from './program.ts';

/** Returns the index of the cell that the output's `_route` names, else that of the default route, else the next index. */
export function cellAfter(
  { cellIndex }: Pick<CascadeProgram, 'cellIndex'>,
  { routing }: Pick<CellProgram, 'routing'>,
  index: number,
  output: Json,
): number {
  if (routing === undefined) return index + 1;
  const isObject = typeof output === 'object' && output !== null && !Array.isArray(output);
  const route = isObject ? (output as JsonObject)['_route'] : undefined;
  const target =
    typeof route === 'string' && Object.hasOwn(routing, route)
      ? routing[route]
      : routing['default'];
  return target === undefined ? index + 1 : (cellIndex.get(target) ?? index + 1);
}
