/** Facts about DuckDB's functions, as far as planning depends on them. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { Session } from '../../duck/session.ts';
import { holds } from './query-tree.ts';

export interface FunctionFacts {
  /** Scalar functions, by name in lower case. */
  readonly scalars: ReadonlySet<string>;
  /** Functions that may give another value in each call, and macros that call such a function. */
  readonly volatile: ReadonlySet<string>;
  /** Functions that give the same value throughout a query, and another value in the next query. */
  readonly varying: ReadonlySet<string>;
  /** All functions that DuckDB came with. */
  readonly builtIn: ReadonlySet<string>;
}

/** Names that DuckDB reads as functions where no column has the name. */
const KEYWORD_FUNCTIONS = 'current_timestamp current_time localtimestamp localtime'.split(' ');

/**
 * Selects the functions that DuckDB came with. It also marks registered look-ups as internal, so their names are
 * excluded.
 */
const CAME_WITH = "internal AND NOT regexp_matches(function_name, '^(~.*~|rvb_.*)$')";

let own: Promise<FunctionFacts> | undefined;

/**
 * The facts about the functions in a tree. Those about DuckDB's own functions are read once, since a query of its
 * catalogue takes 30 ms.
 */
export async function functionFacts(session: Session, tree: unknown): Promise<FunctionFacts> {
  own ??= readOwn(session);
  own.catch(() => {
    own = undefined;
  });
  const facts = await own;
  const isForeign = ({ class: kind, function_name: name }: SqlNode) =>
    kind === 'FUNCTION' && !/^(~|rvb_)/.test(String(name)) && !facts.builtIn.has(lower(name));
  if (!holds(tree, isForeign)) return facts;
  const names = [...facts.volatile].map((name) => `\\b${name}\\b`).join('|');
  const [macros = []] = await columnsOf(
    session,
    `SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type = 'macro' AND NOT internal AND regexp_matches(macro_definition, '${names}', 'i')`,
  );
  return { ...facts, volatile: new Set([...facts.volatile, ...(macros as string[])]) };
}

function lower(name: unknown): string {
  return String(name).toLowerCase();
}

async function readOwn(session: Session) {
  const [all = [], isScalar = [], isVolatile = [], isVarying = []] = await columnsOf(
    session,
    `SELECT lower(function_name), bool_and(function_type = 'scalar') FILTER (function_type <> 'table'), bool_or(stability IS NOT DISTINCT FROM 'VOLATILE'), bool_or(stability IS NOT DISTINCT FROM 'CONSISTENT_WITHIN_QUERY') FROM duckdb_functions() WHERE ${CAME_WITH} GROUP BY ALL`,
  );
  const names = all as string[];
  const where = (holds: readonly unknown[]) => names.filter((_, at) => holds[at] === true);
  return {
    scalars: new Set(where(isScalar)),
    volatile: new Set(where(isVolatile)),
    varying: new Set([...where(isVarying), ...KEYWORD_FUNCTIONS]),
    builtIn: new Set(names),
  };
}

async function columnsOf(session: Session, sql: string) {
  return (await session.run(sql)).allColumns('json');
}
