import type { ParseResult } from './ast.ts';
import { callSpans } from './call-spans.ts';
import { parseSource } from './parse-source.ts';
import { type StatementSlice, splitStatements } from './split.ts';

/** As `parse`, but loads the parser only if a statement is or holds dialect: plain SQL starts sooner. */
export async function parseOnDemand(source: string): Promise<ParseResult> {
  const slices = splitStatements(source);
  const holdsCalls = ({ significant }: StatementSlice) => callSpans(source, significant).length > 0;
  if (slices.some((slice) => slice.dialect || holdsCalls(slice))) {
    const { parse } = await import('./parse.ts');
    return parse(source);
  }
  return parseSource(source, slices, () => undefined);
}
