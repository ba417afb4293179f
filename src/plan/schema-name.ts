/** The name of a schema as SQL. */
import { quoteIdentifier } from '../duck/quote.ts';

/** `schema`, or `database.schema`. */
export function schemaSql(name: string): string {
  return name.split('.').map(quoteIdentifier).join('.');
}
