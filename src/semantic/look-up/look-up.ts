/**
 * The functions that stand in the operators' places: each looks its answer up, and notes the questions whose answers
 * are missing.
 */
import type { DuckDBConnection, DuckDBType, DuckDBVector } from '@duckdb/node-api';
import { nodeApi } from '../../duck/node-api.ts';
import { quoteIdentifier } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import { setNull } from '../../duck/set-null.ts';
import { requiredArgs } from '../../operators/function-file.ts';
import type { Operator } from '../../operators/operator.ts';
import type { Answer } from '../ask/answer-book.ts';
import { type OperatorUse, readAnswer, typeOfUse } from '../read/use.ts';
import { hasCodes, type LookUpChunk, readChunk, readTuple } from './chunk.ts';
import { canBeCoded, NATIVE_TYPES, textPlaces } from './native-types.ts';
import type { TextCodes } from './text-codes.ts';

/** State of all look-ups of a statement during a pass. */
export interface LookUpState {
  /** True if a missing answer ends the pass, because the pass would change data. */
  strict: boolean;
  /** True if the pass ended early: an answer was missing in a strict pass, or more than `mostMissing` were. */
  stopped: boolean;
  /** Look-ups of values so far in this pass: those by codes are not counted. */
  rows: number;
  /** The answers by the codes of their arguments, while there are any. */
  codes?: TextCodes<Answer>;
  /** The pass ends when an operator has more open questions than this. */
  readonly mostMissing: number;
}

/** Registers the functions in the session's catalogue; later statements replace them. */
export async function registerLookUps(
  session: Session,
  uses: readonly OperatorUse[],
  state: LookUpState,
  signal?: AbortSignal,
): Promise<void> {
  await session.inTurn(async (connection) => {
    for (const use of uses) register(connection, use, state);
  }, signal);
  for (const use of uses) {
    if (isPlain(use)) continue;
    for (const name of [use.names.infix, use.names.call]) {
      await session.run(macroSql(name, use), { signal, own: true });
    }
  }
}

/** Whether a function written in JavaScript can take and give these types, so that it needs no macro with casts. */
function isPlain(use: OperatorUse): boolean {
  const { args } = use.book.operator;
  const isText = (type: string) => NATIVE_TYPES.has(type) || type === 'JSON';
  return NATIVE_TYPES.has(typeOfUse(use)) && args.every(({ type }) => isText(type.toUpperCase()));
}

/**
 * The macro that casts the function's arguments to texts and its result back, for each number of arguments that it
 * takes.
 */
function macroSql(name: string, use: OperatorUse): string {
  const { operator } = use.book;
  const text = quoteIdentifier(`${name}_text`);
  const forms = aritiesOf(operator).map((arity) => {
    const args = operator.args.slice(0, arity).map(({ type }, index) => {
      const upper = type.toUpperCase();
      if (NATIVE_TYPES.has(upper) || upper === 'JSON') return `a${index}`;
      return `CAST(CAST(a${index} AS ${upper}) AS VARCHAR)`;
    });
    const names = args.map((_, index) => `a${index}`).join(', ');
    return `(${names}) AS CAST(${text}(${args.join(', ')}) AS ${typeOfUse(use)})`;
  });
  return `CREATE OR REPLACE TEMP MACRO ${quoteIdentifier(name)}${forms.join(', ')}`;
}

function register(connection: DuckDBConnection, use: OperatorUse, state: LookUpState): void {
  const api = nodeApi();
  const { operator } = use.book;
  const type = typeOfUse(use);
  const isNative = NATIVE_TYPES.has(type);
  const isBare = isPlain(use);
  for (const arity of aritiesOf(operator)) {
    const { infix, call, miss } = use.names;
    const forms = [infix, call].map((name) => ({
      name: isBare ? name : `${name}_text`,
      places: [] as readonly number[],
    }));
    if (canBeCoded(use)) forms.push({ name: miss, places: textPlaces(operator) });
    for (const { name, places } of forms) {
      connection.registerScalarFunction(
        api.DuckDBScalarFunction.create({
          name,
          parameterTypes: [
            ...operator.args.slice(0, arity).map((arg) => argumentType(arg.type)),
            ...places.map(() => api.INTEGER),
          ],
          returnType: isNative ? nativeType(type) : api.VARCHAR,
          // Volatile, so that DuckDB neither folds nor merges calls: it would evaluate them once and plan by the
          // result.
          volatile: true,
          specialHandling: true,
          mainFunction: (_info, input, output) => {
            lookUpChunk(use, state, readChunk(input, arity, places), output);
          },
        }),
      );
    }
  }
}

/** The numbers of arguments that an operator takes: arguments that its cascade does not require may be left out. */
export function aritiesOf(operator: Operator): readonly number[] {
  const { length } = operator.args;
  const least = requiredArgs(operator);
  return Array.from({ length: length - least + 1 }, (_, index) => least + index);
}

function lookUpChunk(
  use: OperatorUse,
  state: LookUpState,
  chunk: LookUpChunk,
  output: DuckDBVector,
): void {
  const { book } = use;
  const { columns, rowCount } = chunk;
  const find = hasCodes(chunk) ? state.codes?.finder(book, chunk) : undefined;
  for (let row = 0; row < rowCount; row += 1) {
    const known = find?.(row);
    const value = known === undefined ? answerOf(use, state, columns, row) : known;
    const read = value === undefined ? null : readAnswer(use, value);
    if (read === null) setNull(output, row);
    else output.setItem(row, read);
  }
  output.flush();
  if (book.missing > 0 && (state.strict || book.missing > state.mostMissing)) {
    state.stopped = true;
    throw new Error('answers are missing');
  }
}

/** The answer to a row's question; undefined if it is not known, or there is no question. */
function answerOf(
  { book, isLenient }: OperatorUse,
  state: LookUpState,
  columns: readonly DuckDBVector[],
  row: number,
): Answer | undefined {
  state.rows += 1;
  const tuple = readTuple(columns, row);
  if (tuple === undefined) return undefined;
  return isLenient === true ? book.answerOf(tuple) : book.lookUp(tuple);
}

/** The type of a function's parameter: a type that JavaScript cannot take goes as its text. */
export function argumentType(type: string): DuckDBType {
  const upper = type.toUpperCase();
  return NATIVE_TYPES.has(upper) ? nativeType(upper) : nodeApi().VARCHAR;
}

export function nativeType(type: string): DuckDBType {
  const { BOOLEAN, DOUBLE, INTEGER, BIGINT, VARCHAR } = nodeApi();
  switch (type) {
    case 'BOOLEAN':
      return BOOLEAN;
    case 'DOUBLE':
      return DOUBLE;
    case 'INTEGER':
      return INTEGER;
    case 'BIGINT':
      return BIGINT;
    default:
      return VARCHAR;
  }
}
