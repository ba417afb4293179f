/** What DuckDB says of its functions, as far as planning depends on it. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { Session } from '../../duck/session.ts';
import { holds } from './query-tree.ts';

export interface FunctionFacts {
  /** Functions of one row, by name in lower case. */
  readonly scalars: ReadonlySet<string>;
  /** Those that give another value each time they are called, and macros that call one. */
  readonly volatile: ReadonlySet<string>;
  /** Those that give the same value throughout a query, and another one in the next. */
  readonly varying: ReadonlySet<string>;
}

/** Names that DuckDB takes for functions where there is no such column. */
const KEYWORD_FUNCTIONS = 'current_timestamp current_time localtimestamp localtime'.split(' ');

/** Of the functions that DuckDB holds for its own, those that it came with: look-ups are among the others. */
const CAME_WITH = "internal AND NOT regexp_matches(function_name, '^(~.*~|rvb_.*)$')";

let own: Promise<FunctionFacts & { readonly all: ReadonlySet<string> }> | undefined;

/** The facts for the functions of a tree. DuckDB's own are read once, since its catalogue's view takes 50 ms. */
export async function functionFacts(session: Session, tree: unknown): Promise<FunctionFacts> {
  own ??= readOwn(session);
  own.catch(() => {
    own = undefined;
  });
  const facts = await own;
  const isForeign = ({ class: kind, function_name: name }: SqlNode) =>
    kind === 'FUNCTION' && !/^(~|rvb_)/.test(String(name)) && !facts.all.has(lower(name));
  if (!holds(tree, isForeign)) return facts;
  const names = [...facts.volatile].map((name) => `\\b${name}\\b`).join('|');
  const macros = await namesOf(
    session,
    `SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type = 'macro' AND NOT internal AND regexp_matches(macro_definition, '${names}', 'i')`,
  );
  return { ...facts, volatile: new Set([...facts.volatile, ...macros]) };
}

function lower(name: unknown): string {
  return String(name).toLowerCase();
}

async function readOwn(session: Session) {
  const ofStability = (stability: string) =>
    namesOf(
      session,
      `SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE ${CAME_WITH} AND stability = '${stability}'`,
    );
  const scalars = await namesOf(
    session,
    `SELECT lower(function_name) FROM duckdb_functions() WHERE ${CAME_WITH} GROUP BY ALL HAVING bool_and(function_type = 'scalar')`,
  );
  const volatile = await ofStability('VOLATILE');
  const varying = [...(await ofStability('CONSISTENT_WITHIN_QUERY')), ...KEYWORD_FUNCTIONS];
  const all = await namesOf(
    session,
    `SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE ${CAME_WITH}`,
  );
  return {
    scalars: new Set(scalars),
    volatile: new Set(volatile),
    varying: new Set(varying),
    all: new Set(all),
  };
}

async function namesOf(session: Session, sql: string): Promise<readonly string[]> {
  return ((await (await session.run(sql)).allColumns('json'))[0] ?? []) as string[];
}
