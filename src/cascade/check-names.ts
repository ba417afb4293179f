/** Names in a cascade file: of cells, of targets of routes, and in expressions. */
import type { ValuePath } from './parse-yaml.ts';
import { unknownNames } from './read-inputs.ts';
import type { Report } from './report.ts';
import type { CascadeFile } from './schema.ts';
import { didYouMean } from './spelling.ts';

/** Reports names that are not there, and those of cells that are there twice. */
export function checkNames(written: CascadeFile, report: Report): void {
  const names = new Set(written.cells.map((cell) => cell.name));
  const seen = new Set<string>();
  const checkExpressionNames = (
    path: ValuePath,
    value: string | number | boolean | undefined,
  ): void => {
    for (const name of typeof value === 'string' ? unknownNames(value, names) : []) {
      const known = name.startsWith('outputs.')
        ? [...names].map((cell) => `outputs.${cell}`)
        : ['input', 'outputs', 'state'];
      report(path, `unknown name ${name}${didYouMean(name, known)}`);
    }
  };
  for (const [i, cell] of written.cells.entries()) {
    if (seen.has(cell.name)) report(['cells', i, 'name'], `duplicate cell name ${cell.name}`);
    seen.add(cell.name);
    for (const [route, target] of Object.entries(cell.routing ?? {})) {
      if (names.has(target)) continue;
      const message = `routing to cell ${target}, which is not there${didYouMean(target, names)}`;
      report(['cells', i, 'routing', route], message);
    }
    checkExpressionNames(['cells', i, 'when'], cell.when);
    for (const [key, value] of Object.entries(cell.set ?? {})) {
      checkExpressionNames(['cells', i, 'set', key], value);
    }
  }
  checkExpressionNames(['output'], written.output);
}
