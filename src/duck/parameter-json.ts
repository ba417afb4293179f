/** Converts arrays and objects to JSON text, if JSON can represent all of their content. */

/** The largest nesting depth of an array or object that is bound as JSON. */
const PARAMETER_MAX_DEPTH = 1_000;

/**
 * Returns the JSON of a value. A Date becomes its ISO text, an undefined property is left out, and an undefined item
 * becomes null. If the value holds anything that is not plain JSON, calls `refuse` with a description of it.
 */
export function parameterJson(value: unknown, refuse: (problem: string) => never): string {
  check(value, new Set(), refuse);
  return JSON.stringify(value);
}

function check(value: unknown, holders: Set<object>, refuse: (problem: string) => never): void {
  switch (typeof value) {
    case 'undefined':
    case 'boolean':
    case 'string':
      return;
    case 'number':
      if (!Number.isFinite(value)) refuse(`holds ${value}, which JSON does not have`);
      return;
    case 'object':
      break;
    default:
      refuse(`holds a ${typeof value}, which JSON does not have`);
  }
  if (value === null) return;
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) refuse('holds an invalid Date');
    return;
  }
  if (holders.has(value)) refuse('holds itself');
  if (holders.size >= PARAMETER_MAX_DEPTH) refuse(`is nested deeper than ${PARAMETER_MAX_DEPTH}`);
  if (!Array.isArray(value) && !isPlain(value)) {
    const name = value.constructor?.name || 'class instance';
    refuse(`holds a ${name}, which is no plain object`);
  }
  holders.add(value);
  for (const item of Array.isArray(value) ? value : Object.values(value)) {
    check(item, holders, refuse);
  }
  holders.delete(value);
}

/** True for a plain object, also from another realm. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
