/** The session's own macros, functions and types, as SQL that makes them again. */
import { qualifiedName, quoteIdentifier } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import type { Definition } from './messages.ts';
import { type FunctionReference, onlyInline } from './names-in-query.ts';
import { schemaNeeds } from './places.ts';
import { foldName, isSameName, placesOf, type SearchPath } from './search-path.ts';

/** A macro with all its parameter lists; `macro`, `table_macro`, or a function that the program has registered. */
export interface OwnMacro {
  readonly database: string;
  readonly schema: string;
  readonly kind: string;
  readonly overloads: readonly Overload[];
}

interface Overload {
  readonly database_name: string;
  readonly schema_name: string;
  readonly function_name: string;
  readonly function_type: string;
  readonly parameters: readonly string[];
  readonly parameter_types: readonly (string | null)[];
  readonly macro_definition: string;
}

/** By name, folded; a name that is not there is DuckDB's own, or nobody's. */
export async function ownMacros(
  session: Session,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly OwnMacro[]>> {
  const reader = await session.run(
    `SELECT database_name, schema_name, function_name, function_type, parameters, parameter_types,
macro_definition FROM duckdb_functions() WHERE NOT internal ORDER BY function_oid`,
    { signal },
  );
  const overloads = (await reader.rows('json')) as unknown as Overload[];
  const byKey = groupBy(overloads, (one) =>
    JSON.stringify([one.function_type, one.database_name, one.schema_name, one.function_name]),
  );
  const macros = [...byKey.values()].map((of): OwnMacro => {
    const { database_name: database, schema_name: schema, function_type: kind } = of[0]!;
    return { database, schema, kind, overloads: of };
  });
  return groupBy(macros, ({ overloads: [one] }) => foldName(one!.function_name));
}

/** Those of a name that a query means. */
export function macrosMeant(
  macros: readonly OwnMacro[],
  { catalog, schema, givesRows }: FunctionReference,
  path: SearchPath,
): readonly OwnMacro[] {
  const kind = givesRows ? 'table_macro' : 'macro';
  const places = catalog === '' ? placesOf(schema, path) : [{ database: catalog, schema }];
  for (const place of places) {
    const found = macros.find(
      (one) =>
        one.kind === kind &&
        isSameName(one.database, place.database) &&
        isSameName(one.schema, place.schema),
    );
    if (found !== undefined) return [found];
  }
  // What the program registers stands beside DuckDB's own.
  return macros.filter((one) => !isMacro(one.kind));
}

/** The queries that its bodies are. */
export function bodiesOf({ kind, overloads }: OwnMacro): string[] {
  return overloads.map(({ macro_definition: body }) =>
    kind === 'table_macro' ? body : `SELECT ${body}`,
  );
}

/** Throws RVB_UNSUPPORTED for a function that the program has registered. */
export function macroDefinitions({ database, schema, kind, overloads }: OwnMacro): Definition[] {
  const name = overloads[0]!.function_name;
  if (!isMacro(kind)) {
    throw onlyInline(`the function ${quoteIdentifier(name)}, which the program has registered,`);
  }
  const variants = overloads.map((one) => {
    const list = one.parameters.map((parameter, index) =>
      [quoteIdentifier(parameter), one.parameter_types[index]].filter(Boolean).join(' '),
    );
    const body = one.macro_definition;
    return `(${list.join(', ')}) AS ${kind === 'macro' ? body : `TABLE (${body})`}`;
  });
  return ownDefinitions(kind, { database, schema, name }, variants.join(', '));
}

function isMacro(kind: string): boolean {
  return kind === 'macro' || kind === 'table_macro';
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** What stands in a schema of a database; what is temporary each connection has for itself. */
function ownDefinitions(
  kind: string,
  place: { readonly database: string; readonly schema: string; readonly name: string },
  rest: string,
): Definition[] {
  const { database, schema, name } = place;
  const target = qualifiedName([database, schema, name]);
  const key = `${kind} ${target}`;
  const create = kind === 'type' ? 'TYPE' : 'MACRO';
  if (database === 'temp') {
    const sql = `CREATE TEMP ${create} ${quoteIdentifier(name)} ${rest}`;
    return [{ key, version: 0, sql, scope: 'connection' }];
  }
  const sql = `CREATE ${create} ${target} ${rest}`;
  const scope = kind === 'type' ? 'database' : 'macro';
  return [...schemaNeeds(database, schema), { key, version: 0, sql, scope }];
}

/** The session's own types by name in lower case. */
export async function ownTypes(
  session: Session,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly Definition[]>> {
  const listed = await session.run(
    `SELECT database_name AS database, schema_name AS schema, type_name AS name FROM duckdb_types()
WHERE NOT internal ORDER BY type_oid`,
    { signal },
  );
  const types = new Map<string, readonly Definition[]>();
  for (const row of await listed.rows('json')) {
    const place = row as {
      readonly database: string;
      readonly schema: string;
      readonly name: string;
    };
    const written = await session.run(
      `SELECT typeof(NULL::${qualifiedName([place.database, place.schema, place.name])}) AS type`,
      { signal },
    );
    const [type] = await written.rows('json');
    const key = place.name.toLowerCase();
    const definitions = ownDefinitions('type', place, `AS ${String(type?.['type'])}`);
    types.set(key, [...(types.get(key) ?? []), ...definitions]);
  }
  return types;
}
