import type { Span } from '../ast.ts';

/** A piece of a text and what stands in its place. */
export interface Replacement {
  readonly span: Span;
  readonly text: string;
}

/** A text put together from pieces of another one. */
export interface Rewritten {
  readonly text: string;
  /** The offset in the source that an offset in `text` came from; for what is not from there, the nearest before. */
  sourceOffset(offset: number): number;
}

/** A verbatim stretch: `text` from `at` on is the source from `source` on. */
interface Stretch {
  readonly at: number;
  readonly source: number;
  readonly length: number;
}

/** The source with pieces replaced that do not overlap; all else is as it was. */
export function rewrite(source: string, replacements: readonly Replacement[]): Rewritten {
  return rewritePieces(source, [{ start: 0, end: source.length }], replacements);
}

/** As `rewrite`, of slices of the source with other text between them. */
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
