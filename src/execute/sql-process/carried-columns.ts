/** The columns of a table with their collations, which DuckDB tells in the SQL of a table alone. */
import type { DuckDBType } from '@duckdb/node-api';
import type { Column } from '../../duck/columns.ts';
import { nodeApi } from '../../duck/node-api.ts';
import { quoteIdentifier, quoteLiteral } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import { cannotCarry } from './carry-columns.ts';
import type { CarriedColumn } from './messages.ts';

/** A text within the values of a column, e.g. an element of its lists. */
interface Text {
  readonly column: Column;
  readonly sql: string;
}

let probes = 0;

/** Reads them for `from`, a table or view. Throws RVB_UNSUPPORTED for a nested type whose texts have a collation. */
export async function carriedColumns(
  session: Session,
  columns: readonly Column[],
  from: string,
  signal: AbortSignal,
): Promise<CarriedColumn[]> {
  const texts = columns.flatMap((column) =>
    textsIn(column.duckType, quoteIdentifier(column.name)).map((sql) => ({ column, sql })),
  );
  const collations = await collationsOf(session, texts, from, signal);
  return columns.map((column) => {
    const { name, type, duckType } = column;
    const collation = collations.get(column);
    if (collation === undefined) return { name, type };
    if (duckType.typeId !== nodeApi().DuckDBTypeId.VARCHAR) {
      throw cannotCarry(column, `${type} with texts of the collation ${collation}`);
    }
    return { name, type, collation };
  });
}

async function collationsOf(
  session: Session,
  texts: readonly Text[],
  from: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<Column, string>> {
  if (texts.length === 0) return new Map();
  const probe = `rvb_texts_${++probes}`;
  const items = texts.map(({ sql }, index) => `${sql} AS c${index}`);
  try {
    await session.run(
      `CREATE TEMP TABLE ${probe} AS SELECT ${items.join(', ')} FROM ${from} LIMIT 0`,
      { signal },
    );
    const reader = await session.run(
      `SELECT sql FROM duckdb_tables() WHERE database_name = 'temp' AND table_name = '${probe}'`,
      { signal },
    );
    const [row] = await reader.rows('json');
    const found = String(row?.['sql']).matchAll(/\bc(\d+) VARCHAR COLLATE ([\w.]+)/g);
    return new Map([...found].map(([, index, name]) => [texts[Number(index)]!.column, name!]));
  } finally {
    await session.run(`DROP TABLE IF EXISTS temp.main.${probe}`).catch(() => {});
  }
}

/** SQL for each kind of text that a value holds. */
function textsIn(type: DuckDBType, value: string): string[] {
  const { DuckDBTypeId: Id } = nodeApi();
  switch (type.typeId) {
    case Id.VARCHAR:
      return [value];
    case Id.LIST:
    case Id.ARRAY:
      return textsIn(type.valueType, `${value}[1]`);
    case Id.MAP:
      return [
        ...textsIn(type.keyType, `map_keys(${value})[1]`),
        ...textsIn(type.valueType, `map_values(${value})[1]`),
      ];
    case Id.STRUCT:
      return type.entryTypes.flatMap((entry, index) =>
        textsIn(entry, `struct_extract(${value}, ${quoteLiteral(type.entryNames[index]!)})`),
      );
    case Id.UNION:
      return type.memberTypes.flatMap((member, index) =>
        textsIn(member, `union_extract(${value}, ${quoteLiteral(type.memberTags[index]!)})`),
      );
    default:
      return [];
  }
}
