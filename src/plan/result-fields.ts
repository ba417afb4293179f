/** Binds the columns of RETURNING and of a typed AS: their types by DuckDB, and their paths in a run's value. */
import type { ResultColumn } from '../../grammar/ast.ts';
import { createSourceText } from '../../grammar/source-text.ts';
import { typeText } from '../duck/columns.ts';
import { RvbbitError } from '../errors.ts';
import { findColumn } from '../util/find-column.ts';
import type { ColumnType } from '../values/column-type.ts';
import { columnTypeOf } from '../values/duckdb-type.ts';
import { placedAt } from './placed-error.ts';
import type { PlanContext } from './plan-context.ts';

/** A column that takes a part of a run's value. */
export interface ResultField {
  readonly name: string;
  /** The column's type as SQL. */
  readonly type: string;
  readonly valueType: ColumnType;
  /** The keys and indexes that lead from the value to the part; undefined: the field with the column's name. */
  readonly path?: readonly (string | number)[];
}

type FieldContext = Pick<PlanContext, 'session' | 'stop' | 'source'>;

/** Binds result columns. Throws RVB_SQL, RVB_UNSUPPORTED, RVB_SYNTAX or RVB_COLUMN_COLLISION at the column's place. */
export async function bindFields(
  columns: readonly ResultColumn[],
  context: FieldContext,
): Promise<readonly ResultField[]> {
  const fields: ResultField[] = [];
  for (const column of columns) {
    const name = column.name.value;
    if (findColumn(fields, name) !== undefined) {
      const what = `the column "${name}" is there twice`;
      throw wrongField('RVB_COLUMN_COLLISION', what, context, column.span.start);
    }
    const path = column.from === undefined ? undefined : fieldPath(column.from.value);
    if (column.from !== undefined && path === undefined) {
      const what = `'${column.from.value}' is no JSON path; write one such as '$.price.amount' or '$.items[0]'`;
      throw wrongField('RVB_SYNTAX', what, context, column.from.span.start);
    }
    fields.push({ name, ...(await fieldType(column, context)), ...(path ? { path } : {}) });
  }
  return fields;
}

async function fieldType(
  { type }: ResultColumn,
  context: FieldContext,
): Promise<Pick<ResultField, 'type' | 'valueType'>> {
  if (type === undefined)
    return { type: 'VARCHAR', valueType: { name: 'VARCHAR', family: 'text' } };
  const { session, stop, source } = context;
  const { start } = type.span;
  const columns = await session
    .describe(`SELECT CAST(NULL AS ${type.text})`, { signal: stop.signal })
    .catch((error: unknown) => {
      throw placedAt(error, source, start);
    });
  const [column, ...more] = columns;
  const valueType =
    column === undefined || more.length > 0 ? undefined : columnTypeOf(column.duckType);
  if (valueType !== undefined) return { type: typeText(column!.duckType), valueType };
  const what = `a column of a run's value cannot have the type ${type.text}; take VARCHAR or JSON, and cast it`;
  throw wrongField('RVB_UNSUPPORTED', what, context, start);
}

function wrongField(
  code: 'RVB_COLUMN_COLLISION' | 'RVB_SYNTAX' | 'RVB_UNSUPPORTED',
  message: string,
  { source }: FieldContext,
  offset: number,
): RvbbitError {
  const place = createSourceText(source).positionAt(offset);
  return new RvbbitError(code, message, { stage: 'bind', place });
}

const STEP = /\.([A-Za-z_][\w-]*|"(?:[^"\\]|\\.)*")|\[(\d{1,9})\]/y;

/** Returns the steps of a path such as `$.a."b c"[0]`: DuckDB's JSON paths without wildcards. Undefined for other texts. */
export function fieldPath(text: string): readonly (string | number)[] | undefined {
  if (!text.startsWith('$')) return undefined;
  const steps: (string | number)[] = [];
  for (STEP.lastIndex = 1; STEP.lastIndex < text.length; ) {
    const [, name, place] = STEP.exec(text) ?? [];
    if (place !== undefined) steps.push(Number(place));
    else if (name === undefined) return undefined;
    else {
      const key = name.startsWith('"') ? parsedName(name) : name;
      if (key === undefined) return undefined;
      steps.push(key);
    }
  }
  return steps;
}

function parsedName(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}
