/** Asks a ward whether a cell's input or output may pass. */
import { messageOf, RvbbitError } from '../../errors.ts';
import type { Json, JsonObject } from '../../util/json.ts';
import type { WardProgram } from '../program.ts';
import { beginStep, endsRun, type Run } from '../run-state.ts';
import { type RunNested, runWithin } from './cascade.ts';
import { runJsCell } from './js.ts';
import { runSqlCell } from './sql-data.ts';

/** The most characters of a ward's reason that are kept and shown. */
const WARD_REASON_CHARS = 500;

/** The reason of a refusal. Undefined: the ward lets the value pass. */
export type Refused = { readonly reason: string } | undefined;

/**
 * Asks the ward. `output` is undefined before the cell has run. A ward that itself fails, or gives no verdict, refuses.
 * A failure that ends the run is thrown.
 */
export async function askWard(
  ward: WardProgram,
  run: Run,
  output: Json | undefined,
  runNested: RunNested,
): Promise<Refused> {
  beginStep(run, ward.label);
  try {
    const { ok, reason } = await judge(ward, run, output, runNested);
    return ok ? undefined : { reason: reason ?? 'it gave no reason' };
  } catch (error) {
    if (endsRun(run, error)) throw error;
    const message = messageOf(error, WARD_REASON_CHARS).replace(`${ward.label}: `, '');
    return { reason: `the ward itself failed: ${message}` };
  }
}

interface WardAnswer {
  readonly ok: boolean;
  readonly reason?: string;
}

async function judge(
  ward: WardProgram,
  run: Run,
  output: Json | undefined,
  runNested: RunNested,
): Promise<WardAnswer> {
  const { check } = ward;
  const given = output === undefined ? {} : { output };
  switch (check.kind) {
    case 'js':
      return verdictOf(ward, await runJsCell(check, run, run.outputs, output));
    case 'sql_data':
      return sqlVerdict(ward, await runSqlCell(check, { ...run, given }, run.outputs));
    case 'cascade': {
      const { input, outputs, state } = run;
      const view: JsonObject = { input, outputs: { ...outputs }, state: { ...state }, ...given };
      return verdictOf(ward, await runWithin(check, run, view, runNested));
    }
  }
}

/** Reads true or false, or an object with `ok`, `valid` or both. The value passes only if all of them are true. */
function verdictOf(ward: WardProgram, value: Json): WardAnswer {
  if (typeof value === 'boolean') return { ok: value };
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const { ok, valid, reason } = (isObject ? value : {}) as JsonObject;
  const said = [ok, valid].filter((word) => word !== undefined);
  if (said.length === 0 || said.some((word) => typeof word !== 'boolean')) {
    throw noVerdict(ward, 'true, false or { ok, reason }');
  }
  return { ok: said.every(Boolean), ...reasonOf(reason) };
}

/** Reads the first column of the first row. NULL and an empty result refuse. A column `reason` gives the reason. */
function sqlVerdict(ward: WardProgram, result: Json): WardAnswer {
  const { rows, columns } = result as unknown as {
    readonly rows: readonly JsonObject[];
    readonly columns: readonly string[];
  };
  const row = rows[0];
  if (row === undefined) return { ok: false, reason: 'its query gave no row' };
  const verdict = row[columns[0]!] ?? null;
  if (verdict === null)
    return { ok: false, reason: 'its query gave NULL', ...reasonOf(row['reason']) };
  if (typeof verdict !== 'boolean') throw noVerdict(ward, 'a BOOLEAN in the first column');
  return { ok: verdict, ...reasonOf(row['reason']) };
}

function reasonOf(reason: Json | undefined): { readonly reason?: string } {
  return typeof reason === 'string' && reason.trim() !== ''
    ? { reason: messageOf(reason.trim(), WARD_REASON_CHARS) }
    : {};
}

function noVerdict(ward: WardProgram, expected: string): RvbbitError {
  const message = `${ward.label}: it gave no verdict; it must give ${expected}`;
  return new RvbbitError('RVB_ANSWER_INVALID', message, { stage: 'execute' });
}
