import { EXCERPT_COLUMNS } from './limits.ts';

/** A place in a source. Lines and columns count from 1; columns count UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A source that converts offsets and positions. It finds its lines at first use: most sources have no diagnostic. */
export interface SourceText {
  readonly source: string;
  positionAt(offset: number): Position;
  /** Returns the offset of a position; the end of the source if the position is beyond the end. */
  offsetAt(position: Position): number;
  /** Returns the line at the offset, cut to 80 columns, and under it a caret line for `length` characters. */
  excerptAt(offset: number, length: number): string;
}

function findLineStarts(source: string): number[] {
  const starts = [0];
  for (let at = 0; at < source.length; at++) {
    const code = source.charCodeAt(at);
    const lineBreak = code === 10 || (code === 13 && source.charCodeAt(at + 1) !== 10);
    if (lineBreak) starts.push(at + 1);
  }
  return starts;
}

/** Returns the index of the last line start that is not after the offset. */
function lineIndex(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Replaces each control character with one blank, so that the caret stays under its place. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ');
}

/** Creates the `SourceText` of a source. */
export function createSourceText(source: string): SourceText {
  let starts: number[] | undefined;
  const lineOf = (offset: number): { index: number; start: number; end: number } => {
    starts ??= findLineStarts(source);
    const index = lineIndex(starts, offset);
    const start = starts[index]!;
    let end = starts[index + 1] ?? source.length;
    while (end > start && (source[end - 1] === '\n' || source[end - 1] === '\r')) end--;
    return { index, start, end };
  };
  return {
    source,
    positionAt(offset) {
      const { index, start } = lineOf(offset);
      return { line: index + 1, column: offset - start + 1 };
    },
    offsetAt({ line, column }) {
      starts ??= findLineStarts(source);
      return Math.min((starts[line - 1] ?? source.length) + column - 1, source.length);
    },
    excerptAt(offset, length) {
      const { start, end } = lineOf(offset);
      const longLine = end - start > EXCERPT_COLUMNS;
      const from = longLine
        ? Math.max(start, Math.min(offset - EXCERPT_COLUMNS / 2, end - EXCERPT_COLUMNS))
        : start;
      const to = Math.min(end, from + EXCERPT_COLUMNS);
      const indent = Math.max(0, Math.min(offset, to) - from);
      const carets = Math.max(1, Math.min(length, to - offset));
      return `${printable(source.slice(from, to))}\n${' '.repeat(indent)}${'^'.repeat(carets)}`;
    },
  };
}
