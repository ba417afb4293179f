/** Finds whole numbers in a JSON text that `JSON.parse` would round without an error. */

/**
 * The first such number, as it is written. Strings are skipped by a loop: a pattern for a whole string takes stack
 * space for each character in it.
 */
export function roundedInteger(json: string): string | undefined {
  const tokens = /"|(?<![\d.])\d{16,}(?![\d.eE])/g;
  for (let token = tokens.exec(json); token !== null; token = tokens.exec(json)) {
    const [text] = token;
    if (text === '"') tokens.lastIndex = endOfString(json, token.index);
    else if (!Number.isSafeInteger(Number(text))) return text;
  }
  return undefined;
}

/** The place after the quote that ends the string which begins at `start`. */
function endOfString(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1); quote >= 0; quote = json.indexOf('"', quote + 1)) {
    let escapes = 0;
    while (json[quote - 1 - escapes] === '\\') escapes += 1;
    if (escapes % 2 === 0) return quote + 1;
  }
  return json.length;
}
