/**
 * The one place that loads DuckDB's bindings. They are loaded on first use: the import takes about
 * 100 ms warm and 370 ms cold, which a process that only parses or prints its help need not pay.
 */

type NodeApi = typeof import('@duckdb/node-api');
type NodeBindings = typeof import('@duckdb/node-bindings');

let loaded: NodeApi | undefined;
let bindings: NodeBindings | undefined;

/** Loads the bindings, once. */
export async function loadNodeApi(): Promise<NodeApi> {
  bindings ??= (await import('@duckdb/node-bindings')).default as unknown as NodeBindings;
  loaded ??= await import('@duckdb/node-api');
  return loaded;
}

/** The bindings, where a session or a result already exists and so must have loaded them. */
export function nodeApi(): NodeApi {
  if (loaded === undefined) throw new Error('DuckDB is not loaded: open a session first');
  return loaded;
}

/** What `nodeApi` stands on. */
export function nodeBindings(): NodeBindings {
  if (bindings === undefined) throw new Error('DuckDB is not loaded: open a session first');
  return bindings;
}
