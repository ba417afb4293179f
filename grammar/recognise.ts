import { createLexeme, Kind, scan } from './scan.ts';
import { editDistance } from './spelling.ts';

const VERBS = new Set(['MAP', 'RUN', 'AWAIT', 'CANCEL']);
const SHOWN = new Set(['JOBS', 'CASCADES', 'OPERATORS']);
const TABLE_WORDS = new Set(['TEMP', 'TEMPORARY', 'TABLE', 'VIEW', 'OR', 'REPLACE', 'IF', 'NOT']);

/** Reads the first words of a statement one after another. */
class Head {
  readonly #source: string;
  readonly #end: number;
  readonly #lexeme = createLexeme();
  /** The current word in capitals; '' for any other lexeme. */
  word = '';

  constructor(source: string, start: number, end: number) {
    this.#source = source;
    this.#end = end;
    this.#lexeme.end = start;
    this.advance();
  }

  advance(): void {
    scan(this.#source, this.#lexeme.end, this.#end, this.#lexeme);
    const { kind, start, end } = this.#lexeme;
    // The words to compare with have at most 12 characters, so a longer word needs no copy.
    const short = kind === Kind.Word && end - start <= 12;
    this.word = short ? this.#source.slice(start, end).toUpperCase() : '';
  }

  at(kind: Kind): boolean {
    return this.#lexeme.kind === kind;
  }

  accept(word: string): boolean {
    if (this.word !== word) return false;
    this.advance();
    return true;
  }

  /** Skips one balanced bracket group if the current lexeme opens one. */
  skipGroup(): void {
    let depth = 0;
    while (this.at(Kind.Open) || (depth > 0 && !this.at(Kind.End))) {
      if (this.at(Kind.Open)) depth++;
      if (this.at(Kind.Close)) depth--;
      this.advance();
      if (depth === 0) return;
    }
  }

  /** Skips `name` or `a.b.c`. Returns false if the current lexeme is not a name. */
  skipName(): boolean {
    if (!this.at(Kind.Word) && !this.at(Kind.QuotedName)) return false;
    this.advance();
    return this.skipRestOfName();
  }

  /** Skips `.b.c`, or nothing. Returns false if no name follows a dot. */
  skipRestOfName(): boolean {
    if (!this.at(Kind.Dot)) return true;
    this.advance();
    return this.skipName();
  }
}

/** True at `RVBBIT`, or at a near spelling of it before a verb. DuckDB accepts no statement or query that begins so. */
function opensCall(head: Head): boolean {
  if (head.word === 'RVBBIT') return true;
  if (head.word.length < 4 || editDistance(head.word, 'RVBBIT', 2) > 2) return false;
  head.advance();
  return VERBS.has(head.word);
}

function opensShow(head: Head): boolean {
  if (head.word.length < 4 || editDistance(head.word, 'RVBBIT', 2) > 2) return false;
  const exact = head.accept('RVBBIT');
  if (!exact) head.advance();
  return exact ? head.word !== '' && head.word !== 'FROM' : SHOWN.has(head.word);
}

function opensCreate(head: Head): boolean {
  let table = false;
  while (TABLE_WORDS.has(head.word)) {
    table = head.word === 'TABLE' || head.word === 'VIEW';
    head.advance();
    if (table) break;
  }
  if (!table) return false;
  if (head.accept('IF')) {
    // A table may be called `if`.
    const named = head.accept('NOT')
      ? head.accept('EXISTS') && head.skipName()
      : head.skipRestOfName();
    if (!named) return false;
  } else if (!head.skipName()) {
    return false;
  }
  head.skipGroup();
  return head.accept('AS') && opensCall(head);
}

function opensInsert(head: Head): boolean {
  if (head.accept('OR')) head.advance();
  if (!head.accept('INTO') || !head.skipName()) return false;
  head.skipGroup();
  if (head.accept('BY')) head.advance();
  return opensCall(head);
}

/**
 * True if the first words in the range open a dialect statement, well-formed or not. Never true for a statement that
 * DuckDB itself can parse.
 */
export function opensDialect(source: string, start: number, end: number): boolean {
  const head = new Head(source, start, end);
  if (head.accept('EXPLAIN')) {
    while (head.word === 'ANALYZE' || head.word === 'VERBOSE') head.advance();
    head.skipGroup();
    head.accept('ANALYZE');
  }
  if (head.accept('CREATE')) return opensCreate(head);
  if (head.accept('INSERT')) return opensInsert(head);
  if (head.accept('SHOW')) return opensShow(head);
  return opensCall(head);
}
