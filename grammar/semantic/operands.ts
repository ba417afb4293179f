import { Kind } from '../scan.ts';
import type { SemanticLexeme } from './lexemes.ts';

/** Operators that bind tighter than a semantic operator, so that they belong to its criterion. */
const TIGHTER: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '^', '**', '//']);
/** Operators that bind looser than a semantic operator. */
const LOOSER: ReadonlySet<string> = new Set(['=', '==', '<', '>', '<=', '>=', '<>', '!=', '=>']);
const LOOSE_WORDS: ReadonlySet<string> = new Set(
  `SELECT WHERE AND OR NOT ON HAVING BY WHEN THEN ELSE CASE FROM JOIN IN LIKE ILIKE IS BETWEEN DISTINCT LIMIT OFFSET
  QUALIFY USING SET VALUES UNION ALL EXCEPT INTERSECT RETURNING SIMILAR GLOB ESCAPE AS`.split(
    /\s+/,
  ),
);

/** Returns how an operator binds, compared with a semantic operator. */
export function bindingOf(text: string): 'tighter' | 'looser' | 'same' {
  if (TIGHTER.has(text)) return 'tighter';
  return LOOSER.has(text) ? 'looser' : 'same';
}

/**
 * Returns the index after the operand at `at`: a primary expression, and everything that operators tighter than a
 * semantic operator join to it.
 */
export function operandEnd(lexemes: readonly SemanticLexeme[], at: number): number {
  let end = primaryEnd(lexemes, at);
  while (isOperator(lexemes[end]) && bindingOf(lexemes[end]!.text) === 'tighter') {
    end = primaryEnd(lexemes, end + 1);
  }
  return end;
}

/** Returns the start index of the operand left of `at`: after a comma, an open bracket or a looser operator or word. */
export function leftExtent(lexemes: readonly SemanticLexeme[], at: number): number {
  let depth = 0;
  let index = at - 1;
  for (; index >= 0; index--) {
    const { kind, text } = lexemes[index]!;
    if (kind === Kind.Close || text === 'END') depth++;
    else if (kind === Kind.Open || (text === 'CASE' && depth > 0)) {
      if (depth === 0) break;
      depth--;
    } else if (depth === 0) {
      if (kind === Kind.Comma || kind === Kind.Semicolon) break;
      if (kind === Kind.Word && LOOSE_WORDS.has(text)) break;
      if (kind === Kind.Operator && bindingOf(text) === 'looser') break;
    }
  }
  return index + 1;
}

function primaryEnd(lexemes: readonly SemanticLexeme[], from: number): number {
  let at = from;
  while (isOperator(lexemes[at]) && /^[-+~@!]+$/.test(lexemes[at]!.text)) at++;
  const first = lexemes[at];
  if (first === undefined) return at;
  at = first.text === 'CASE' ? caseEnd(lexemes, at) : unitEnd(lexemes, at);
  for (;;) {
    const { kind, text } = lexemes[at] ?? { kind: Kind.End, text: '' };
    if (kind === Kind.Dot) at = unitEnd(lexemes, at + 1);
    else if (kind === Kind.Open) at = groupEnd(lexemes, at);
    else if (text === '::') at = unitEnd(lexemes, at + 1);
    else if (text === 'COLLATE') at += 2;
    else return Math.min(at, lexemes.length);
  }
}

/** Returns the index after one name, literal or group. `DATE '…'` and `$name` have two lexemes each. */
function unitEnd(lexemes: readonly SemanticLexeme[], at: number): number {
  const lexeme = lexemes[at];
  const next = lexemes[at + 1];
  if (lexeme === undefined) return at;
  if (lexeme.kind === Kind.Open) return groupEnd(lexemes, at);
  if (lexeme.kind === Kind.Word && next?.kind === Kind.String) return at + 2;
  const isDollar = lexeme.kind === Kind.Number && lexeme.end === next?.start;
  if (isDollar && next?.kind === Kind.Word) return at + 2;
  return at + 1;
}

function groupEnd(lexemes: readonly SemanticLexeme[], at: number): number {
  let depth = 0;
  for (let index = at; index < lexemes.length; index++) {
    if (lexemes[index]!.kind === Kind.Open) depth++;
    if (lexemes[index]!.kind === Kind.Close && --depth === 0) return index + 1;
  }
  return lexemes.length;
}

function caseEnd(lexemes: readonly SemanticLexeme[], at: number): number {
  let depth = 0;
  for (let index = at; index < lexemes.length; index++) {
    if (lexemes[index]!.text === 'CASE') depth++;
    if (lexemes[index]!.text === 'END' && --depth === 0) return index + 1;
  }
  return lexemes.length;
}

function isOperator(lexeme: SemanticLexeme | undefined): boolean {
  return lexeme?.kind === Kind.Operator;
}
