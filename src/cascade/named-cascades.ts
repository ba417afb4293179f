/** Lists the cascades that one cell names: in its tool, its wards and its evaluator. */
import type { Cell } from './cascade.ts';
import type { ValuePath } from './parse-yaml.ts';

/** A cascade that a cell names, and the place of the name. */
export interface NamedCascade {
  readonly name: string;
  /** The path of the name below the cell. */
  readonly path: ValuePath;
  /** The inputs that the cascade gets, if the cell cannot choose them. */
  readonly given?: readonly string[];
}

/** Returns the cascades in the order of the file. */
export function namedCascades(cell: Cell): readonly NamedCascade[] {
  const named: NamedCascade[] = [];
  if (cell.kind === 'cascade') named.push({ name: cell.cascade, path: ['tool'] });
  if (cell.kind === 'for_each_row') {
    named.push({ name: cell.cascade, path: ['for_each_row', 'cascade'] });
  }
  const evaluator = cell.takes?.evaluator;
  if (evaluator?.kind === 'cascade') {
    const path = ['takes', 'evaluator', 'cascade'];
    named.push({ name: evaluator.cascade, path, given: ['input', 'takes'] });
  }
  for (const when of ['pre', 'post'] as const) {
    const given = ['input', 'outputs', 'state', ...(when === 'post' ? ['output'] : [])];
    for (const [i, ward] of (cell.wards?.[when] ?? []).entries()) {
      if (ward.kind !== 'cascade') continue;
      named.push({ name: ward.cascade, path: ['wards', when, i, 'cascade'], given });
    }
  }
  return named;
}
