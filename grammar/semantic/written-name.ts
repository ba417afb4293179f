import { Kind } from '../scan.ts';
import { StatementWords } from './statement-words.ts';

const VERBS = new Set(['CREATE', 'COPY', 'INSERT', 'MERGE', 'UPDATE', 'DELETE']);

/** Returns the table or file that a statement changes, as the statement writes it; undefined if it names none. */
export function writtenName(source: string): string | undefined {
  const words = new StatementWords(source);
  const at = nameAt(words);
  if (at <= 0 || at >= words.length) return undefined;
  let last = at;
  while (words.lexemes[last + 1]?.kind === Kind.Dot && last + 2 < words.length) last += 2;
  const { start, end } = words.cut(at, last + 1);
  return source.slice(start, end);
}

/** Returns the index of the name's first lexeme; 0 if there is none. */
function nameAt(words: StatementWords): number {
  // A WITH clause may come before the verb, and one of its queries may be named like a verb.
  const verb = words.findFrom(
    0,
    (index) => VERBS.has(words.text(index)) && words.text(index + 1) !== 'AS',
  );
  switch (words.text(verb)) {
    case 'CREATE': {
      const table = words.find(verb, 'TABLE');
      return table < 0 ? 0 : table + (words.text(table + 1) === 'IF' ? 4 : 1);
    }
    case 'COPY':
      return words.find(verb, 'TO') + 1;
    case 'INSERT':
    case 'MERGE':
      return words.find(verb, 'INTO') + 1;
    case 'UPDATE':
      return verb + 1;
    case 'DELETE':
      return words.find(verb, 'FROM') + 1;
    default:
      return 0;
  }
}
