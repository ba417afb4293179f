import type { Option } from './ast.ts';
import { parseDurationMs } from './duration.ts';

/** What a value may be. */
export type OptionValueKind = 'string' | 'integer' | 'number' | 'boolean' | 'duration';

/** What an option or annotation takes. */
export interface ValueSpec {
  /** The kinds that the value may have. */
  readonly kinds: readonly OptionValueKind[];
  /** The strings that may stand, in lower case, if not every one may. */
  readonly values?: readonly string[];
  /** A string with this at its front may stand too. */
  readonly prefix?: string;
  /** The strings that may stand in RUN, if not those above. */
  readonly runValues?: readonly string[];
  readonly min?: number;
  readonly max?: number;
}

/** A value that was taken: an enumerated word and a prefix in lower case, other text as written. */
export type SettingValue = string | number | boolean;

/** What the statement takes, where it is known which it is. */
export function specFor(spec: ValueSpec, verb: 'map' | 'run' | undefined): ValueSpec {
  if (verb !== 'run' || spec.runValues === undefined) return spec;
  return { kinds: spec.kinds, values: spec.runValues };
}

/** The value of a literal; undefined if it is not taken. */
export function literalValue(spec: ValueSpec, literal: Option['value']): SettingValue | undefined {
  switch (literal.kind) {
    case 'BooleanLiteral':
      return spec.kinds.includes('boolean') ? literal.value : undefined;
    case 'NumberLiteral':
      return numberValue(spec, literal.value);
    case 'StringLiteral':
      return stringValue(spec, literal.value);
  }
}

/** The value of a text without quotes, whose kind is what it reads as; undefined if it is not taken. */
export function textValue(spec: ValueSpec, text: string): SettingValue | undefined {
  const { kinds } = spec;
  const isNumber =
    (kinds.includes('integer') && /^[0-9]+$/.test(text)) ||
    (kinds.includes('number') && /^(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$/.test(text));
  if (isNumber) return numberValue(spec, Number(text));
  const word = text.toLowerCase();
  if (kinds.includes('boolean') && (word === 'true' || word === 'false')) return word === 'true';
  return stringValue(spec, text);
}

function numberValue(
  { kinds, min = -Infinity, max = Infinity }: ValueSpec,
  value: number,
): number | undefined {
  const isTaken = kinds.includes('integer')
    ? Number.isSafeInteger(value)
    : kinds.includes('number')
      ? Number.isFinite(value)
      : kinds.includes('duration') && parseDurationMs(value) !== undefined;
  return isTaken && value >= min && value <= max ? value : undefined;
}

function stringValue({ kinds, values, prefix }: ValueSpec, text: string): string | undefined {
  if (kinds.includes('duration') && parseDurationMs(text) !== undefined) return text;
  if (!kinds.includes('string')) return undefined;
  const word = text.toLowerCase();
  if (prefix !== undefined && word.startsWith(prefix)) return prefix + text.slice(prefix.length);
  if (values !== undefined) return values.includes(word) ? word : undefined;
  return text.trim() === '' ? undefined : text;
}
