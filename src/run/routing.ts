/** Which cell of a cascade comes after one that has run. */
import type { Json, JsonObject } from '../util/json.ts';
import type { CascadeProgram, CellProgram } from './program.ts';

/** The index of the cell that the output's `_route` names, else of the default one, else of the next. */
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
