/** Columns by their names. */

/** The column of that name, as DuckDB would find it: exactly, else whatever its case. */
export function findColumn<T extends { readonly name: string }>(
  columns: readonly T[],
  name: string,
): T | undefined {
  const lower = name.toLowerCase();
  return (
    columns.find((column) => column.name === name) ??
    columns.find((column) => column.name.toLowerCase() === lower)
  );
}
