/** Reads `--param k=v`, and binds each value to the statements that name it. */
import { createLexeme, Kind, scan } from '../../grammar/scan.ts';
import { nearestSpelling } from '../../grammar/spelling.ts';
import { CliError } from './exit-codes.ts';

/** Parameter values by name. The name `1` means `$1` or the first `?`. */
export type ParamValues = ReadonlyMap<string, unknown>;

/** Returns the value of JSON text, or the text itself if it is not JSON. Whole numbers past 2^53 stay exact. */
function paramValue(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'number' && /^-?\d+$/.test(text) && !Number.isSafeInteger(value)
      ? BigInt(text)
      : value;
  } catch {
    return text;
  }
}

/** Reads the `k=v` arguments. Throws a usage error for one that is malformed or given twice. */
export function readParams(args: readonly string[]): ParamValues {
  const values = new Map<string, unknown>();
  for (const arg of args) {
    const [, name, text] = /^\$?([\p{L}\p{N}_]+)=(.*)$/su.exec(arg) ?? [];
    if (name === undefined || text === undefined) {
      throw new CliError('usage', `--param takes name=value, not '${arg}'`);
    }
    if (values.has(name)) throw new CliError('usage', `--param ${name} is given twice`);
    values.set(name, paramValue(text));
  }
  return values;
}

/** Returns the parameters that a statement names, outside strings and comments. A `?` counts as the next number. */
export function parametersIn(sql: string): ReadonlySet<string> {
  const names = new Set<string>();
  const lexeme = createLexeme();
  let questionMarks = 0;
  let dollarEnd = -1;
  for (scan(sql, 0, sql.length, lexeme); lexeme.kind !== Kind.End; ) {
    const { kind, start, end } = lexeme;
    if (dollarEnd === start && (kind === Kind.Word || kind === Kind.Number)) {
      names.add(sql.slice(start, end));
    }
    dollarEnd = kind === Kind.Operator && sql.slice(start, end) === '$' ? end : -1;
    if (kind === Kind.Operator && sql[start] === '?') names.add(String(++questionMarks));
    if (kind === Kind.Operator && /^\$\d+$/.test(sql.slice(start, end))) {
      names.add(sql.slice(start + 1, end));
    }
    scan(sql, end, sql.length, lexeme);
  }
  return names;
}

/** Returns the values to bind to a statement: an array for `$1 … $n`, else an object; undefined if it needs none. */
export function bindParams(
  sql: string,
  values: ParamValues,
): readonly unknown[] | Record<string, unknown> | undefined {
  if (values.size === 0) return undefined;
  const named = [...parametersIn(sql)].filter((name) => values.has(name));
  if (named.length === 0) return undefined;
  const numbers = named.map(Number).sort((a, b) => a - b);
  return numbers.every((number, index) => number === index + 1)
    ? numbers.map((number) => values.get(String(number)))
    : Object.fromEntries(named.map((name) => [name, values.get(name)]));
}

/** Throws a usage error for a parameter that no statement names. */
export function checkParamsUsed(statements: readonly string[], values: ParamValues): void {
  if (values.size === 0) return;
  const used = new Set(statements.flatMap((sql) => [...parametersIn(sql)]));
  for (const name of values.keys()) {
    if (used.has(name)) continue;
    const near = nearestSpelling(name, used);
    throw new CliError(
      'usage',
      `--param ${name}: no statement has $${name}`,
      near === undefined ? undefined : `did you mean ${near}?`,
    );
  }
}
