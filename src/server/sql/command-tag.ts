/** The tags with which Postgres ends statements, e.g. `INSERT 0 3`. */
import type { Words } from './words.ts';

/** Verbs whose tag names the kind of the object. */
const WITH_OBJECT = ['CREATE', 'DROP', 'ALTER'] as const;
/** Words between such a verb and the kind of its object. */
const BETWEEN = new Set(
  'OR REPLACE TEMP TEMPORARY UNIQUE LOCAL GLOBAL PERSISTENT RECURSIVE'.split(' '),
);
/** Verbs that are their own tag. */
const OWN = new Set(
  'EXPLAIN SHOW ANALYZE VACUUM CHECKPOINT TRUNCATE COMMENT SET RESET CALL ATTACH DETACH USE LOAD INSTALL PRAGMA EXPORT IMPORT'.split(
    ' ',
  ),
);

/** Returns the tag of a statement that gave or changed `count` rows. */
export function commandTag(words: Words, count: number, hasRows: boolean): string {
  const verb = mainVerb(words);
  switch (verb) {
    case 'INSERT':
      return `INSERT 0 ${count}`;
    case 'UPDATE':
    case 'DELETE':
    case 'MERGE':
    case 'COPY':
      return `${verb} ${count}`;
    default:
  }
  const object = WITH_OBJECT.find((name) => name === verb);
  if (object !== undefined) return objectTag(object, words, count);
  if (OWN.has(verb) && (!hasRows || verb === 'EXPLAIN' || verb === 'SHOW')) return verb;
  return hasRows || verb === '' ? `SELECT ${count}` : verb;
}

function mainVerb(words: Words): string {
  const isWith = words.take('WITH');
  const verbs = ['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'SELECT', 'FROM', 'VALUES'];
  while (isWith && !words.isOver) {
    // The queries of a WITH clause stand in brackets.
    if (words.takeSign('(')) skipBrackets(words);
    else if (verbs.includes(words.next)) break;
    else words.skip();
  }
  const verb = words.next;
  words.skip();
  return verb;
}

function skipBrackets(words: Words): void {
  for (let depth = 1; depth > 0 && !words.isOver; words.skip()) {
    if (words.isSign('(')) depth += 1;
    if (words.isSign(')')) depth -= 1;
  }
}

function objectTag(verb: string, words: Words, count: number): string {
  while (BETWEEN.has(words.next)) words.skip();
  const object = words.next === 'MACRO' ? 'FUNCTION' : words.next;
  words.skip();
  const isQuery = verb === 'CREATE' && object === 'TABLE' && holdsAs(words);
  // DuckDB does not tell how many rows a new table got.
  if (isQuery) return count > 0 ? `SELECT ${count}` : 'CREATE TABLE AS';
  return `${verb} ${object}`;
}

/** True if a word AS stands outside of brackets. */
function holdsAs(words: Words): boolean {
  while (!words.isOver) {
    if (words.takeSign('(')) skipBrackets(words);
    else if (words.next === 'AS') return true;
    else words.skip();
  }
  return false;
}
