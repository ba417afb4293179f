/** The session's own macros, functions and types, as SQL that makes them again. */
import { qualifiedName, quoteIdentifier } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import type { Definition } from './messages.ts';
import { onlyInline } from './names-in-query.ts';
import { schemaNeeds } from './places.ts';

/** The macros of a name, whatever schemas they stand in, and the queries that their bodies are. */
export interface OwnMacro {
  readonly definitions: readonly Definition[];
  readonly bodies: readonly string[];
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

/** By name in lower case; a name that is not there is DuckDB's own, or nobody's. */
export async function ownMacros(
  session: Session,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, () => OwnMacro>> {
  const reader = await session.run(
    `SELECT database_name, schema_name, function_name, function_type, parameters, parameter_types,
macro_definition FROM duckdb_functions() WHERE NOT internal ORDER BY function_oid`,
    { signal },
  );
  const byName = new Map<string, Overload[]>();
  for (const one of (await reader.rows('json')) as unknown as Overload[]) {
    const name = one.function_name.toLowerCase();
    byName.set(name, [...(byName.get(name) ?? []), one]);
  }
  return new Map([...byName].map(([name, overloads]) => [name, () => macroOf(overloads)]));
}

function macroOf(overloads: readonly Overload[]): OwnMacro {
  const places = new Map<string, Overload[]>();
  for (const one of overloads) {
    const place = qualifiedName([one.database_name, one.schema_name]);
    places.set(place, [...(places.get(place) ?? []), one]);
  }
  return {
    definitions: [...places.values()].flatMap(definitionsOf),
    bodies: overloads.map(({ function_type, macro_definition: body }) =>
      function_type === 'table_macro' ? body : `SELECT ${body}`,
    ),
  };
}

/** One macro with all its parameter lists. */
function definitionsOf(overloads: readonly Overload[]): Definition[] {
  const { database_name: database, schema_name: schema, function_name: name } = overloads[0]!;
  const variants = overloads.map((one) => {
    const isTable = one.function_type === 'table_macro';
    if (!isTable && one.function_type !== 'macro') {
      throw onlyInline(`the function ${quoteIdentifier(name)}, which the program has registered,`);
    }
    const list = one.parameters.map((parameter, index) =>
      [quoteIdentifier(parameter), one.parameter_types[index]].filter(Boolean).join(' '),
    );
    const body = isTable ? `TABLE (${one.macro_definition})` : one.macro_definition;
    return `(${list.join(', ')}) AS ${body}`;
  });
  return ownDefinitions('macro', { database, schema, name }, variants.join(', '));
}

/** What stands in a schema of a database; what is temporary each connection has for itself. */
function ownDefinitions(
  kind: 'macro' | 'type',
  place: { readonly database: string; readonly schema: string; readonly name: string },
  rest: string,
): Definition[] {
  const { database, schema, name } = place;
  const target = qualifiedName([database, schema, name]);
  const key = `${kind} ${target}`;
  if (database === 'temp') {
    const sql = `CREATE TEMP ${kind} ${quoteIdentifier(name)} ${rest}`;
    return [{ key, version: 0, sql, scope: 'connection' }];
  }
  const sql = `CREATE ${kind} ${target} ${rest}`;
  const scope = kind === 'macro' ? 'macro' : 'database';
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
