/** Finds which of a statement's parameter values belong to which part of its text. */
import type { Span } from '../../grammar/ast.ts';
import { createLexeme, Kind, scan } from '../../grammar/scan.ts';
import type { Parameters } from '../duck/session.ts';
import { RvbbitError } from '../errors.ts';

/** A parameter in a text. A `?` has no name. */
interface Marker {
  readonly start: number;
  readonly name: string | undefined;
}

/** A part of a text that runs by itself, with its parameter values. */
export interface TextPart {
  readonly text: string;
  readonly parameters: Parameters | undefined;
}

export class ParameterPlaces {
  readonly #values: Parameters | undefined;
  /** The values of the `?` parameters, by their offset in the source. */
  readonly #byPlace = new Map<number, unknown>();

  /** Throws RVB_SQL if the number of values in a list is not the number of parameters. */
  constructor(source: string, range: Span, values: Parameters | undefined) {
    this.#values = values;
    if (!Array.isArray(values)) return;
    const markers = markersIn(source, range);
    const unnamed = markers.filter(({ name }) => name === undefined);
    const count = countOf(markers);
    if (count !== values.length) {
      const message = `the statement has ${count} parameters but ${values.length} values were given`;
      throw new RvbbitError('RVB_SQL', message, { stage: 'bind', sqlState: '07001' });
    }
    for (const [index, { start }] of unnamed.entries()) this.#byPlace.set(start, values[index]);
  }

  /**
   * Returns a part of the text with its own values. Numbered parameters are counted from $1 again, and all other text
   * keeps its place. `source` has the length of the original source.
   */
  part(source: string, range: Span): TextPart {
    const text = source.slice(range.start, range.end);
    const values = this.#values;
    if (!Array.isArray(values)) return { text, parameters: values };
    const markers = markersIn(source, range);
    if (markers.length === 0) return { text, parameters: undefined };
    if (markers.every(({ name }) => name === undefined)) {
      return { text, parameters: markers.map(({ start }) => this.#byPlace.get(start)) };
    }
    const numbers = [...new Set(markers.map(({ name }) => Number(name)))].sort((a, b) => a - b);
    let renumbered = text;
    for (const { start, name = '' } of markers) {
      const at = start - range.start;
      const number = String(numbers.indexOf(Number(name)) + 1).padEnd(name.length);
      renumbered = `${renumbered.slice(0, at + 1)}${number}${renumbered.slice(at + 1 + name.length)}`;
    }
    return { text: renumbered, parameters: numbers.map((number) => values[number - 1]) };
  }
}

/**
 * Returns a text with a typed NULL in place of each numbered parameter for which `nullOf` gives one. A parameter that the
 * text casts stays, because the cast gives its type. The parameters that stay are counted from $1 again; `names` are
 * their numbers in the source.
 */
export function withNulls(
  source: string,
  nullOf: (name: string) => string | undefined,
): { readonly text: string; readonly names: readonly string[] } {
  const all = markersIn(source, { start: 0, end: source.length });
  const numbered = all.filter((marker) => marker.name !== undefined);
  const markers = numbered.map(({ start, name = '' }) => {
    const end = start + 1 + name.length;
    const isCast =
      /^\s*::/.test(source.slice(end, end + 20)) || /\bcast\s*\(\s*$/i.test(source.slice(0, start));
    return { start, end, name, instead: isCast ? undefined : nullOf(name) };
  });
  const kept = markers
    .filter(({ instead }) => instead === undefined)
    .map(({ name }) => Number(name));
  const numbers = [...new Set(kept)].sort((a, b) => a - b);
  let text = source;
  for (const { start, end, name, instead } of markers.toReversed()) {
    const written = instead ?? `$${numbers.indexOf(Number(name)) + 1}`;
    text = `${text.slice(0, start)}${written}${text.slice(end)}`;
  }
  return { text, names: numbers.map(String) };
}

/** Returns the number of parameter values that a text needs. */
export function parameterCount(source: string): number {
  return countOf(markersIn(source, { start: 0, end: source.length }));
}

function countOf(markers: readonly Marker[]): number {
  const unnamed = markers.filter(({ name }) => name === undefined).length;
  return unnamed > 0 ? unnamed : Math.max(0, ...markers.map(({ name }) => Number(name)));
}

function markersIn(source: string, { start, end }: Span): readonly Marker[] {
  const markers: Marker[] = [];
  const lexeme = createLexeme();
  lexeme.end = start;
  for (;;) {
    scan(source, lexeme.end, end, lexeme);
    if (lexeme.kind === Kind.End) return markers;
    if (lexeme.kind !== Kind.Operator) continue;
    const text = source.slice(lexeme.start, lexeme.end);
    const number = text === '?' ? /^\d+/.exec(source.slice(lexeme.end, lexeme.end + 6))?.[0] : '';
    if (text === '?') markers.push({ start: lexeme.start, name: number });
    else if (/^\$\d+$/.test(text)) markers.push({ start: lexeme.start, name: text.slice(1) });
  }
}
