import type { ParseResult } from './ast.ts';
import { callSpans } from './call-spans.ts';
import { parseSource } from './parse-source.ts';
import { type StatementSlice, splitStatements } from './split.ts';

/**
 * Returns the same as `parse`, but loads the parser only if a statement is dialect or holds a call in brackets.
 * Plain SQL starts sooner without the parser.
 */
export async function parseOnDemand(source: string): Promise<ParseResult> {
  const slices = splitStatements(source);
  const holdsCalls = ({ significant }: StatementSlice) => callSpans(source, significant).length > 0;
  if (slices.some((slice) => slice.dialect || holdsCalls(slice))) {
    const { parse } = await import('./parse.ts');
    return parse(source);
  }
  return parseSource(source, slices, () => undefined);
}
