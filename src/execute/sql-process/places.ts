/** The databases and schemas that things stand in, as definitions that make them. */
import { qualifiedName, quoteIdentifier } from '../../duck/quote.ts';
import type { Definition } from './messages.ts';

/** A database in memory under this name. */
export function databaseNeeds(database: string): Definition[] {
  const name = quoteIdentifier(database);
  return [defineOnce(`database ${name}`, `ATTACH IF NOT EXISTS ':memory:' AS ${name}`)];
}

/** A schema and its database. */
export function schemaNeeds(database: string, schema: string): Definition[] {
  const name = qualifiedName([database, schema]);
  return [
    ...databaseNeeds(database),
    defineOnce(`schema ${name}`, `CREATE SCHEMA IF NOT EXISTS ${name}`),
  ];
}

/** Something that all connections see and that does not change while its statement runs. */
export function defineOnce(key: string, sql: string): Definition {
  return { key, version: 0, sql, scope: 'database' };
}
