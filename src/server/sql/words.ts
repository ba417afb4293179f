/** Reads the words of a command that the server answers itself, such as `SET x TO y` or `FETCH 10 FROM c`. */

import { Kind } from '../../../grammar/scan.ts';
import { type SemanticLexeme, semanticLexemes } from '../../../grammar/semantic/lexemes.ts';
import { refusal } from './protocol-error.ts';

/** The words of a text from left to right. */
export class Words {
  readonly text: string;
  #read: readonly SemanticLexeme[] | undefined;
  #at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get #lexemes(): readonly SemanticLexeme[] {
    this.#read ??= semanticLexemes(this.text);
    return this.#read;
  }

  /** True at the end of the text. */
  get isOver(): boolean {
    return this.#at >= this.#lexemes.length;
  }

  /** The word that comes next, in capitals; '' if there is none. */
  get next(): string {
    return this.#lexemes[this.#at]?.text ?? '';
  }

  /** Takes these words if all of them come next. */
  take(...words: readonly string[]): boolean {
    const fits = words.every((word, index) => this.#lexemes[this.#at + index]?.text === word);
    if (fits) this.#at += words.length;
    return fits;
  }

  /** Takes a sign such as a bracket, if it comes next. */
  takeSign(sign: string): boolean {
    const fits = this.isSign(sign);
    if (fits) this.#at += 1;
    return fits;
  }

  /** True if a sign such as a bracket comes next. */
  isSign(sign: string): boolean {
    const lexeme = this.#lexemes[this.#at];
    return lexeme !== undefined && this.text.slice(lexeme.start, lexeme.end) === sign;
  }

  /** Takes whatever comes next. */
  skip(): void {
    this.#at += 1;
  }

  /** Takes one of the words that come next; undefined if none of them does. */
  takeOneOf<T extends string>(words: readonly T[]): T | undefined {
    return words.find((word) => this.take(word));
  }

  /** Takes a name; quoted as written, otherwise in small letters. */
  name(): string {
    const raw = this.#raw();
    if (raw.startsWith('"')) return raw.slice(1, -1).replaceAll('""', '"');
    if (!/^[\p{L}_]/u.test(raw)) throw this.unexpected();
    return raw.toLowerCase();
  }

  /** Takes a name with dots: `schema.table`, `myapp.user`. Its parts keep their quotes. */
  dotted(): string {
    const start = this.#lexemes[this.#at]?.start ?? this.text.length;
    this.name();
    while (this.takeSign('.')) this.name();
    return this.text.slice(start, this.#lexemes[this.#at - 1]!.end);
  }

  /** Takes a value: a string without its quotes, or a word or number as written. */
  value(): string {
    const raw = this.#raw();
    if (raw === '-' || raw === '+') return `${raw === '-' ? '-' : ''}${this.#raw()}`;
    const string = /^(?:e)?'([\s\S]*)'$/i.exec(raw)?.[1];
    if (string !== undefined) return string.replaceAll("''", "'");
    return raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw;
  }

  /** Takes a whole number with an optional sign; undefined if none comes next. */
  takeCount(): number | undefined {
    const lexeme = this.#lexemes[this.#at];
    const raw = lexeme === undefined ? '' : this.text.slice(lexeme.start, lexeme.end);
    if (/^[+-]?\d+$/.test(raw)) {
      this.#at += 1;
      return Number(raw);
    }
    if (!/^[+-]$/.test(raw)) return undefined;
    this.#at += 1;
    const count = this.takeCount();
    if (count === undefined) throw this.unexpected();
    return raw === '-' ? -count : count;
  }

  /** Takes what stands in brackets, which come next, and returns it without them. */
  bracketed(): string {
    if (!this.takeSign('(')) throw this.unexpected();
    const start = this.#lexemes[this.#at - 1]!.end;
    let depth = 1;
    for (; this.#at < this.#lexemes.length; this.#at += 1) {
      const { kind, start: end } = this.#lexemes[this.#at]!;
      if (kind === Kind.Open) depth += 1;
      if (kind === Kind.Close) depth -= 1;
      if (depth > 0) continue;
      this.#at += 1;
      return this.text.slice(start, end);
    }
    throw this.unexpected();
  }

  /** Takes the rest of the text. */
  rest(): string {
    const start = this.#lexemes[this.#at]?.start ?? this.text.length;
    this.#at = this.#lexemes.length;
    return this.text.slice(start);
  }

  /** Throws 42601 if anything is left. */
  end(): void {
    if (!this.isOver) throw this.unexpected();
  }

  /** The error of a word that stands in the wrong place. */
  unexpected(): Error {
    const lexeme = this.#lexemes[this.#at];
    const what =
      lexeme === undefined ? 'the end' : `"${this.text.slice(lexeme.start, lexeme.end)}"`;
    return refusal(
      '42601',
      `syntax error at or near ${what} in ${this.#lexemes[0]?.text ?? 'the statement'}`,
    );
  }

  #raw(): string {
    const lexeme = this.#lexemes[this.#at];
    if (lexeme === undefined || /^[(),;]$/.test(this.text.slice(lexeme.start, lexeme.end))) {
      throw this.unexpected();
    }
    this.#at += 1;
    return this.text.slice(lexeme.start, lexeme.end);
  }
}
