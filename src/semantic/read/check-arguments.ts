/** Refuses what does not bind, arguments of wrong types above all, before anything is asked. */
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

/** Binds the statement, whose functions are registered. Throws RVB_TYPE_MISMATCH and RVB_SQL, with their places. */
export async function checkArguments(read: SemanticStatement, statement: Statement): Promise<void> {
  // Of a text DuckDB takes what the operators do. Its other casts are wider, and may stand in a macro.
  const lax = read.placed.filter(({ operator }) => !takesTextsAlone(operator));
  if (lax.length > 0) await probeTypes(read, lax, statement);
  const thrown = await bindError(read.whole, statement);
  if (thrown !== undefined) throw unrewrittenError(thrown, read, read.whole);
}

/** Asks DuckDB for the types of each operator's arguments, and holds them against what it takes. */
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

/** No macro with casts stands for it. */
function takesTextsAlone({ args, returns }: Operator): boolean {
  const isText = args.every(({ type }) => type.toUpperCase() === 'VARCHAR');
  return isText && NATIVE_TYPES.has(returns.toUpperCase());
}

/** What DuckDB's binder says of a text; a text that it does not explain (a PIVOT is two statements) it binds later. */
async function bindError(
  { text }: Rewritten,
  { session, parameters, stop }: Statement,
): Promise<RvbbitError | undefined> {
  try {
    // With parameters, be they none, a PIVOT is refused that would otherwise be begun.
    const options = { parameters: parameters ?? [], signal: stop.signal, linesBefore: 1 };
    await session.run(`EXPLAIN\n${text}`, options);
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof RvbbitError) || thrown.code !== 'RVB_SQL') throw thrown;
    const isBinder = thrown.sqlState.startsWith('42') && thrown.sqlState !== '42601';
    return isBinder ? thrown : undefined;
  }
}

/** Functions that no call matches by its number of arguments, so that DuckDB says what types these have. */
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
