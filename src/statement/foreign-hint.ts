/** Hints at what to write instead of another product's statement that DuckDB refuses. */
import { RvbbitError } from '../errors.ts';

/** For the start or a part of a refused statement: how to do the same here. */
const HINTS: readonly (readonly [form: RegExp, hint: string])[] = [
  [
    /^EXPLAIN\s+(?:ANALYZE\s+)?FORMAT\s*=/i,
    "FORMAT = … is MySQL's form; write EXPLAIN (FORMAT TREE) … or EXPLAIN (FORMAT JSON) …",
  ],
  [
    /^SET\s+(?:SESSION\s+|GLOBAL\s+|@@)?\w*secondary_engine\w*/i,
    "this is MySQL's choice of an engine; here one runs all, and how calls are made is chosen by -- @ strategy: … or WITH (strategy = …)",
  ],
  [
    /^SHOW\s+(?:STORAGE\s+)?ENGINES\b/i,
    "this is MySQL's; FROM duckdb_extensions() and rvbbit ops list say what there is",
  ],
  [/`[^`\n]+`/, 'names are quoted with "…", not with `…`'],
];

/** Returns the error, with a hint if there is one for the statement. */
export function withForeignHint(thrown: unknown, text: string): unknown {
  if (!(thrown instanceof RvbbitError) || thrown.code !== 'RVB_SQL') return thrown;
  const statement = text.replace(/^(?:\s*--[^\n]*(?:\n|$))*\s*/, '');
  const hint = HINTS.find(([form]) => form.test(statement))?.[1];
  if (hint === undefined) return thrown;
  const { code, message, stage, sqlState, place, cause } = thrown;
  return new RvbbitError(code, `${message}\n${hint}`, {
    stage,
    sqlState,
    cause,
    ...(place === undefined ? {} : { place }),
  });
}
