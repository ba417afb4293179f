/** Writes `built-in.json`, the built-in operators read and checked; the build runs it as `node dist/src/operators/write-built-in.js`. */
import { readdirSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { BUILT_IN_FILE, BUILT_IN_ROOT } from './load-operators.ts';
import type { OperatorEntry } from './operator-entry.ts';
import { readOperatorFiles } from './operator-file.ts';

/** The entries as the YAML files beside this module give them. Throws the first error of a file that is not in order. */
export async function readBuiltInFiles(): Promise<readonly OperatorEntry[]> {
  const names = readdirSync(`${BUILT_IN_ROOT}built-in`).filter((name) => name.endsWith('.yaml'));
  const files = names.sort().map((name) => `built-in/${name}`);
  const entries = await readOperatorFiles(BUILT_IN_ROOT, files, 'built-in');
  for (const { error } of entries) if (error !== undefined) throw error;
  return entries;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(BUILT_IN_FILE, JSON.stringify(await readBuiltInFiles()));
}
