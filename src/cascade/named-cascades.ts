/** The cascades that one cell names: in its tool, its wards and its evaluator. */
import type { Cell } from './cascade.ts';
import type { ValuePath } from './parse-yaml.ts';

/** A cascade that a cell names, and where. */
export interface NamedCascade {
  readonly name: string;
  /** Below the cell. */
  readonly path: ValuePath;
  /** The inputs that it gets, where the cell cannot choose them. */
  readonly given?: readonly string[];
}

/** In the order of the file. */
export function namedCascades(cell: Cell): readonly NamedCascade[] {
  const named: NamedCascade[] = [];
  if (cell.kind === 'cascade') named.push({ name: cell.cascade, path: ['tool'] });
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
