/** The way of statements that read Postgres's own catalogue. */

/**
 * Returns how a statement that names objects of Postgres's catalogue runs on DuckDB: the text to run, and statements to
 * run once for each session before it. Undefined for a statement that names none.
 */
export type CatalogueQuery = (
  sql: string,
  facts: { readonly database: string; readonly user: string },
) => { readonly sql: string; readonly setup: readonly string[] } | undefined;
