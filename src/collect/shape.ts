/** The shape of a statement: its first keyword and its clauses, without its names and values. */
import { createLexeme, Kind, scan } from '../../grammar/scan.ts';

const FIRST: ReadonlySet<string> = new Set([
  'create',
  'insert',
  'update',
  'delete',
  'merge',
  'copy',
]);
const CLAUSES: ReadonlySet<string> = new Set([
  'map',
  'run',
  'join',
  'where',
  'group',
  'having',
  'qualify',
  'order',
  'limit',
  'union',
  'exists',
  'case',
]);

/** Returns the shape, e.g. `create_map_order` or `select_where_limit`: lower-case words, each once, in order of use. */
export function shapeOf(sql: string): string {
  const lexeme = createLexeme();
  const words = new Set<string>();
  let isFirst = true;
  for (scan(sql, 0, sql.length, lexeme); lexeme.kind !== Kind.End; ) {
    const { kind, start, end } = lexeme;
    if (kind === Kind.Word) {
      const word = sql.slice(start, end).toLowerCase();
      if (isFirst && FIRST.has(word)) words.add(word);
      if (CLAUSES.has(word)) words.add(word);
      isFirst = false;
    }
    scan(sql, end, sql.length, lexeme);
  }
  const isMap = words.has('map') || words.has('run');
  const [first] = words;
  const head = isMap || (first !== undefined && FIRST.has(first)) ? [] : ['select'];
  return [...head, ...words].join('_');
}
