/** Prints one line an act, as say.py does. */
import { readFileSync } from 'node:fs';

export const S = JSON.parse(readFileSync(new URL('statements.json', import.meta.url), 'utf8'));

function plain(_key, value) {
  if (typeof value === 'bigint') return String(value);
  if (value?.type === 'Buffer') return Buffer.from(value.data).toString('hex');
  return value;
}

export function say(act, value) {
  console.log(`${act}\t${JSON.stringify(value, plain)}`);
}

/** Rows of objects as rows of lists. */
export function lists(rows) {
  return rows.map((row) => Object.values(row));
}
