/** Prints structs, maps, unions and lists of them as JSON. Numbers keep all their digits. */
import type { DuckType } from './duck-type.ts';

const NUMBERS = /^(?:(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?)|DECIMAL|BIGNUM|FLOAT|DOUBLE)$/;

/** Returns the JSON text of a value in the engine's json form. A map is an object, with the text of its keys. */
export function jsonText(type: DuckType, value: unknown): string {
  if (value === null || value === undefined) return 'null';
  switch (type.kind) {
    case 'list':
      return `[${(value as readonly unknown[]).map((item) => jsonText(type.element, item)).join(',')}]`;
    case 'struct': {
      const fields = type.fields.map(
        ({ name, type: of }) =>
          `${JSON.stringify(name)}:${jsonText(of, (value as Record<string, unknown>)[name])}`,
      );
      return `{${fields.join(',')}}`;
    }
    case 'map': {
      const entries = (value as readonly { key: unknown; value: unknown }[]).map(
        (entry) => `${keyText(type.key, entry.key)}:${jsonText(type.value, entry.value)}`,
      );
      return `{${entries.join(',')}}`;
    }
    case 'union': {
      const { tag, value: inner } = value as { tag: string; value: unknown };
      const member = type.fields.find(({ name }) => name === tag);
      return member === undefined ? JSON.stringify(inner) : jsonText(member.type, inner);
    }
    case 'scalar':
      return scalarText(type.name, value);
  }
}

function keyText(type: DuckType, key: unknown): string {
  return JSON.stringify(typeof key === 'string' ? key : jsonText(type, key));
}

function scalarText(name: string, value: unknown): string {
  // A number past 2^53 and a DECIMAL arrive as text. JSON can hold their digits, but not NaN and Infinity.
  if (typeof value === 'string' && NUMBERS.test(name) && /^-?\d/.test(value)) return value;
  if (name === 'JSON' && typeof value === 'string') return value;
  return JSON.stringify(value);
}
