/** Takes the key that was put in first out of a map or set that holds more than `most`. */
export function dropOldest<K>(collection: Map<K, unknown> | Set<K>, most: number): void {
  if (collection.size <= most) return;
  for (const oldest of collection.keys()) {
    collection.delete(oldest);
    return;
  }
}
