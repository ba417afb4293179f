/** Finds the types of a statement's parameters, and the columns that its rows have with values of these types. */
import type { Signature } from '../duck/signature.ts';
import type { ResultColumn } from '../result.ts';
import { parameterCount, withParameters } from './parameter-places.ts';

/** The types of `$1`, `$2`, …; undefined for a type that is not known. */
export type ParameterTypes = readonly (string | undefined)[];

/** The parameters of a statement, and its columns. */
export interface Inferred {
  readonly parameters: ParameterTypes;
  /** Undefined if only values decide about them, as for `read_csv($1)`. */
  readonly columns: readonly ResultColumn[] | undefined;
  /** A text with these columns, which DuckDB binds without values. */
  readonly text: string;
}

/** A parameter that nobody gives a type is a text, as in Postgres. */
const TEXT = 'VARCHAR';
/** The type of a numeric of which only a value tells the digits. */
const NUMERIC = 'DECIMAL(38,9)';

/**
 * The types that an open parameter may have if the statement takes no text there: families in the order in which they
 * are tried, each from its widest type to its narrowest.
 */
const FAMILIES: readonly (readonly string[])[] = [
  [TEXT],
  [NUMERIC, 'BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT'],
  ['DOUBLE'],
  ['TIMESTAMP WITH TIME ZONE'],
  ['DATE'],
  ['TIME'],
  ['INTERVAL'],
  ['BLOB'],
  ['BOOLEAN'],
  ['VARCHAR[]'],
  ['DECIMAL(38,9)[]'],
  ['DOUBLE[]'],
  ['TIMESTAMP WITH TIME ZONE[]'],
  ['UUID[]'],
];

/**
 * Values as texts, for functions that DuckDB binds with constants alone, such as `range`. The value of a text is the name
 * of no file.
 */
const SAMPLES: Readonly<Record<string, string>> = {
  VARCHAR: 'no such file',
  BLOB: '',
  JSON: 'null',
  BOOLEAN: 'false',
  DATE: '2000-01-01',
  TIME: '00:00:00',
  'TIME WITH TIME ZONE': '00:00:00+00',
  TIMESTAMP: '2000-01-01',
  'TIMESTAMP WITH TIME ZONE': '2000-01-01',
  INTERVAL: '0 days',
  UUID: '00000000-0000-0000-0000-000000000000',
};

type Prepare = (text: string) => Promise<Signature>;

/** Infers them. `declared` are the types that the caller knows. Throws what DuckDB says about a text that does not bind. */
export async function inferParameters(
  source: string,
  declared: ParameterTypes,
  prepare: Prepare,
): Promise<Inferred> {
  const count = Math.max(parameterCount(source), declared.length);
  const plain = withParameters(source, () => ({}));
  const raw = await prepare(plain.text).catch((thrown: unknown) => {
    throw plain.placedBack(thrown);
  });
  const types = Array.from({ length: count }, (_, index) => declared[index]);
  const own: (string | undefined)[] = types.map(() => undefined);
  for (const [index, number] of plain.numbers.entries()) {
    own[number - 1] = raw.parameters.get(String(index + 1));
  }
  const isOpen = (number: number) => (types[number - 1] ?? own[number - 1]) === undefined;
  // As long as one parameter has no type, DuckDB tells none.
  const several = plain.numbers.filter(isOpen);
  for (const number of several.length > 1 ? several : []) {
    own[number - 1] = await typeAlone(source, number, prepare);
  }
  const open = plain.numbers.filter(isOpen).map((number) => number - 1);
  const bound = (wanted: ParameterTypes) => bindTypes(source, wanted, own, prepare);
  const isAsSaid = types.every((type, index) => type === undefined || type === own[index]);
  const columns = columnsIn(raw);
  if (isAsSaid && columns !== undefined) return { parameters: own, columns, text: source };
  for (const index of open) types[index] = TEXT;
  let found = await bound(types);
  if (!('columns' in found) && open.length > 0) {
    for (const index of open) types[index] = undefined;
    for (const index of open) types[index] = (await chosen(index, types, bound)) ?? TEXT;
    found = await bound(types);
  }
  const parameters = types.map((type, index) => type ?? own[index]);
  if ('columns' in found) return { parameters, ...found };
  // Without the types of the caller, the statement bound.
  if (open.length === 0 && !isAsSaid) throw found.refusal;
  return { parameters, columns: undefined, text: source };
}

/** Returns the type that DuckDB gives a parameter if the others are NULL. */
async function typeAlone(
  source: string,
  number: number,
  prepare: Prepare,
): Promise<string | undefined> {
  for (const constant of ['NULL', `CAST(NULL AS ${TEXT})`]) {
    const { text } = withParameters(source, (other) => (other === number ? {} : { constant }));
    const type = await prepare(text)
      .then(({ parameters }) => parameters.get('1'))
      .catch(() => undefined);
    if (type !== undefined) return type;
  }
  return undefined;
}

type Bound =
  | { readonly columns: readonly ResultColumn[]; readonly text: string }
  | { readonly refusal: unknown };

/** Binds the text with parameters of these types; if DuckDB then still lacks the columns, with values of the types. */
async function bindTypes(
  source: string,
  types: ParameterTypes,
  own: ParameterTypes,
  prepare: Prepare,
): Promise<Bound> {
  const cast = withParameters(source, (number) => {
    const type = types[number - 1];
    return type === undefined && own[number - 1] === undefined ? { constant: 'NULL' } : { type };
  });
  let refusal: unknown;
  const isLoose = types.some((type) => type?.startsWith('DECIMAL'));
  try {
    const columns = columnsIn(await prepare(cast.text));
    if (columns !== undefined)
      return { columns: isLoose ? columns.map(withoutDigits) : columns, text: cast.text };
  } catch (thrown) {
    refusal = cast.placedBack(thrown);
  }
  const sampled = withParameters(source, (number) => {
    const type = types[number - 1] ?? own[number - 1];
    return { constant: type === undefined ? 'NULL' : `CAST('${sampleOf(type)}' AS ${type})` };
  });
  try {
    const columns = columnsIn(await prepare(sampled.text));
    if (columns !== undefined) return { columns: columns.map(withoutDigits), text: sampled.text };
  } catch (thrown) {
    refusal ??= sampled.placedBack(thrown);
  }
  return { refusal };
}

/**
 * Returns the type of an open parameter: of the first family that the statement takes. Of that, it is the widest type
 * that makes the result no wider: next to an INTEGER a parameter is an INTEGER, as in Postgres. If each type makes another
 * result, nothing stands beside the parameter, and it has the widest type.
 */
async function chosen(
  index: number,
  types: ParameterTypes,
  bound: (types: ParameterTypes) => Promise<Bound>,
): Promise<string | undefined> {
  for (const family of FAMILIES) {
    const fits: { readonly type: string; readonly kinds: string }[] = [];
    for (const type of family) {
      const found = await bound(types.with(index, type));
      if (!('columns' in found)) continue;
      fits.push({ type, kinds: found.columns.map((column) => withoutDigits(column).type).join() });
    }
    const narrow = fits.at(-1);
    const isAlone = narrow?.kinds !== fits.at(-2)?.kinds;
    const fit = isAlone ? fits[0] : fits.find(({ kinds }) => kinds === narrow?.kinds);
    if (fit !== undefined) return fit.type;
  }
  return undefined;
}

/** Returns the columns of a signature; undefined while DuckDB does not know the type of one of them. */
function columnsIn({ columns }: Signature): readonly ResultColumn[] | undefined {
  const known = columns.flatMap(({ name, type }) => (type === undefined ? [] : [{ name, type }]));
  return known.length === columns.length ? known : undefined;
}

function sampleOf(type: string): string {
  return type.endsWith(']') ? '[]' : (SAMPLES[type] ?? '0');
}

/** The digits of a DECIMAL that comes from a parameter are those of its value. */
function withoutDigits({ name, type }: ResultColumn): ResultColumn {
  return { name, type: type.replace(/\bDECIMAL\(\d+,\d+\)/g, 'DECIMAL') };
}
