import type { Span, SqlIsland } from './ast.ts';

/** Returns the node of the SQL at a span, as it stands in the source. */
export function createIsland(source: string, span: Span): SqlIsland {
  return Object.freeze({
    kind: 'SqlIsland',
    text: source.slice(span.start, span.end),
    span: Object.freeze(span),
  });
}
