/** Binds the values of a client to the parameters of a prepared statement. */
import type { ResultColumn, StatementDescription } from '../../result.ts';
import { parameterCount } from '../../statement/parameter-places.ts';
import type { Client, Prepared } from './client.ts';
import type { FormatCode } from './protocol/read-messages.ts';
import { refusal } from './protocol-error.ts';
import { decodeParameter } from './types/decode.ts';
import { duckTypeOfOid, type PgType, pgType, pgTypeOf, pgTypeOfOid } from './types/pg-types.ts';

/** The OID by which a client leaves the type to the server. */
const UNKNOWN_OID = 705;

/** The descriptions of prepared statements, each of which is asked for once. */
const descriptions = new WeakMap<Prepared, Promise<StatementDescription>>();

/** Returns the parameters and columns of a prepared statement. */
export function describePrepared(
  prepared: Prepared,
  signal: AbortSignal,
): Promise<StatementDescription> {
  const known = descriptions.get(prepared);
  if (known !== undefined) return known;
  const { command } = prepared;
  const asked =
    command === undefined
      ? Promise.resolve({ parameters: [], columns: [] })
      : command.describe(signal, prepared.types.map(duckTypeOfOid));
  descriptions.set(prepared, asked);
  // A statement that failed may succeed later, once its table is there.
  asked.catch(() => descriptions.delete(prepared));
  return asked;
}

/** Returns the columns of a prepared statement that was described; undefined if it was not. */
export function promisedBy(prepared: Prepared): Promise<readonly ResultColumn[]> | undefined {
  return descriptions.get(prepared)?.then(({ columns }) => columns);
}

/** Returns the OIDs of a statement's parameters: as declared, else as DuckDB sees them, else text. */
export function parameterOids(
  { types }: Prepared,
  { parameters }: StatementDescription,
): readonly number[] {
  const count = Math.max(types.length, parameters.length);
  return Array.from({ length: count }, (_, index) => {
    const declared = types[index] ?? 0;
    return isOpen(declared) ? typeOfParameter(parameters[index]).oid : declared;
  });
}

/** Returns the parameters in order; undefined if there are none. */
export async function bindValues(
  prepared: Prepared,
  {
    values,
    formats,
  }: { readonly values: readonly (Buffer | null)[]; readonly formats: readonly FormatCode[] },
  client: Client,
  signal: AbortSignal,
): Promise<readonly unknown[] | undefined> {
  if (formats.length > 1 && formats.length !== values.length) {
    throw refusal(
      '08P01',
      `the Bind message has ${values.length} values and ${formats.length} formats`,
    );
  }
  if (values.length === 0) {
    const wanted = Math.max(prepared.types.length, parameterCount(prepared.text));
    if (wanted > 0) throw countError(0, wanted);
    return undefined;
  }
  const isDeclared = values.every((_, index) => !isOpen(prepared.types[index] ?? 0));
  // With every type declared, the values say all that the description would.
  const known = isDeclared ? undefined : await describePrepared(prepared, signal);
  const count = Math.max(prepared.types.length, known?.parameters.length ?? 0);
  if (count !== values.length) throw countError(values.length, count);
  const zoneOffset = (milliseconds: number) => client.zone.offsetAt(milliseconds);
  return values.map((bytes, index) => {
    const declared = prepared.types[index] ?? 0;
    const type = isOpen(declared)
      ? typeOfParameter(known?.parameters[index])
      : pgTypeOfOid(declared);
    const format = formats.length === 1 ? formats[0]! : (formats[index] ?? 0);
    return decodeParameter(bytes, format, type, zoneOffset);
  });
}

/** Binds values that are given as texts. */
export function bindTexts(
  prepared: Prepared,
  texts: readonly (string | null)[],
  client: Client,
  signal: AbortSignal,
): Promise<readonly unknown[] | undefined> {
  const values = texts.map((text) => (text === null ? null : Buffer.from(text)));
  return bindValues(prepared, { values, formats: [] }, client, signal);
}

function isOpen(oid: number): boolean {
  return oid === 0 || oid === UNKNOWN_OID;
}

function typeOfParameter(duckType: string | undefined): PgType {
  return duckType === undefined ? pgType('text') : pgTypeOf(duckType);
}

function countError(given: number, wanted: number): Error {
  return refusal('08P01', `the statement has ${wanted} parameters but ${given} values were given`);
}
