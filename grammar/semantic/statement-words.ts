import type { Span } from '../ast.ts';
import { Kind } from '../scan.ts';
import { type SemanticLexeme, semanticLexemes } from './lexemes.ts';

/** A statement's lexemes, and which of them stand outside of brackets. */
export class StatementWords {
  readonly source: string;
  readonly lexemes: readonly SemanticLexeme[];
  /** Depth of brackets before each lexeme. */
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

  /** Index of the first of the words at or after `from`, outside of brackets; -1 if there is none. */
  find(from: number, ...words: string[]): number {
    return this.findFrom(from, (index) => words.includes(this.text(index)));
  }

  /** As `find`, of the first lexeme that passes the test. */
  findFrom(from: number, test: (index: number) => boolean): number {
    for (let index = Math.max(0, from); index < this.length; index++) {
      if (this.depths[index] === 0 && test(index)) return index;
    }
    return -1;
  }

  /** Index after the bracket that closes the one at `open`. */
  groupEnd(open: number): number {
    const depth = this.depths[open];
    for (let index = open + 1; index < this.length; index++) {
      if (this.depths[index] === depth && this.lexemes[index]!.kind === Kind.Close)
        return index + 1;
    }
    return this.length;
  }

  /** Where the lexemes from `from` on stand that come before `to`. */
  cut(from: number, to: number): Span {
    const last = this.lexemes[to - 1];
    return { start: this.startOf(from), end: last === undefined ? this.source.length : last.end };
  }

  /** Where a lexeme begins; the end of the text if there is none. */
  startOf(index: number): number {
    return this.lexemes[index]?.start ?? this.source.length;
  }

  /** A word in capitals, an operator as it stands; '' for all else. */
  text(index: number): string {
    return this.lexemes[index]?.text ?? '';
  }
}
