/** An engine whose operators are deterministic js cascades, and the same operators as plain DuckDB macros. */
import { fileURLToPath } from 'node:url';
import type { NotedMacro } from '../../bench/suites/duckdb-evaluates.ts';
import { Engine, type QueryResult } from '../../src/index.ts';

/** The root with `operators/`, seen from `dist`. */
export const root = fileURLToPath(new URL('../../../test/fixtures/semantic', import.meta.url));

/** What each operator says; of the text `bad` it says nothing, as one whose run fails. */
export const MACROS: readonly NotedMacro[] = Object.entries({
  'm_means(a, b)': 'contains(a::VARCHAR, b::VARCHAR)',
  'm_about(a, b)': '((length(a::VARCHAR) * 7 + length(b::VARCHAR) * 3) % 11)::DOUBLE / 10',
  'm_aligns(a, b)': '((length(a::VARCHAR) * 5 + length(b::VARCHAR)) % 11)::DOUBLE / 10',
  'm_relevance(a, b)': '((length(a::VARCHAR) * 3 + length(b::VARCHAR)) % 7)::DOUBLE / 10',
  'm_extracts(a, b)':
    "CASE WHEN a = 'none' THEN NULL ELSE left(a::VARCHAR, 2) || length(b::VARCHAR) END",
  'm_ask(a, b)': "b::VARCHAR || ':' || a::VARCHAR",
  'm_translated(a, b)': 'upper(a::VARCHAR) || b::VARCHAR',
  // Symmetric: one that fails for two texts fails for them in the other order.
  'm_same_as(a, b)':
    "CASE WHEN b::VARCHAR <> 'bad' THEN length(a::VARCHAR) = length(b::VARCHAR) END",
  'm_quality(a)': '(length(a::VARCHAR) % 5)::DOUBLE / 4',
}).map(([head, says]) => {
  const [name, args] = head.split(/[()]/);
  return {
    name: name!,
    args: args!.split(', '),
    value: `CASE WHEN a::VARCHAR <> 'bad' THEN ${says} END`,
  };
});

/** An engine with the macros in it. */
export async function openSemantic(): Promise<Engine> {
  const engine = await Engine.open({ cascades: root, threads: 1 });
  for (const { name, args, value } of MACROS) {
    await engine.query(`CREATE MACRO ${name}(${args.join(', ')}) AS ${value}`);
  }
  return engine;
}

/** A result's rows as arrays of texts that JSON can compare. */
export function valuesOf({ rows }: Pick<QueryResult, 'rows'>): string[] {
  return rows.map((row) =>
    JSON.stringify(Object.values(row), (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
  );
}
