/** Refuses cells that a statement cannot run, before its first row. */
import { RvbbitError } from '../errors.ts';
import type { Cascade } from './cascade.ts';

/**
 * Throws RVB_UNSUPPORTED for a cell that this version does not execute. Also throws it for a for_each_row cell if its
 * cascade itself runs once per row: under MAP (`kind` map), or inside another for_each_row cell.
 */
export function refuseCells(cascade: Cascade, kind: 'map' | 'run'): void {
  for (const cell of cascade.cells) {
    const { name, unsupported: [later] = [] } = cell;
    if (later !== undefined) {
      throw unsupported(
        `${cascade.file}: cell ${name} uses ${later}, which this version does not execute yet`,
      );
    }
    if (cell.kind !== 'for_each_row') continue;
    if (kind === 'map') throw forEachRowInMap(`${cascade.file}: cell ${name}`);
    refuseCells(cascade.nested[cell.cascade]!, 'map');
  }
  for (const nested of Object.values(cascade.nested)) refuseCells(nested, kind);
}

/** Makes the error of a for_each_row cell in a cascade that runs once per row. `label` names the cell. */
export function forEachRowInMap(label: string): RvbbitError {
  return unsupported(
    `${label} has for_each_row, which belongs to a cascade that RUN runs over a table; this cascade runs once a row already`,
  );
}

/** True if a cell of the cascade, or of a nested cascade, runs a cascade for each row of a query. */
export function hasForEachRow({ cells, nested }: Cascade): boolean {
  return (
    cells.some(({ kind }) => kind === 'for_each_row') || Object.values(nested).some(hasForEachRow)
  );
}

function unsupported(message: string): RvbbitError {
  return new RvbbitError('RVB_UNSUPPORTED', message, { stage: 'bind' });
}
