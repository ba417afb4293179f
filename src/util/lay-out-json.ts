/** JSON as the formatter lays it out, for generated files. */
import type { Json } from './json.ts';

const LINE_WIDTH = 100;

/** Objects over several lines, short lists on one; `indent` and `column` are where the value begins. */
export function layOut(value: Json, indent = '', column = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const line = `[${value.map((item: Json) => JSON.stringify(item)).join(', ')}]`;
    const isPlain = value.every((item: Json) => typeof item !== 'object' || item === null);
    if (isPlain && column + line.length < LINE_WIDTH) return line;
    const items = value.map((item: Json) => deeper + layOut(item, deeper, deeper.length));
    return `[\n${items.join(',\n')}\n${indent}]`;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([key, item]) => {
    const start = `${deeper}${JSON.stringify(key)}: `;
    return start + layOut(item, deeper, start.length);
  });
  return `{\n${lines.join(',\n')}\n${indent}}`;
}
