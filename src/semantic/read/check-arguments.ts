/** Refuses statements that do not bind, above all for arguments of wrong types, before any question is asked. */
import type { Rewritten } from '../../../grammar/semantic/rewrite.ts';
import { nodeApi } from '../../duck/node-api.ts';
import type { Session } from '../../duck/session.ts';
import { RvbbitError } from '../../errors.ts';
import type { Statement } from '../../execute/statement.ts';
import { OPERATOR_MAX_ARGS } from '../../limits.ts';
import { checkCall } from '../../operators/check-call.ts';
import type { Operator } from '../../operators/operator.ts';
import { NATIVE_TYPES } from '../look-up/native-types.ts';
import { refusedCall } from './argument-types.ts';
import type { PlacedOperator, SemanticStatement } from './read-statement.ts';
import { unrewrittenError } from './rewritten-error.ts';
import { sourceError } from './source-error.ts';
import { takeSymbol } from './symbols.ts';

/**
 * Binds the statement; its functions must be registered. Throws RVB_TYPE_MISMATCH, RVB_SQL
 * and RVB_AMBIGUOUS_OPERAND, with their places.
 */
export async function checkArguments(read: SemanticStatement, statement: Statement): Promise<void> {
  // For texts DuckDB accepts the same types as the operators do. For other types it casts more than they accept,
  // perhaps in a macro.
  const lax = read.placed.filter(({ operator }) => !takesTextsAlone(operator));
  if (lax.length > 0) await probeTypes(read, lax, statement);
  const thrown = await bindError(read.whole, statement);
  if (thrown !== undefined) throw unrewrittenError(thrown, read, read.whole);
  if (read.swapped !== undefined) throw read.swapped;
}

/** Asks DuckDB for the types of each operator's arguments, and compares them with the types that it takes. */
async function probeTypes(
  read: SemanticStatement,
  placed: readonly PlacedOperator[],
  statement: Statement,
): Promise<void> {
  const probe = takeSymbol('a probe');
  try {
    await registerProbe(statement.session, probe);
    for (const { operator, span } of placed) {
      const name = span.kind === 'call' ? probe.call : probe.infix;
      const refused = await bindError(read.wholeNaming(span, name), statement);
      const call = refused === undefined ? undefined : refusedCall(refused.message);
      if (call?.name !== name) continue;
      const wrong = checkCall(operator, call.types);
      if (wrong === undefined) continue;
      throw sourceError('RVB_TYPE_MISMATCH', wrong, read.source, span.span.start);
    }
  } finally {
    probe.release();
  }
}

/** Whether the operator takes only texts and gives a native type, so that no macro with casts stands for it. */
function takesTextsAlone({ args, returns }: Operator): boolean {
  const isText = args.every(({ type }) => type.toUpperCase() === 'VARCHAR');
  return isText && NATIVE_TYPES.has(returns.toUpperCase());
}

/**
 * The error of DuckDB's binder for a text. A text that DuckDB cannot EXPLAIN (a PIVOT is two statements) is bound
 * later.
 */
async function bindError(
  { text }: Rewritten,
  { session, parameters, stop }: Statement,
): Promise<RvbbitError | undefined> {
  try {
    // With a list of parameters, even an empty one, DuckDB refuses a PIVOT, which would otherwise start to run.
    const options = { parameters: parameters ?? [], signal: stop.signal, linesBefore: 1 };
    await session.run(`EXPLAIN\n${text}`, options);
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof RvbbitError) || thrown.code !== 'RVB_SQL') throw thrown;
    const isBinder = thrown.sqlState.startsWith('42') && thrown.sqlState !== '42601';
    return isBinder ? thrown : undefined;
  }
}

/** Registers functions that no call fits by its number of arguments: DuckDB's error then names the arguments' types. */
function registerProbe(
  session: Session,
  { infix, call }: { readonly infix: string; readonly call: string },
): Promise<void> {
  const api = nodeApi();
  return session.inTurn(async (connection) => {
    for (const [name, count] of [
      [infix, 1],
      [call, OPERATOR_MAX_ARGS + 1],
    ] as const) {
      connection.registerScalarFunction(
        api.DuckDBScalarFunction.create({
          name,
          parameterTypes: Array.from({ length: count }, () => api.VARCHAR),
          returnType: api.VARCHAR,
          mainFunction: () => {},
        }),
      );
    }
  });
}
