import type { Option } from './ast.ts';
import { parseDurationMs } from './duration.ts';

/** The kinds of value that an option or annotation may accept. */
export type OptionValueKind = 'string' | 'integer' | 'number' | 'boolean' | 'duration';

/** The values that an option or annotation accepts. */
export interface ValueSpec {
  /** The accepted kinds. */
  readonly kinds: readonly OptionValueKind[];
  /** The accepted strings in lower case; undefined if every string that is not blank is accepted. */
  readonly values?: readonly string[];
  /** A string that begins with this prefix is accepted too. */
  readonly prefix?: string;
  /** The strings that RUN accepts, if they differ from `values`. */
  readonly runValues?: readonly string[];
  readonly min?: number;
  readonly max?: number;
}

/** An accepted value. An enumerated word and a prefix are in lower case; other text is as written. */
export type SettingValue = string | number | boolean;

/** Returns what MAP or RUN accepts for an option or annotation; `spec` itself if the verb is not known. */
export function specFor(spec: ValueSpec, verb: 'map' | 'run' | undefined): ValueSpec {
  if (verb !== 'run' || spec.runValues === undefined) return spec;
  return { kinds: spec.kinds, values: spec.runValues };
}

/** Returns the value of a literal; undefined if `spec` does not accept it. */
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

/** Returns the value of a text without quotes; undefined if `spec` does not accept it. Its form decides its kind. */
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
