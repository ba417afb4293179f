/** DuckDB's lexical rules, as far as it takes to know whether a place in a query is inside a quote. */

/** Where the scan stands. `plain` is SQL itself; anywhere else a placeholder would be text. */
export type SqlState =
  | 'plain'
  | 'string'
  | 'escape string'
  | 'quoted name'
  | 'dollar-quoted string'
  | 'line comment'
  | 'block comment';

/** A literal parameter in a query text, which would be confused with the bound ones. */
export interface LiteralParameter {
  readonly text: string;
  readonly offset: number;
}

const WORD = /[A-Za-z_0-9\u0080-\uffff]/;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z_0-9\u0080-\uffff]*)?\$/y;

/** Follows a query piece by piece; the pieces are what stands between its placeholders. */
export class SqlScanner {
  state: SqlState = 'plain';
  #tag = '';
  #depth = 0;

  /** Reads on; the first literal parameter (`$1`, `$name`, `?`, `= :name`) found in this piece. */
  feed(text: string): LiteralParameter | undefined {
    let literal: LiteralParameter | undefined;
    for (let i = 0; i < text.length; ) {
      if (this.state !== 'plain') {
        i = this.#inside(text, i);
        continue;
      }
      const char = text[i]!;
      const two = text.slice(i, i + 2);
      if (WORD.test(char)) {
        const start = i;
        // A name may hold `$`; a number may not.
        const inner = /[0-9]/.test(char) ? WORD : /[A-Za-z_0-9$\u0080-\uffff]/;
        while (i < text.length && inner.test(text[i]!)) i++;
        if (text[i] === "'" && /^e$/i.test(text.slice(start, i))) {
          this.state = 'escape string';
          i++;
        }
        continue;
      }
      if (two === '--') this.state = 'line comment';
      else if (two === '/*') {
        this.state = 'block comment';
        this.#depth = 1;
      } else if (char === "'") this.state = 'string';
      else if (char === '"') this.state = 'quoted name';
      else if (char === '$') {
        DOLLAR_TAG.lastIndex = i;
        const tag = DOLLAR_TAG.exec(text)?.[0];
        if (tag !== undefined) {
          this.state = 'dollar-quoted string';
          this.#tag = tag;
          i += tag.length;
          continue;
        }
        literal ??= { text: /^\$\w*/.exec(text.slice(i, i + 40))?.[0] ?? '$', offset: i };
      } else if (char === '?') literal ??= { text: '?', offset: i };
      else if (char === ':' && /[=(,<>]\s*$/.test(text.slice(Math.max(0, i - 20), i))) {
        const name = /^:[A-Za-z_]\w*/.exec(text.slice(i, i + 40))?.[0];
        if (name !== undefined) literal ??= { text: name, offset: i };
      }
      i += two === '--' || two === '/*' ? 2 : 1;
    }
    return literal;
  }

  /** The offset after the next piece of a quote or comment. */
  #inside(text: string, i: number): number {
    const char = text[i]!;
    switch (this.state) {
      case 'string':
      case 'quoted name':
      case 'escape string': {
        const quote = this.state === 'quoted name' ? '"' : "'";
        if (this.state === 'escape string' && char === '\\') return i + 2;
        if (char !== quote) return i + 1;
        if (text[i + 1] === quote) return i + 2;
        break;
      }
      case 'dollar-quoted string': {
        const end = text.indexOf(this.#tag, i);
        if (end < 0) return text.length;
        this.state = 'plain';
        return end + this.#tag.length;
      }
      case 'line comment':
        if (char !== '\n' && char !== '\r') return i + 1;
        break;
      case 'block comment':
        if (text.startsWith('/*', i)) {
          this.#depth++;
          return i + 2;
        }
        if (!text.startsWith('*/', i)) return i + 1;
        if (--this.#depth > 0) return i + 2;
        this.state = 'plain';
        return i + 2;
      default:
    }
    this.state = 'plain';
    return i + 1;
  }
}
