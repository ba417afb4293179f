/** The session's own macros, functions and types, as SQL that makes them again. */
import { qualifiedName, quoteIdentifier } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import type { Definition } from './messages.ts';
import { onlyInline } from './names-in-query.ts';

/** A macro of the session and the queries that its bodies are. */
export interface OwnMacro {
  readonly definition: Definition;
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
  const [first] = overloads;
  const { database_name: database, schema_name: schema, function_name: name } = first!;
  const isTable = first!.function_type === 'table_macro';
  if (!isTable && first!.function_type !== 'macro') {
    throw onlyInline(`the function ${quoteIdentifier(name)}, which the program has registered,`);
  }
  const here = overloads.filter(
    (one) => one.database_name === database && one.schema_name === schema,
  );
  const variants = here.map(({ parameters, parameter_types, macro_definition }) => {
    const list = parameters.map((parameter, index) =>
      [quoteIdentifier(parameter), parameter_types[index]].filter(Boolean).join(' '),
    );
    return `(${list.join(', ')}) AS ${isTable ? 'TABLE ' : ''}${macro_definition}`;
  });
  const isTemporary = database === 'temp';
  const target = isTemporary
    ? `TEMP MACRO ${quoteIdentifier(name)}`
    : `MACRO ${qualifiedName([database, schema, name])}`;
  return {
    definition: {
      key: `macro ${name.toLowerCase()}`,
      version: 0,
      sql: `CREATE OR REPLACE ${target}${variants.join(', ')}`,
      scope: isTemporary ? 'connection' : 'database',
    },
    bodies: here.map(({ macro_definition: body }) => (isTable ? body : `SELECT ${body}`)),
  };
}

/** The session's own types by name in lower case. */
export async function ownTypes(
  session: Session,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Definition>> {
  const listed = await session.run(
    `SELECT database_name, schema_name, type_name FROM duckdb_types()
WHERE NOT internal ORDER BY type_oid`,
    { signal },
  );
  const types = new Map<string, Definition>();
  for (const row of await listed.rows('json')) {
    const [database, schema, name] = [
      row['database_name'],
      row['schema_name'],
      row['type_name'],
    ].map(String) as [string, string, string];
    const qualified = qualifiedName([database, schema, name]);
    const written = await session.run(`SELECT typeof(NULL::${qualified}) AS type`, { signal });
    const [type] = await written.rows('json');
    const isTemporary = database === 'temp';
    types.set(name.toLowerCase(), {
      key: `type ${name.toLowerCase()}`,
      version: 0,
      sql: `CREATE ${isTemporary ? `TEMP TYPE ${quoteIdentifier(name)}` : `TYPE ${qualified}`} AS ${String(type?.['type'])}`,
      scope: isTemporary ? 'connection' : 'database',
    });
  }
  return types;
}
