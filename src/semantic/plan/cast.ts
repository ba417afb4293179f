/** Builds casts in DuckDB's tree, also those that an operator's arguments go through. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { Operator } from '../../operators/operator.ts';
import { readColumnType } from '../../values/column-type.ts';
import { NATIVE_TYPES } from '../look-up/native-types.ts';

/**
 * The arguments of a call as its function gets them: with their own type where a native function can take it, else as
 * text.
 */
export function givenArguments(
  args: readonly SqlNode[],
  operator: Pick<Operator, 'args'>,
): readonly SqlNode[] {
  return args.map((arg, index) => {
    const type = operator.args[index]?.type.toUpperCase() ?? 'VARCHAR';
    if (NATIVE_TYPES.has(type)) return castTo(arg, type);
    return castTo(type === 'JSON' ? arg : castTo(arg, type), 'VARCHAR');
  });
}

/** A CAST to a type that operators can have. */
export function castTo(child: SqlNode, type: string): SqlNode {
  const { width, scale } = readColumnType(type) ?? {};
  const figures = { type: 'DECIMAL_TYPE_INFO', alias: '', extension_info: null, width, scale };
  const isDecimal = width !== undefined;
  return {
    class: 'CAST',
    type: 'OPERATOR_CAST',
    alias: '',
    query_location: 0,
    child,
    cast_type: isDecimal ? { id: 'DECIMAL', type_info: figures } : { id: type, type_info: null },
    try_cast: false,
  };
}
