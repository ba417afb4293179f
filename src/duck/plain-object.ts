/** Creates plain objects whose keys come from data. */

/**
 * Returns an object with `keys` and the values that `valueAt` returns for their indexes. The key `__proto__` becomes an
 * ordinary property. An assignment would instead change the object's prototype and lose the value.
 */
export function objectOf(
  keys: readonly string[],
  valueAt: (index: number) => unknown,
): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index]!;
    if (key === '__proto__') {
      Object.defineProperty(object, key, {
        value: valueAt(index),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    } else object[key] = valueAt(index);
  }
  return object;
}
