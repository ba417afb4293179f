/** Folders with operators in them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadOperators } from '../../src/operators/load-operators.ts';
import type { LoadedOperators } from '../../src/operators/merge-operators.ts';

const made: string[] = [];
process.once('exit', () => {
  for (const root of made) rmSync(root, { recursive: true, force: true });
});

/** A cascade root with these files; `operators/` is added to a name without a folder. */
export function makeRoot(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'rvbbit-operators-'));
  made.push(root);
  for (const [name, text] of Object.entries(files)) put(root, name, text);
  return root;
}

export function put(root: string, name: string, text: string): void {
  const file = join(root, name.includes('/') ? name : `operators/${name}`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** The operators of a root with these files. */
export function load(files: Readonly<Record<string, string>>): Promise<LoadedOperators> {
  return loadOperators(makeRoot(files));
}

const CELLS = 'cells: [{ name: a, tool: js, inputs: { code: return true } }]\n';

/** A file whose `sql_function` has these lines, over those of a good one; undefined leaves a line out. */
export function operatorFile(lines: Readonly<Record<string, string | undefined>> = {}): string {
  const all: Record<string, string | undefined> = {
    name: 'RHYMES',
    returns: 'BOOLEAN',
    args: '[{ name: text, type: VARCHAR }, { name: other, type: VARCHAR }]',
    operators: '["{text} RHYMES {other}"]',
    ...lines,
  };
  const written = Object.entries(all).filter(([, value]) => value !== undefined);
  return `sql_function:\n${written.map(([key, value]) => `  ${key}: ${value}\n`).join('')}${CELLS}`;
}
