/** Makes an instance of a JSON Schema. A seed determines which one. */
import { isRecord, type JsonRecord } from './json.ts';
import { SCHEMA_MAX_CHARS, SCHEMA_MAX_DEPTH, SCHEMA_MAX_VALUES } from './limits.ts';
import { createRandom, type Random } from './random.ts';

const WORDS = ['amber', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'heron', 'iris'];
const NOT_IN_ENUM = 'not one of the allowed values';

/** The state while an instance is made. */
interface Maker {
  readonly root: JsonRecord;
  readonly random: Random;
  /** True: put a value that is not allowed in place of each enum. */
  readonly wrongEnum: boolean;
  /** The number of values made so far. */
  count: number;
}

/**
 * Makes an instance of the schema, the same for the same seed. It obeys type, enum, const, properties, items, anyOf,
 * oneOf, allOf, local $ref, bounds of numbers, lengths and counts, and the formats date, date-time, time, email, uri and
 * uuid. It ignores `pattern`, `not`, `if` and the like.
 */
export function schemaInstance(schema: JsonRecord, seed: number, wrongEnum = false): unknown {
  return make(schema, { root: schema, random: createRandom(seed), wrongEnum, count: 0 }, 0);
}

function make(schema: unknown, maker: Maker, depth: number): unknown {
  maker.count += 1;
  if (!isRecord(schema) || depth > SCHEMA_MAX_DEPTH || maker.count > SCHEMA_MAX_VALUES) return null;
  const reference = schema['$ref'];
  if (typeof reference === 'string') return make(resolve(maker.root, reference), maker, depth + 1);
  if ('const' in schema) return schema['const'];
  const choices = schema['enum'];
  if (Array.isArray(choices)) return maker.wrongEnum ? NOT_IN_ENUM : pick(choices, maker.random);
  const branches = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(branches)) return make(pick(branches, maker.random), maker, depth + 1);
  const all = schema['allOf'];
  if (Array.isArray(all)) {
    const { allOf: _, ...rest } = schema;
    const parts = [...all, rest].map((part) => deref(maker.root, part));
    return make(parts.reduce(merge, {}), maker, depth + 1);
  }
  return makeTyped(schema, typeOf(schema, maker.random), maker, depth);
}

function makeTyped(schema: JsonRecord, type: string, maker: Maker, depth: number): unknown {
  const { random } = maker;
  switch (type) {
    case 'object': {
      const properties = isRecord(schema['properties']) ? schema['properties'] : {};
      return Object.fromEntries(
        Object.entries(properties).map(([name, part]) => [name, make(part, maker, depth + 1)]),
      );
    }
    case 'array': {
      const least = numberOr(schema['minItems'], Math.min(1, numberOr(schema['maxItems'], 1)));
      const most = Math.max(least, Math.min(least + 2, numberOr(schema['maxItems'], least + 2)));
      const length = least + Math.floor(random() * (most - least + 1));
      const bounded = Math.min(length, SCHEMA_MAX_VALUES);
      return Array.from({ length: bounded }, () => make(schema['items'] ?? {}, maker, depth + 1));
    }
    case 'integer':
      return makeInteger(schema, random);
    case 'number': {
      const [low, high] = bounds(schema, 0);
      return Math.round((low + random() * (high - low)) * 1000) / 1000;
    }
    case 'boolean':
      return random() < 0.5;
    case 'null':
      return null;
    default:
      return makeText(schema, random);
  }
}

function typeOf(schema: JsonRecord, random: Random): string {
  const type = schema['type'];
  if (Array.isArray(type)) return String(pick(type, random));
  if (typeof type === 'string') return type;
  if (isRecord(schema['properties'])) return 'object';
  return 'items' in schema ? 'array' : 'string';
}

function makeInteger(schema: JsonRecord, random: Random): number {
  const step = numberOr(schema['multipleOf'], 1);
  const [low, high] = bounds(schema, 1);
  const first = Math.ceil(low / step);
  const last = Math.max(first, Math.floor(high / step));
  return (first + Math.floor(random() * (last - first + 1))) * step;
}

/** Returns inclusive bounds. An exclusive bound is moved by `step`. */
function bounds(schema: JsonRecord, step: number): readonly [number, number] {
  const low = schema['minimum'] ?? shifted(schema['exclusiveMinimum'], step);
  const high = schema['maximum'] ?? shifted(schema['exclusiveMaximum'], -step);
  const least = numberOr(low, Math.min(0, numberOr(high, 0) - 100));
  return [least, Math.max(least, numberOr(high, least + 100))];
}

function shifted(value: unknown, step: number): number | undefined {
  return typeof value === 'number' ? value + step : undefined;
}

function makeText(schema: JsonRecord, random: Random): string {
  const digits = (count: number) =>
    Array.from({ length: count }, () => Math.floor(random() * 16).toString(16)).join('');
  const day = new Date(Date.UTC(2000, 0, 1 + Math.floor(random() * 9_000))).toISOString();
  switch (schema['format']) {
    case 'date':
      return day.slice(0, 10);
    case 'date-time':
      return day;
    case 'time':
      return '12:00:00Z';
    case 'email':
      return `${pick(WORDS, random)}@example.com`;
    case 'uri':
      return `https://example.com/${pick(WORDS, random)}`;
    case 'uuid':
      return `${digits(8)}-${digits(4)}-4${digits(3)}-8${digits(3)}-${digits(12)}`;
    default: {
      const word = `${pick(WORDS, random)} ${digits(4)}`;
      const least = Math.min(numberOr(schema['minLength'], 0), SCHEMA_MAX_CHARS);
      const padded = word.padEnd(least, '.');
      return padded.slice(0, numberOr(schema['maxLength'], padded.length));
    }
  }
}

function deref(root: JsonRecord, part: unknown): unknown {
  const reference = isRecord(part) ? part['$ref'] : undefined;
  return typeof reference === 'string' ? resolve(root, reference) : part;
}

function resolve(root: JsonRecord, reference: string): unknown {
  if (!reference.startsWith('#')) return {};
  const names = reference.slice(1).split('/').slice(1);
  return names.reduce<unknown>((value, name) => {
    const key = name.replaceAll('~1', '/').replaceAll('~0', '~');
    return isRecord(value) ? value[key] : undefined;
  }, root);
}

function merge(left: JsonRecord, right: unknown): JsonRecord {
  if (!isRecord(right)) return left;
  const properties = {
    ...(isRecord(left['properties']) ? left['properties'] : {}),
    ...(isRecord(right['properties']) ? right['properties'] : {}),
  };
  const merged = { ...left, ...right };
  return Object.keys(properties).length > 0 ? { ...merged, properties } : merged;
}

function pick<T>(choices: readonly T[], random: Random): T | undefined {
  return choices[Math.floor(random() * choices.length)];
}

function numberOr(value: unknown, fallback: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : fallback;
}
