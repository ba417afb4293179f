/** Rows in the form that is handed to an agent: bounded in rows, in bytes and in the length of a text, and what was cut. */
import type { Json } from '../../util/json.ts';

/** What a result may have at most. */
export interface ResultBounds {
  readonly rows: number;
  readonly bytes: number;
}

/** Characters that are kept of a longer text in a result of several rows. */
const TEXT_MAX_CHARS = 4_000;

/** Collects rows until a bound is reached. */
export class BoundedRows {
  readonly rows: Json[][] = [];
  readonly #bounds: ResultBounds;
  #bytes = 0;
  #cutTexts = 0;
  #reached: 'rows' | 'bytes' | undefined;

  constructor(bounds: ResultBounds) {
    this.#bounds = bounds;
  }

  /** Takes a row; returns false if it, and so every further row, is left out. */
  take(row: Readonly<Record<string, unknown>>): boolean {
    if (this.#reached !== undefined) return false;
    if (this.rows.length >= this.#bounds.rows) {
      this.#reached = 'rows';
      return false;
    }
    const values = Object.values(row).map((value) => this.#shortened(value as Json));
    const bytes = Buffer.byteLength(JSON.stringify(values)) + 1;
    if (this.#bytes + bytes > this.#bounds.bytes) {
      this.#reached = 'bytes';
      return false;
    }
    this.#bytes += bytes;
    this.rows.push(values);
    return true;
  }

  /** Says what was left out, and how to get it; undefined if nothing was. */
  get cut(): string | undefined {
    const { rows, bytes } = this.#bounds;
    const parts: string[] = [];
    if (this.#reached !== undefined) {
      const bound = this.#reached === 'rows' ? `${rows} rows` : `${bytes} bytes`;
      parts.push(
        `only the first ${this.rows.length} rows are here (bound: ${bound}), and the rest was not computed; aggregate, select fewer columns, or page with LIMIT and OFFSET under ORDER BY`,
      );
    }
    if (this.#cutTexts > 0) {
      parts.push(
        `${this.#cutTexts} values longer than ${TEXT_MAX_CHARS} characters end with …; read the rest with substring()`,
      );
    }
    return parts.length === 0 ? undefined : parts.join('. ');
  }

  #shortened(value: Json): Json {
    const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
    if (typeof text !== 'string' || text.length <= TEXT_MAX_CHARS) return value;
    this.#cutTexts += 1;
    return `${text.slice(0, TEXT_MAX_CHARS)}…`;
  }
}
