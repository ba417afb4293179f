/** Removes the oldest key from a map or set that holds more than `most` keys. */
export function dropOldest<K>(collection: Map<K, unknown> | Set<K>, most: number): void {
  if (collection.size <= most) return;
  for (const oldest of collection.keys()) {
    collection.delete(oldest);
    return;
  }
}
