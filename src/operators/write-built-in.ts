/**
 * Writes `built-in.json`: the built-in operators, read and checked. The build runs it as `node
 * dist/src/operators/write-built-in.js`.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { builtInFile, builtInRoot } from './load-operators.ts';
import type { OperatorEntry } from './operator-entry.ts';
import { readOperatorFiles } from './operator-file.ts';

/** Reads the entries of the YAML files in `built-in`. Throws the first error of a file that is wrong. */
export async function readBuiltInFiles(): Promise<readonly OperatorEntry[]> {
  const names = readdirSync(`${builtInRoot()}built-in`).filter((name) => name.endsWith('.yaml'));
  const files = names.sort().map((name) => `built-in/${name}`);
  const entries = await readOperatorFiles(builtInRoot(), files, 'built-in');
  for (const { error } of entries) if (error !== undefined) throw error;
  return entries;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(builtInFile(), JSON.stringify(await readBuiltInFiles()));
}
