/** Reads from an error of DuckDB's binder the types of the arguments in a call. */

/** A call whose arguments fit no function of its name. */
export interface RefusedCall {
  /** The function's name. */
  readonly name: string;
  readonly types: readonly string[];
}

/** The call that a binder's error is about; undefined for another kind of error. */
export function refusedCall(message: string): RefusedCall | undefined {
  const found = /name and argument types '([^(]+)\(([\s\S]*)\)'\. You might/.exec(message);
  if (found === null) return undefined;
  return { name: found[1]!, types: listed(found[2]!) };
}

/** Splits `INTEGER, STRUCT(a VARCHAR, "b,c" DATE), ENUM('x', 'y')` at the commas outside of brackets and quotes. */
function listed(text: string): readonly string[] {
  const types: string[] = [];
  let depth = 0;
  let quote = '';
  let current = '';
  for (const character of text) {
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === "'" || character === '"') {
      quote = character;
    } else if (character === '(') {
      depth++;
    } else if (character === ')') {
      depth--;
    } else if (character === ',' && depth === 0) {
      types.push(current.trim());
      current = '';
      continue;
    }
    current += character;
  }
  return current.trim() === '' ? types : [...types, current.trim()];
}
