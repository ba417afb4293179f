/** Converts one value to text. Values come in the `json` form: null, boolean, number, string, arrays and objects. */

// JSON allows these characters unescaped, but a terminal may obey them. The escape means the same value.
const C1 = /[\x7f-\x9f]/g;

function escapeC1(character: string): string {
  return `\\u00${character.charCodeAt(0).toString(16)}`;
}

function exact(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** Returns the value as JSON text on one line. */
export function jsonText(value: unknown): string {
  const text: string | undefined =
    typeof value === 'bigint'
      ? `"${value}"`
      : JSON.stringify(value, typeof value === 'object' && value !== null ? exact : undefined);
  return text === undefined ? 'null' : text.replace(C1, escapeC1);
}

/** Returns the value as bare text: a string unchanged, nested values as JSON text. The caller handles null. */
export function plainText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null) return jsonText(value);
  return String(value);
}
