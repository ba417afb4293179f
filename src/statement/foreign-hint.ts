/** Hints at what to write instead of a statement that DuckDB refuses and another product, or a user, expects. */
import { RvbbitError } from '../errors.ts';

/** For the start or a part of a refused statement, and for DuckDB's message if it counts: how to do the same here. */
const HINTS: readonly (readonly [form: RegExp, hint: string, message?: RegExp])[] = [
  [
    /^EXECUTE\s/i,
    'PREPARE comes first, in the same session; a statement with RVBBIT MAP, RVBBIT RUN or an operator is run with its values instead: query(sql, values), or --param name=value on the command line',
    /does not exist/,
  ],
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
  const { code, message, stage, sqlState, place, cause } = thrown;
  const hint = HINTS.find(
    ([form, , told]) => form.test(statement) && (told === undefined || told.test(message)),
  )?.[1];
  if (hint === undefined) return thrown;
  return new RvbbitError(code, `${message}\n${hint}`, {
    stage,
    sqlState,
    cause,
    ...(place === undefined ? {} : { place }),
  });
}
