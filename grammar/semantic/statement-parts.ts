import type { Span } from '../ast.ts';
import { Kind } from '../scan.ts';
import { type SemanticLexeme, semanticLexemes } from './lexemes.ts';

/** What a statement is, and the query that reads what it reads and writes nothing. */
export type StatementParts =
  /** The statement is that query. */
  | { readonly kind: 'query' }
  /** CREATE TABLE … AS, INSERT … and COPY ( … ) TO: the query stands at `query`. */
  | {
      readonly kind: 'around';
      readonly verb: string;
      readonly query: Span;
      /** WITH NO DATA: the query is bound and never run. */
      readonly isEmpty?: true;
    }
  /** EXPLAIN [ANALYZE] of the statement at `body`. */
  | {
      readonly kind: 'explain';
      readonly analyze: boolean;
      readonly format: 'text' | 'tree' | 'json';
      readonly body: Span;
    }
  /** UPDATE and DELETE: pieces of the source and SQL between them that add up to that query. */
  | {
      readonly kind: 'change';
      readonly verb: string;
      /** Columns that an UPDATE sets are no part of it. */
      readonly dry: readonly (Span | string)[];
      /** The condition of its WHERE. */
      readonly where?: Span;
    }
  /** A definition that would keep the operators: a view, a macro, a prepared statement. */
  | { readonly kind: 'definition'; readonly what: string }
  | { readonly kind: 'other'; readonly verb: string };

const QUERY_WORDS = new Set(
  'SELECT FROM VALUES TABLE PIVOT UNPIVOT DESCRIBE SUMMARIZE SHOW'.split(' '),
);

/** What may begin the statement after its WITH. */
const WITH_VERBS = new Set('SELECT FROM VALUES TABLE INSERT UPDATE DELETE MERGE'.split(' '));

/** What may stand in the brackets after EXPLAIN. */
const EXPLAIN_WORDS = new Set(['FORMAT', 'ANALYZE', 'VERBOSE']);

/** Takes a statement apart by its words outside of brackets. Never throws. */
export function statementParts(source: string): StatementParts {
  return new Parts(source).parts();
}

class Parts {
  readonly #lexemes: readonly SemanticLexeme[];
  readonly #end: number;
  /** Depth of brackets before each lexeme. */
  readonly #depths: readonly number[];

  constructor(source: string) {
    this.#lexemes = semanticLexemes(source);
    this.#end = source.length;
    let depth = 0;
    this.#depths = this.#lexemes.map(({ kind }) => {
      if (kind === Kind.Close) depth--;
      const here = depth;
      if (kind === Kind.Open) depth++;
      return here;
    });
  }

  parts(): StatementParts {
    const first = this.#lexemes[0];
    if (first === undefined || first.kind === Kind.Open) return { kind: 'query' };
    switch (first.text) {
      case 'WITH':
        return this.#with();
      case 'EXPLAIN':
        return this.#explain();
      case 'CREATE':
        return this.#create();
      case 'INSERT':
        return this.#insert();
      case 'COPY':
        return this.#copy();
      case 'PREPARE':
        return { kind: 'definition', what: 'prepared statement' };
      case 'ALTER':
        return this.#find(1, 'DEFAULT', 'CHECK') < 0
          ? other('ALTER')
          : { kind: 'definition', what: 'table' };
      case 'UPDATE':
      case 'DELETE':
        return this.#change(0);
      default:
        return QUERY_WORDS.has(first.text) ? { kind: 'query' } : other(first.text);
    }
  }

  #with(): StatementParts {
    const at = this.#findFrom(1, (index) => {
      const before = this.#lexemes[index - 1]!;
      // What a query of the WITH is called may be any of these words but for those that are reserved.
      const isName = before.kind === Kind.Comma || /^(WITH|RECURSIVE)$/.test(before.text);
      return !isName && WITH_VERBS.has(this.#text(index));
    });
    const verb = this.#text(at);
    if (verb === 'UPDATE' || verb === 'DELETE') return this.#change(at);
    const isOther = at < 0 || verb === 'INSERT' || verb === 'MERGE';
    return isOther ? other(verb) : { kind: 'query' };
  }

  #explain(): StatementParts {
    let at = 1;
    let analyze = false;
    let format: 'text' | 'tree' | 'json' = 'text';
    for (;;) {
      if (this.#text(at) === 'ANALYZE' || this.#text(at) === 'VERBOSE') {
        analyze ||= this.#text(at) === 'ANALYZE';
        at++;
      } else if (this.#lexemes[at]?.kind === Kind.Open && EXPLAIN_WORDS.has(this.#text(at + 1))) {
        const end = this.#groupEnd(at);
        for (; at < end; at++) {
          analyze ||= this.#text(at) === 'ANALYZE';
          if (this.#text(at) !== 'FORMAT') continue;
          if (this.#text(at + 1) === 'JSON') format = 'json';
          if (this.#text(at + 1) === 'TREE') format = 'tree';
        }
      } else {
        break;
      }
    }
    return { kind: 'explain', analyze, format, body: { start: this.#startOf(at), end: this.#end } };
  }

  #create(): StatementParts {
    const what = this.#find(1, 'TABLE', 'VIEW', 'MACRO', 'FUNCTION', 'INDEX', 'TYPE');
    if (this.#text(what) !== 'TABLE') {
      return { kind: 'definition', what: this.#text(what).toLowerCase() || 'definition' };
    }
    const as = this.#find(what, 'AS');
    if (as < 0) return { kind: 'definition', what: 'table' };
    // `WITH DATA`, `WITH NO DATA`: no part of the query.
    const { length } = this.#lexemes;
    if (this.#text(length - 1) !== 'DATA') return this.#around('CREATE TABLE', as + 1, length);
    const isEmpty = this.#text(length - 2) === 'NO';
    const end = length - (isEmpty ? 3 : 2);
    if (this.#text(end) !== 'WITH') return this.#around('CREATE TABLE', as + 1, length);
    const parts = this.#around('CREATE TABLE', as + 1, end);
    return parts.kind === 'around' && isEmpty ? { ...parts, isEmpty } : parts;
  }

  #insert(): StatementParts {
    const query = this.#findFrom(1, (index) => {
      const { text, kind } = this.#lexemes[index]!;
      if (text === 'SELECT' || text === 'VALUES' || text === 'FROM') return true;
      if (text === 'WITH') return true;
      const inner = this.#lexemes[index + 1]?.text;
      return kind === Kind.Open && (inner === 'SELECT' || inner === 'WITH' || inner === 'FROM');
    });
    if (query < 0) return other('INSERT');
    const tail = this.#findFrom(query, (index) => {
      const word = this.#text(index);
      return word === 'RETURNING' || (word === 'ON' && this.#text(index + 1) === 'CONFLICT');
    });
    return this.#around('INSERT', query, tail < 0 ? this.#lexemes.length : tail);
  }

  #copy(): StatementParts {
    if (this.#lexemes[1]?.kind !== Kind.Open) return other('COPY');
    return this.#around('COPY', 2, this.#groupEnd(1) - 1);
  }

  #around(verb: string, from: number, to: number): StatementParts {
    const last = this.#lexemes[to - 1];
    if (last === undefined || to <= from) return other(verb);
    return { kind: 'around', verb, query: { start: this.#startOf(from), end: last.end } };
  }

  /** `UPDATE t SET a = x FROM u WHERE w RETURNING r` reads what `SELECT (x), r FROM t, u WHERE w` reads. */
  #change(at: number): StatementParts {
    const verb = this.#text(at);
    const isUpdate = verb === 'UPDATE';
    const set = isUpdate ? this.#find(at, 'SET') : -1;
    if (isUpdate && set < 0) return other(verb);
    const stop = (...ends: number[]) =>
      Math.min(...ends.filter((end) => end >= 0), this.#lexemes.length);
    const where = this.#find(Math.max(at, set), 'WHERE');
    const returning = this.#find(Math.max(at, set, where), 'RETURNING');
    const others = this.#findFrom(
      isUpdate ? set : at + 2,
      (index) =>
        index < stop(where, returning) &&
        this.#text(index) === (isUpdate ? 'FROM' : 'USING') &&
        // `a IS DISTINCT FROM b`
        this.#text(index - 1) !== 'DISTINCT',
    );
    const table = this.#cut(isUpdate ? at + 1 : at + 2, stop(set, others, where, returning));
    const dry: (Span | string)[] = [];
    if (at > 0) dry.push(this.#cut(0, at), ' ');
    dry.push('SELECT 1');
    if (isUpdate) {
      for (const value of this.#assigned(set + 1, stop(others, where, returning))) {
        dry.push(', (', ...value, '\n)');
      }
    }
    if (returning >= 0) dry.push(', ', this.#cut(returning + 1, this.#lexemes.length), '\n');
    dry.push(' FROM ', table);
    if (others >= 0) dry.push(', ', this.#cut(others + 1, stop(where, returning)));
    if (where < 0) return { kind: 'change', verb, dry };
    const condition = this.#cut(where + 1, stop(returning));
    dry.push('\nWHERE ', condition);
    return { kind: 'change', verb, dry, where: condition };
  }

  /** The values of `a = x, b = y`. */
  #assigned(from: number, to: number): (Span | string)[][] {
    const values: (Span | string)[][] = [];
    let start = from;
    for (let index = from; index <= to; index++) {
      const depth = this.#depths[from] ?? 0;
      const isEnd =
        index === to ||
        (this.#lexemes[index]!.kind === Kind.Comma && this.#depths[index] === depth);
      if (!isEnd) continue;
      let equals = start;
      while (equals < index && !(this.#text(equals) === '=' && this.#depths[equals] === depth))
        equals++;
      if (equals + 1 < index) values.push(this.#withoutDefaults(equals + 1, index));
      start = index + 1;
    }
    return values;
  }

  /** No SELECT takes the word DEFAULT for a value. */
  #withoutDefaults(from: number, to: number): (Span | string)[] {
    const pieces: (Span | string)[] = [];
    let start = from;
    for (let index = from; index < to; index++) {
      if (this.#text(index) !== 'DEFAULT' || this.#lexemes[index - 1]?.kind === Kind.Dot) continue;
      if (start < index) pieces.push(this.#cut(start, index));
      pieces.push(' NULL ');
      start = index + 1;
    }
    if (start < to) pieces.push(this.#cut(start, to));
    return pieces;
  }

  /** Index of the first of the words at or after `from`, outside of brackets; -1 if there is none. */
  #find(from: number, ...words: string[]): number {
    return this.#findFrom(from, (index) => words.includes(this.#text(index)));
  }

  #findFrom(from: number, test: (index: number) => boolean): number {
    for (let index = Math.max(0, from); index < this.#lexemes.length; index++) {
      if (this.#depths[index] === 0 && test(index)) return index;
    }
    return -1;
  }

  #groupEnd(open: number): number {
    const depth = this.#depths[open];
    for (let index = open + 1; index < this.#lexemes.length; index++) {
      if (this.#depths[index] === depth && this.#lexemes[index]!.kind === Kind.Close)
        return index + 1;
    }
    return this.#lexemes.length;
  }

  #cut(from: number, to: number): Span {
    const last = this.#lexemes[to - 1];
    return { start: this.#startOf(from), end: last === undefined ? this.#end : last.end };
  }

  #startOf(index: number): number {
    return this.#lexemes[index]?.start ?? this.#end;
  }

  #text(index: number): string {
    const lexeme = this.#lexemes[index];
    return lexeme === undefined ? '' : lexeme.text;
  }
}

function other(verb: string): StatementParts {
  return { kind: 'other', verb };
}
