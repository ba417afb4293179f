import type { Span } from '../ast.ts';

/** A range of the source, and the text that replaces it. */
export interface Replacement {
  readonly span: Span;
  readonly text: string;
}

/** A text made of pieces of a source, with other text between them. */
export interface Rewritten {
  readonly text: string;
  /**
   * Returns the source offset of the character at an offset of `text`. For a character that is not from the source,
   * returns the nearest source offset before it.
   */
  sourceOffset(offset: number): number;
}

/** A copied piece: `length` characters of the text from `at` on are those of the source from `source` on. */
interface Stretch {
  readonly at: number;
  readonly source: number;
  readonly length: number;
}

/** Returns the source with some of its text replaced. The replacements must not overlap. */
export function rewrite(source: string, replacements: readonly Replacement[]): Rewritten {
  return rewritePieces(source, [{ start: 0, end: source.length }], replacements);
}

/** Does the same as `rewrite` for some slices of the source, with other text between the slices. */
export function rewritePieces(
  source: string,
  pieces: readonly (Span | string)[],
  replacements: readonly Replacement[],
): Rewritten {
  const sorted = [...replacements].sort((a, b) => a.span.start - b.span.start);
  const stretches: Stretch[] = [];
  let text = '';
  const copy = (start: number, end: number) => {
    stretches.push({ at: text.length, source: start, length: end - start });
    text += source.slice(start, end);
  };
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      text += piece;
      continue;
    }
    let from = piece.start;
    for (const { span, text: instead } of sorted) {
      if (span.start < piece.start || span.end > piece.end) continue;
      copy(from, span.start);
      text += instead;
      from = span.end;
    }
    copy(from, piece.end);
  }
  return {
    text,
    sourceOffset(offset) {
      let nearest = 0;
      for (const { at, source: start, length } of stretches) {
        if (offset < at) break;
        nearest = start + Math.min(offset - at, length);
      }
      return nearest;
    },
  };
}
