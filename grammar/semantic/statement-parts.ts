import type { Span } from '../ast.ts';
import { Kind } from '../scan.ts';
import { type ChangeParts, changeParts } from './change-parts.ts';
import { StatementWords } from './statement-words.ts';

/** The kind of a statement, and the query that reads the same rows and writes nothing. */
export type StatementParts =
  /** The statement itself is a query. */
  | { readonly kind: 'query' }
  /** CREATE TABLE … AS, INSERT … or COPY ( … ) TO. `query` is the position of its query. */
  | {
      readonly kind: 'around';
      readonly verb: string;
      readonly query: Span;
      /** Set for WITH NO DATA: DuckDB binds the query and never runs it. */
      readonly isEmpty?: true;
    }
  /** EXPLAIN [ANALYZE] of the statement at `body`. */
  | {
      readonly kind: 'explain';
      readonly analyze: boolean;
      readonly format: 'text' | 'tree' | 'json';
      readonly body: Span;
    }
  | ChangeParts
  /** A definition that would store the operators: a view, a macro, a prepared statement. */
  | { readonly kind: 'definition'; readonly what: string }
  | { readonly kind: 'other'; readonly verb: string };

const QUERY_WORDS = new Set(
  'SELECT FROM VALUES TABLE PIVOT UNPIVOT DESCRIBE SUMMARIZE SHOW'.split(' '),
);

/** The words that may begin a statement after its WITH clause. */
const WITH_VERBS = new Set('SELECT FROM VALUES TABLE INSERT UPDATE DELETE MERGE'.split(' '));

/** The words that may stand in the brackets after EXPLAIN. */
const EXPLAIN_WORDS = new Set(['FORMAT', 'ANALYZE', 'VERBOSE']);

/** Finds the parts of a statement by its words outside of brackets. Never throws. */
export function statementParts(source: string): StatementParts {
  const words = new StatementWords(source);
  const first = words.lexemes[0];
  if (first === undefined || first.kind === Kind.Open) return { kind: 'query' };
  switch (first.text) {
    case 'WITH':
      return withParts(words);
    case 'EXPLAIN':
      return explainParts(words);
    case 'CREATE':
      return createParts(words);
    case 'INSERT':
      return insertParts(words);
    case 'COPY':
      return copyParts(words);
    case 'PREPARE':
      return { kind: 'definition', what: 'prepared statement' };
    case 'ALTER':
      return words.find(1, 'DEFAULT', 'CHECK') < 0
        ? other('ALTER')
        : { kind: 'definition', what: 'table' };
    case 'UPDATE':
    case 'DELETE':
      return changeParts(words, 0) ?? other(first.text);
    default:
      return QUERY_WORDS.has(first.text) ? { kind: 'query' } : other(first.text);
  }
}

function withParts(words: StatementWords): StatementParts {
  const at = words.findFrom(1, (index) => {
    const before = words.lexemes[index - 1]!;
    // A query of the WITH clause may be named with one of these words, unless the word is reserved.
    const isName = before.kind === Kind.Comma || /^(WITH|RECURSIVE)$/.test(before.text);
    return !isName && WITH_VERBS.has(words.text(index));
  });
  const verb = words.text(at);
  if (verb === 'UPDATE' || verb === 'DELETE') {
    return changeParts(words, at) ?? other(verb);
  }
  const isOther = at < 0 || verb === 'INSERT' || verb === 'MERGE';
  return isOther ? other(verb) : { kind: 'query' };
}

function explainParts(words: StatementWords): StatementParts {
  let at = 1;
  let analyze = false;
  let format: 'text' | 'tree' | 'json' = 'text';
  for (;;) {
    if (words.text(at) === 'ANALYZE' || words.text(at) === 'VERBOSE') {
      analyze ||= words.text(at) === 'ANALYZE';
      at++;
    } else if (words.lexemes[at]?.kind === Kind.Open && EXPLAIN_WORDS.has(words.text(at + 1))) {
      const end = words.groupEnd(at);
      for (; at < end; at++) {
        analyze ||= words.text(at) === 'ANALYZE';
        if (words.text(at) !== 'FORMAT') continue;
        if (words.text(at + 1) === 'JSON') format = 'json';
        if (words.text(at + 1) === 'TREE') format = 'tree';
      }
    } else {
      break;
    }
  }
  return {
    kind: 'explain',
    analyze,
    format,
    body: { start: words.startOf(at), end: words.source.length },
  };
}

function createParts(words: StatementWords): StatementParts {
  const what = words.find(1, 'TABLE', 'VIEW', 'MACRO', 'FUNCTION', 'INDEX', 'TYPE');
  if (words.text(what) !== 'TABLE') {
    return { kind: 'definition', what: words.text(what).toLowerCase() || 'definition' };
  }
  const as = words.find(what, 'AS');
  if (as < 0) return { kind: 'definition', what: 'table' };
  // `WITH DATA` and `WITH NO DATA` are no part of the query.
  const { length } = words;
  if (words.text(length - 1) !== 'DATA') return around(words, 'CREATE TABLE', as + 1, length);
  const isEmpty = words.text(length - 2) === 'NO';
  const end = length - (isEmpty ? 3 : 2);
  if (words.text(end) !== 'WITH') return around(words, 'CREATE TABLE', as + 1, length);
  const parts = around(words, 'CREATE TABLE', as + 1, end);
  return parts.kind === 'around' && isEmpty ? { ...parts, isEmpty } : parts;
}

function insertParts(words: StatementWords): StatementParts {
  const query = words.findFrom(1, (index) => {
    const { text, kind } = words.lexemes[index]!;
    if (text === 'SELECT' || text === 'VALUES' || text === 'FROM') return true;
    if (text === 'WITH') return true;
    const inner = words.lexemes[index + 1]?.text;
    return kind === Kind.Open && (inner === 'SELECT' || inner === 'WITH' || inner === 'FROM');
  });
  if (query < 0) return other('INSERT');
  const tail = words.findFrom(query, (index) => {
    const word = words.text(index);
    return word === 'RETURNING' || (word === 'ON' && words.text(index + 1) === 'CONFLICT');
  });
  return around(words, 'INSERT', query, tail < 0 ? words.length : tail);
}

function copyParts(words: StatementWords): StatementParts {
  if (words.lexemes[1]?.kind !== Kind.Open) return other('COPY');
  return around(words, 'COPY', 2, words.groupEnd(1) - 1);
}

function around(words: StatementWords, verb: string, from: number, to: number): StatementParts {
  const last = words.lexemes[to - 1];
  if (last === undefined || to <= from) return other(verb);
  return { kind: 'around', verb, query: { start: words.startOf(from), end: last.end } };
}

function other(verb: string): StatementParts {
  return { kind: 'other', verb };
}
