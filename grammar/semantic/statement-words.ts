import type { Span } from '../ast.ts';
import { Kind } from '../scan.ts';
import { type SemanticLexeme, semanticLexemes } from './lexemes.ts';

/** The lexemes of a statement, with the depth of brackets at each of them. */
export class StatementWords {
  readonly source: string;
  readonly lexemes: readonly SemanticLexeme[];
  /** For each lexeme: the number of brackets around it. */
  readonly depths: readonly number[];

  constructor(source: string) {
    this.source = source;
    this.lexemes = semanticLexemes(source);
    let depth = 0;
    this.depths = this.lexemes.map(({ kind }) => {
      if (kind === Kind.Close) depth--;
      const here = depth;
      if (kind === Kind.Open) depth++;
      return here;
    });
  }

  get length(): number {
    return this.lexemes.length;
  }

  /** Returns the index of the first lexeme from `from` on that is one of the words and outside of brackets; else -1. */
  find(from: number, ...words: string[]): number {
    return this.findFrom(from, (index) => words.includes(this.text(index)));
  }

  /** Returns the index of the first lexeme from `from` on that passes the test and is outside of brackets; else -1. */
  findFrom(from: number, test: (index: number) => boolean): number {
    for (let index = Math.max(0, from); index < this.length; index++) {
      if (this.depths[index] === 0 && test(index)) return index;
    }
    return -1;
  }

  /** Returns the index after the bracket that closes the bracket at `open`. */
  groupEnd(open: number): number {
    const depth = this.depths[open];
    for (let index = open + 1; index < this.length; index++) {
      if (this.depths[index] === depth && this.lexemes[index]!.kind === Kind.Close)
        return index + 1;
    }
    return this.length;
  }

  /** Returns the position of the lexemes from index `from` up to, but not including, index `to`. */
  cut(from: number, to: number): Span {
    const last = this.lexemes[to - 1];
    return { start: this.startOf(from), end: last === undefined ? this.source.length : last.end };
  }

  /** Returns the offset of a lexeme; the end of the text if the lexeme does not exist. */
  startOf(index: number): number {
    return this.lexemes[index]?.start ?? this.source.length;
  }

  /** Returns a word in capitals, or an operator as written; '' for any other lexeme. */
  text(index: number): string {
    return this.lexemes[index]?.text ?? '';
  }
}
