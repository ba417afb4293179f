/** Bounds the nesting of a JSON text before it is parsed. */

/** True if brackets outside of strings are nested deeper than `limit`. One pass, no recursion. */
export function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22 /* " */:
        i = stringEnd(text, i);
        break;
      case 0x5b /* [ */:
      case 0x7b /* { */:
        if (++depth > limit) return true;
        break;
      case 0x5d /* ] */:
      case 0x7d /* } */:
        depth--;
        break;
    }
  }
  return false;
}

/** Returns the index of the quote that ends the string which begins at `start`; the text's length if there is none. */
export function stringEnd(text: string, start: number): number {
  const quote = text[start]!;
  for (let end = start; ; ) {
    end = text.indexOf(quote, end + 1);
    if (end === -1) return text.length;
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === 0x5c) escapes++;
    if (escapes % 2 === 0) return end;
  }
}
