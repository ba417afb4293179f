/** Binds the values of a client to the parameters of a prepared statement. */
import type { ResultColumn, StatementDescription } from '../../result.ts';
import { parameterCount } from '../../statement/parameter-places.ts';
import type { Client, Prepared } from './client.ts';
import { TypedNull, type Values } from './command.ts';
import type { FormatCode } from './protocol/read-messages.ts';
import { refusal } from './protocol-error.ts';
import { decodeParameter } from './types/decode.ts';
import { readDuckType } from './types/duck-type.ts';
import { textOf } from './types/encode.ts';
import {
  duckTypeOfOid,
  isText,
  type PgType,
  pgType,
  pgTypeOf,
  pgTypeOfOid,
} from './types/pg-types.ts';

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
      : command.describe(signal, duckTypesOf(prepared));
  descriptions.set(prepared, asked);
  // A statement that failed may succeed later, once its table is there.
  asked.catch(() => descriptions.delete(prepared));
  return asked;
}

/** Returns the columns of a prepared statement with these values. */
export async function columnsWith(
  prepared: Prepared,
  values: Values | undefined,
  signal: AbortSignal,
): Promise<readonly ResultColumn[]> {
  const { columns, needsValues } = await describePrepared(prepared, signal);
  if (needsValues !== true) return columns;
  const described = await prepared.command?.describe(signal, duckTypesOf(prepared), values);
  return knownColumns(described ?? { parameters: [], columns });
}

/** Returns the columns of a description. Throws 42P18 if only values decide about them. */
export function knownColumns({
  columns,
  needsValues,
}: StatementDescription): readonly ResultColumn[] {
  if (needsValues !== true) return columns;
  throw refusal(
    '42P18',
    'the columns of this statement depend on the values of its parameters: bind them before you ask for a description, or write them into the text',
  );
}

/** Returns the columns of which the client was told; undefined if it was told of none. */
export function promisedBy(
  prepared: Prepared,
): Promise<readonly ResultColumn[] | undefined> | undefined {
  return descriptions
    .get(prepared)
    ?.then(({ columns, needsValues }) => (needsValues === true ? undefined : columns));
}

function duckTypesOf({ types }: Prepared): readonly (string | undefined)[] {
  return types.map((oid) => (isOpen(oid) ? undefined : (duckTypeOfOid(oid) ?? 'VARCHAR')));
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

/** Returns the values of the parameters, each with its type; undefined if there are none. */
export async function bindValues(
  prepared: Prepared,
  {
    values,
    formats,
  }: { readonly values: readonly (Buffer | null)[]; readonly formats: readonly FormatCode[] },
  client: Client,
  signal: AbortSignal,
): Promise<Values | undefined> {
  if (formats.length > 1 && formats.length !== values.length) {
    throw refusal(
      '08P01',
      `the Bind message has ${values.length} values and ${formats.length} formats`,
    );
  }
  const isDeclared = values.every((_, index) => !isOpen(prepared.types[index] ?? 0));
  // With every type declared, the values say all that the description would.
  const known = isDeclared ? [] : (await describePrepared(prepared, signal)).parameters;
  const count = Math.max(prepared.types.length, known.length, parameterCount(prepared.text));
  if (count !== values.length) throw countError(values.length, count);
  if (count === 0) return undefined;
  const zoneOffset = (milliseconds: number) => client.zone.offsetAt(milliseconds);
  const bound: Record<string, unknown> = {};
  for (const [index, bytes] of values.entries()) {
    const declared = prepared.types[index] ?? 0;
    const type = isOpen(declared) ? typeOfParameter(known[index]) : pgTypeOfOid(declared);
    if (bytes === null) {
      bound[index + 1] = type === undefined || isText(type) ? null : nullOf(type);
      continue;
    }
    const format = formats.length === 1 ? formats[0]! : (formats[index] ?? 0);
    const value = decodeParameter(bytes, format, type, zoneOffset);
    const isRead = typeof value !== 'string' || type === undefined || isText(type);
    bound[index + 1] = isRead ? value : await converted(value, type, client, zoneOffset);
  }
  return bound;
}

function nullOf({ oid }: PgType): TypedNull | null {
  const type = duckTypeOfOid(oid);
  return type === undefined ? null : new TypedNull(type);
}

/** Has DuckDB convert a text that is not in the form that this server reads, such as a date in words. */
async function converted(
  text: string,
  type: PgType,
  client: Client,
  zoneOffset: (milliseconds: number) => number,
): Promise<unknown> {
  const duckType = duckTypeOfOid(type.oid) ?? 'VARCHAR';
  const session = await client.session();
  const { rows } = await session.query<{ v: unknown }>(
    `SELECT CAST($1 AS ${duckType}) AS v`,
    [text],
    {
      valueForm: 'json',
      origin: client.origin,
    },
  );
  const shown = textOf(readDuckType(duckType), client.zone)(rows[0]!.v);
  return decodeParameter(Buffer.from(shown), 0, type, zoneOffset);
}

/** Binds values that are given as texts. */
export function bindTexts(
  prepared: Prepared,
  texts: readonly (string | null)[],
  client: Client,
  signal: AbortSignal,
): Promise<Values | undefined> {
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
