/** The parameters and the columns of a prepared statement. */
import type { DuckDBPreparedStatement, DuckDBType } from '@duckdb/node-api';
import { semanticLexemes } from '../../grammar/semantic/lexemes.ts';
import { dedupeNames, typeText } from './columns.ts';
import { nodeApi } from './node-api.ts';

/** The parameters of a statement by name, and the columns of its rows. An undefined type depends on the bound values. */
export interface Signature {
  readonly parameters: ReadonlyMap<string, string | undefined>;
  readonly columns: readonly { readonly name: string; readonly type: string | undefined }[];
}

/** Returns the signature of a prepared statement, whose text is `sql`. */
export function signatureOf(statement: DuckDBPreparedStatement, sql: string): Signature {
  const parameters = new Map<string, string | undefined>();
  for (let index = 1; index <= statement.parameterCount; index += 1) {
    const type = known(() => statement.parameterType(index));
    parameters.set(statement.parameterName(index), type);
  }
  if (!returnsRows(statement, sql)) return { parameters, columns: [] };
  const indexes = Array.from({ length: statement.columnCount }, (_, index) => index);
  // DuckDB gives no names either while a parameter decides about the columns.
  const names = dedupeNames(indexes.map((index) => statement.columnName(index)));
  const columns = indexes.map((index) => ({
    name: names[index]!,
    type: known(() => statement.columnType(index)),
  }));
  return { parameters, columns };
}

/** node-api throws for a type that DuckDB does not know yet. */
function known(type: () => DuckDBType): string | undefined {
  try {
    return typeText(type());
  } catch {
    return undefined;
  }
}

function returnsRows({ statementType }: DuckDBPreparedStatement, sql: string): boolean {
  const { StatementType } = nodeApi();
  switch (statementType) {
    case StatementType.SELECT:
    case StatementType.EXPLAIN:
    case StatementType.CALL:
    case StatementType.PRAGMA:
    case StatementType.EXECUTE:
      return true;
    case StatementType.INSERT:
    case StatementType.UPDATE:
    case StatementType.DELETE:
    case StatementType.MERGE_INTO:
      return semanticLexemes(sql).some(({ text }) => text === 'RETURNING');
    default:
      return false;
  }
}
