/**
 * The only file that loads DuckDB's bindings. It loads them at first use: the import takes about 100 ms warm and
 * 370 ms cold, and a process that only parses or prints its help does not need it.
 */

import { fileURLToPath } from 'node:url';
import { packageFile } from '../util/package-files.ts';
import { requirePackage } from '../util/require-package.ts';

type NodeApi = typeof import('@duckdb/node-api');
type NodeBindings = typeof import('@duckdb/node-bindings');

let file = '@duckdb/node-api';
let loaded: NodeApi | undefined;
let bindings: NodeBindings | undefined;

/**
 * Loads DuckDB's client from a single file of this package, which takes a third of the time. Not for an application: it
 * has the client's own package, and hands over values of its classes.
 */
export function loadBundledNodeApi(): void {
  file = fileURLToPath(packageFile('dist/bundle/node-api.cjs'));
}

/** Loads the bindings, once. */
export async function loadNodeApi(): Promise<NodeApi> {
  bindings ??= requirePackage('@duckdb/node-bindings') as NodeBindings;
  loaded ??= requirePackage(file) as NodeApi;
  return loaded;
}

/** Returns the bindings. They must be loaded, as they are whenever a session or a result exists. */
export function nodeApi(): NodeApi {
  if (loaded === undefined) throw new Error('DuckDB is not loaded: open a session first');
  return loaded;
}

/** Returns the low-level bindings on which `nodeApi` is built. They must be loaded. */
export function nodeBindings(): NodeBindings {
  if (bindings === undefined) throw new Error('DuckDB is not loaded: open a session first');
  return bindings;
}
