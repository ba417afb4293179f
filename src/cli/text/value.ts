/** One value as text. Values come in the `json` form: null, boolean, number, string, arrays and objects. */

// Valid JSON holds these as they are, but a terminal may obey them; the escape means the same value.
const C1 = /[\x7f-\x9f]/g;

function escapeC1(character: string): string {
  return `\\u00${character.charCodeAt(0).toString(16)}`;
}

function exact(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** The value as JSON text on one line. */
export function jsonText(value: unknown): string {
  const text: string | undefined =
    typeof value === 'bigint'
      ? `"${value}"`
      : JSON.stringify(value, typeof value === 'object' && value !== null ? exact : undefined);
  return text === undefined ? 'null' : text.replace(C1, escapeC1);
}

/** The value as bare text: a string is itself, nested values are JSON text. Null is for the caller. */
export function plainText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null) return jsonText(value);
  return String(value);
}
