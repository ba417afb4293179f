/** The operators of a cascade root, read again when a file of its `operators/` changes. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SEMANTIC_CACHED_ROOTS } from '../limits.ts';
import { loadOperators } from '../operators/load-operators.ts';
import type { OperatorRegistry } from '../operators/operator.ts';

interface Entry {
  readonly stamp: string;
  readonly registry: Promise<OperatorRegistry>;
}

const entries = new Map<string, Entry>();

/** Loading some dozen files takes about 50 ms, which a statement that follows another need not pay. */
export async function cachedOperators(cascadeRoot: string): Promise<OperatorRegistry> {
  const stamp = await stampOf(join(cascadeRoot, 'operators'));
  const known = entries.get(cascadeRoot);
  if (known?.stamp === stamp) return known.registry;
  const registry = loadOperators(cascadeRoot);
  entries.delete(cascadeRoot);
  entries.set(cascadeRoot, { stamp, registry });
  // A file that is wrong now may be right the next time.
  registry.catch(() => entries.delete(cascadeRoot));
  const oldest = entries.keys().next().value;
  if (entries.size > SEMANTIC_CACHED_ROOTS && oldest !== undefined) entries.delete(oldest);
  return registry;
}

async function stampOf(folder: string): Promise<string> {
  const names = await readdir(folder).catch(() => []);
  const stamps = await Promise.all(
    names.sort().map(async (name) => {
      const found = await stat(join(folder, name)).catch(() => undefined);
      return `${name} ${found?.mtimeMs} ${found?.size}`;
    }),
  );
  return stamps.join('\n');
}
