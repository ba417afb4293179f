/** Whole numbers in a JSON text that `JSON.parse` would round in silence. */

/** The first of them, as it stands there. Strings are passed over, however long: a pattern for a whole one takes stack for each character. */
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
