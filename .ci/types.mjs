// Writes dist/types: the declarations that the package's exports need, and no others.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ENTRIES = ['src/index', 'src/testing', 'src/telemetry', 'grammar/index'];
const IMPORTED = /((?:\bfrom|\bimport\()\s*')(\.[^']+)\.ts'/g;

export function writeTypes(root) {
  rmSync(`${root}dist/types`, { recursive: true, force: true });
  const done = new Set();
  const open = [...ENTRIES];
  for (const name of open) {
    if (done.has(name)) continue;
    done.add(name);
    const text = readFileSync(`${root}dist/${name}.d.ts`, 'utf8');
    const target = `${root}dist/types/${name}.d.ts`;
    mkdirSync(dirname(target), { recursive: true });
    const declarations = text.replace(IMPORTED, (_, before, path) => {
      open.push(join(dirname(name), path));
      return `${before}${path}.js'`;
    });
    // Tabs in place of four spaces each: deep types are half as large.
    writeFileSync(
      target,
      declarations.replace(/^(?: {4})+/gm, (spaces) => '\t'.repeat(spaces.length / 4)),
    );
  }
}
