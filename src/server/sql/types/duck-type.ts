/** Reads the text of a DuckDB type, as results have it, to a type with its parts. */

/** A type with its parts. An array of fixed length is a list; an enum is the scalar `ENUM`. */
export type DuckType =
  | {
      readonly kind: 'scalar';
      readonly name: string;
      readonly width?: number;
      readonly scale?: number;
    }
  | { readonly kind: 'list'; readonly element: DuckType }
  | { readonly kind: 'map'; readonly key: DuckType; readonly value: DuckType }
  | { readonly kind: 'struct' | 'union'; readonly fields: readonly DuckField[] };

/** A field of a struct, or an alternative of a union. */
export interface DuckField {
  readonly name: string;
  readonly type: DuckType;
}

/** Returns the type that a text such as `STRUCT("a" INTEGER[], "b" DECIMAL(4,1))` means. */
export function readDuckType(text: string): DuckType {
  return new TypeReader(text).type();
}

class TypeReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  type(): DuckType {
    let type = this.#base();
    while (this.#match(/\[\d*\]/y) !== undefined) type = { kind: 'list', element: type };
    return type;
  }

  #base(): DuckType {
    switch (this.#match(/(?:STRUCT|MAP|UNION|ENUM|DECIMAL)\(/y)) {
      case 'STRUCT(':
        return { kind: 'struct', fields: this.#fields() };
      case 'UNION(':
        return { kind: 'union', fields: this.#fields() };
      case 'MAP(': {
        const [key, value] = this.#fields();
        return { kind: 'map', key: key!.type, value: value!.type };
      }
      case 'ENUM(':
        this.#match(/(?:'(?:[^']|'')*'|[^')])*\)/y);
        return { kind: 'scalar', name: 'ENUM' };
      case 'DECIMAL(': {
        const [width, scale] = this.#match(/[\d, ]+\)/y)!
          .split(',')
          .map((part) => Number.parseInt(part, 10));
        return { kind: 'scalar', name: 'DECIMAL', width: width!, scale: scale ?? 0 };
      }
      default:
        return { kind: 'scalar', name: this.#match(/"(?:[^"]|"")*"|[^,()[\]]+/y) ?? '' };
    }
  }

  /** Reads fields up to the closing bracket. The fields of an unnamed struct, and the parts of a map, have no name. */
  #fields(): DuckField[] {
    const fields: DuckField[] = [];
    while (this.#match(/\)/y) === undefined && this.#at < this.#text.length) {
      this.#match(/, */y);
      const quoted = this.#match(/"(?:[^"]|"")*" /y);
      const name = quoted?.slice(1, -2).replaceAll('""', '"') ?? `element${fields.length + 1}`;
      fields.push({ name, type: this.type() });
    }
    return fields;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}
