/** Finds which of a statement's parameter values belong to which part of its text. */
import type { Span } from '../../grammar/ast.ts';
import { createLexeme, Kind, scan } from '../../grammar/scan.ts';
import { createSourceText } from '../../grammar/source-text.ts';
import type { Parameters } from '../duck/session.ts';
import { RvbbitError } from '../errors.ts';
import { movedTo } from '../plan/placed-error.ts';

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

/** What stands in place of a parameter: a constant, or the parameter, cast to a type if one is given. */
export interface Instead {
  readonly constant?: string | undefined;
  readonly type?: string | undefined;
}

/** A text whose parameters are counted from $1 without gaps, as DuckDB needs them. */
export interface Replaced {
  readonly text: string;
  /** The numbers in the source of its parameters, in order. */
  readonly numbers: readonly number[];
  /** Returns an error whose place counts in the text with its place in the source. */
  placedBack(thrown: unknown): unknown;
}

/** Writes what `insteadOf` returns for each parameter's number in place of it. */
export function withParameters(source: string, insteadOf: (number: number) => Instead): Replaced {
  let unnamed = 0;
  const markers = markersIn(source, { start: 0, end: source.length }).map(({ start, name }) => {
    if (name === undefined) unnamed += 1;
    const number = name === undefined ? unnamed : Number(name);
    return { start, end: start + 1 + (name?.length ?? 0), number, ...insteadOf(number) };
  });
  const kept = markers.filter(({ constant }) => constant === undefined);
  const numbers = [...new Set(kept.map(({ number }) => number))].sort((a, b) => a - b);
  const places: { readonly at: number; readonly longer: number }[] = [];
  let text = '';
  let from = 0;
  for (const { start, end, number, constant, type } of markers) {
    const parameter = `$${numbers.indexOf(number) + 1}`;
    const instead = constant ?? (type === undefined ? parameter : `CAST(${parameter} AS ${type})`);
    text += source.slice(from, start) + instead;
    from = end;
    places.push({ at: text.length, longer: instead.length - (end - start) });
  }
  text += source.slice(from);
  return {
    text,
    numbers,
    placedBack(thrown) {
      if (!(thrown instanceof RvbbitError) || thrown.place?.file !== undefined) return thrown;
      if (thrown.place === undefined || text === source) return thrown;
      const offset = createSourceText(text).offsetAt(thrown.place);
      const back = places.reduce(
        (at, { at: end, longer }) => (end <= offset ? at - longer : at),
        offset,
      );
      return movedTo(thrown, createSourceText(source).positionAt(back));
    },
  };
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
