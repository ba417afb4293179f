/** What an operator takes, and whether a call gives that. */
import { type ColumnType, readColumnType } from '../values/column-type.ts';
import { callNames, requiredArgs } from './function-file.ts';
import type { Operator } from './operator.ts';
import { SEED_FUNCTIONS } from './seed-call.ts';

/** The text of an operator's spellings: `text MEANS criterion`, `CONDENSE(text[, focus])`. */
export function spellingsOf(operator: Operator): readonly string[] {
  const infix = operator.patterns.map(
    ({ left, words, right }) => `${left} ${words.join(' ')} ${right}`,
  );
  const names = operator.args.map(({ name }) => name);
  const calls = callNames(operator).map((name) => `${name}(${argumentList(operator, names)})`);
  return [...infix, ...calls];
}

/** `MEANS(text VARCHAR, criterion VARCHAR) → BOOLEAN; text MEANS criterion`. */
export function signatureOf(operator: Operator): string {
  if (operator.seed !== undefined) return SEED_FUNCTIONS[operator.seed];
  const typed = operator.args.map(({ name, type }) => `${name} ${type}`);
  const head = `${operator.name}(${argumentList(operator, typed)}) → ${operator.returns}`;
  return [head, ...spellingsOf(operator)].join('; ');
}

/** Optional ones in brackets, as manuals write them. */
function argumentList(operator: Operator, parts: readonly string[]): string {
  const required = requiredArgs(operator);
  const optional = parts.slice(required);
  const last = optional.reduceRight((inner, part) => `[, ${part}${inner}]`, '');
  return `${parts.slice(0, required).join(', ')}${last}`;
}

/** What is wrong with a call of so many arguments; undefined where nothing is. */
export function checkArity(operator: Operator, given: number): string | undefined {
  const { name, args } = operator;
  const required = requiredArgs(operator);
  if (given >= required && given <= args.length) return undefined;
  const isOne = args.length === 1;
  const count = required === args.length ? required : `${required} to ${args.length}`;
  return `${name} takes ${count} argument${isOne ? '' : 's'} and got ${given}: ${signatureOf(operator)}`;
}

/**
 * What is wrong with a call whose arguments have these types, as DuckDB names them; undefined where nothing is.
 *
 * Of a text as strict as DuckDB, which takes it from VARCHAR, JSON and ENUM alone, so that a number passed for
 * a text is told and not asked about. A number may be any that fits the type without loss, and for a DOUBLE any
 * at all. NULL and parameters of unknown type fit everywhere; a literal is what DuckDB calls STRING_LITERAL or
 * INTEGER_LITERAL, or the type it gets; where a date, time, UUID or JSON is written it is a text.
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

/** Integer types in which those named fit. */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  SMALLINT: ['TINYINT', 'UTINYINT'],
  INTEGER: ['TINYINT', 'SMALLINT', 'UTINYINT', 'USMALLINT'],
  BIGINT: ['TINYINT', 'SMALLINT', 'INTEGER', 'UTINYINT', 'USMALLINT', 'UINTEGER'],
  USMALLINT: ['UTINYINT'],
  UINTEGER: ['UTINYINT', 'USMALLINT'],
  UBIGINT: ['UTINYINT', 'USMALLINT', 'UINTEGER'],
};

/** What is written as a text literal. */
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
  // The integer of a literal fits wherever its figures do, which DuckDB sees to.
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
