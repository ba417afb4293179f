/** Describes the arguments that an operator takes, and checks those of a call. */
import { type ColumnType, readColumnType } from '../values/column-type.ts';
import { callNames, requiredArgs } from './function-file.ts';
import type { Operator } from './operator.ts';
import { SEED_FUNCTIONS } from './seed-call.ts';

/** The operator's spellings as texts: `text MEANS criterion`, `CONDENSE(text[, focus])`. */
export function spellingsOf(operator: Operator): readonly string[] {
  const infix = operator.patterns.map(
    ({ left, words, right }) => `${left} ${words.join(' ')} ${right}`,
  );
  const names = operator.args.map(({ name }) => name);
  const calls = callNames(operator).map((name) => `${name}(${argumentList(operator, names)})`);
  return [...infix, ...calls];
}

/** The operator's signature: `MEANS(text VARCHAR, criterion VARCHAR) → BOOLEAN; text MEANS criterion`. */
export function signatureOf(operator: Operator): string {
  if (operator.seed !== undefined) return SEED_FUNCTIONS[operator.seed];
  const typed = operator.args.map(({ name, type }) => `${name} ${type}`);
  const head = `${operator.name}(${argumentList(operator, typed)}) → ${operator.returns}`;
  return [head, ...spellingsOf(operator)].join('; ');
}

/** The arguments with the optional ones in brackets, as in manuals. */
function argumentList(operator: Operator, parts: readonly string[]): string {
  const required = requiredArgs(operator);
  const optional = parts.slice(required);
  const last = optional.reduceRight((inner, part) => `[, ${part}${inner}]`, '');
  return `${parts.slice(0, required).join(', ')}${last}`;
}

/** What is wrong with a call of `given` arguments; undefined if nothing is. */
export function checkArity(operator: Operator, given: number): string | undefined {
  const { name, args } = operator;
  const required = requiredArgs(operator);
  if (given >= required && given <= args.length) return undefined;
  const isOne = args.length === 1;
  const count = required === args.length ? required : `${required} to ${args.length}`;
  return `${name} takes ${count} argument${isOne ? '' : 's'} and got ${given}: ${signatureOf(operator)}`;
}

/**
 * What is wrong with a call whose arguments have these types, as DuckDB names them; undefined if nothing is.
 *
 * An argument of type text is checked as strictly as in DuckDB, which takes it only from VARCHAR, JSON and ENUM: a
 * number passed as a text is refused, not asked about. A number may have any type that fits without loss; a
 * floating-point argument takes any number. NULL and parameters of unknown type fit everywhere. A literal has DuckDB's
 * type STRING_LITERAL or INTEGER_LITERAL, or the type it gets; a text literal fits a date, time, UUID or JSON.
 */
export function checkCall(operator: Operator, argTypes: readonly string[]): string | undefined {
  const { name, args } = operator;
  const wrongCount = checkArity(operator, argTypes.length);
  if (wrongCount !== undefined) return wrongCount;
  for (const [i, given] of argTypes.entries()) {
    const arg = args[i]!;
    if (fits(arg.type, given)) continue;
    const advice = ADVICE[arg.type] ?? '';
    return `the argument ${arg.name} of ${name} is ${arg.type}, and got ${given}${advice}: ${signatureOf(operator)}`;
  }
  return undefined;
}

const ADVICE: Readonly<Record<string, string>> = {
  VARCHAR: '; cast it: (…)::VARCHAR',
  JSON: '; make it JSON: to_json(…)',
};

/** For each integer type: the smaller types that fit in it. */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  SMALLINT: ['TINYINT', 'UTINYINT'],
  INTEGER: ['TINYINT', 'SMALLINT', 'UTINYINT', 'USMALLINT'],
  BIGINT: ['TINYINT', 'SMALLINT', 'INTEGER', 'UTINYINT', 'USMALLINT', 'UINTEGER'],
  USMALLINT: ['UTINYINT'],
  UINTEGER: ['UTINYINT', 'USMALLINT'],
  UBIGINT: ['UTINYINT', 'USMALLINT', 'UINTEGER'],
};

/** Types whose values are written as a text literal. */
const WRITTEN_AS_TEXT: ReadonlySet<ColumnType['family']> = new Set([
  'date',
  'time',
  'timestamp',
  'uuid',
  'json',
]);

const NUMBERS: ReadonlySet<ColumnType['family']> = new Set(['integer', 'decimal', 'float']);

function fits(wanted: string, given: string): boolean {
  const name = given.trim().toUpperCase();
  if (/^(?:"?NULL"?|SQLNULL|UNKNOWN)(?:\[\])*$/.test(name)) return true;
  const want = readColumnType(wanted);
  const isText = name === 'STRING_LITERAL' || /^ENUM\b/.test(name);
  // An integer literal fits a number type if its digits do, which DuckDB checks.
  const isFigure = name === 'INTEGER_LITERAL';
  const got = readColumnType(isText ? 'VARCHAR' : isFigure ? (want?.name ?? '') : name);
  if (isFigure && want !== undefined && !NUMBERS.has(want.family)) return false;
  if (want === undefined || got === undefined) return false;
  if (want.element !== undefined) {
    return got.element !== undefined && fits(want.element.name, got.element.name);
  }
  if (want.name === got.name) return true;
  if (name === 'STRING_LITERAL' && WRITTEN_AS_TEXT.has(want.family)) return true;
  switch (want.family) {
    case 'text':
      return got.family === 'json';
    case 'json':
      return got.family === 'text';
    case 'float':
      return NUMBERS.has(got.family);
    case 'integer':
      if (got.family !== 'integer') return false;
      return /HUGEINT/.test(want.name)
        ? want.name === 'HUGEINT'
          ? got.name !== 'UHUGEINT'
          : got.name.startsWith('U')
        : (WIDER[want.name]?.includes(got.name) ?? false);
    case 'decimal':
      if (got.family === 'integer') return true;
      return (
        got.family === 'decimal' &&
        got.scale! <= want.scale! &&
        got.width! - got.scale! <= want.width! - want.scale!
      );
    case 'timestamp':
      return got.family === 'timestamp' || got.family === 'date';
    default:
      return false;
  }
}
