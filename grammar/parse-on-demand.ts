import type { ParseResult } from './ast.ts';
import { parseSource } from './parse-source.ts';
import { splitStatements } from './split.ts';

/** As `parse`, but loads the parser only if a statement holds dialect: plain SQL starts sooner. */
export async function parseOnDemand(source: string): Promise<ParseResult> {
  const slices = splitStatements(source);
  if (slices.some(({ dialect }) => dialect)) {
    const { parse } = await import('./parse.ts');
    return parse(source);
  }
  return parseSource(source, slices, () => undefined);
}
