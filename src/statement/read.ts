/** Parses scripts with the grammar, and turns its diagnostics into one error. */
import { LRUCache } from 'lru-cache';
import type { Diagnostic, StatementNode } from '../../grammar/ast.ts';
import { parseOnDemand } from '../../grammar/parse-on-demand.ts';
import { RvbbitError } from '../errors.ts';

/** The most characters, in all, of the texts whose statements are kept. */
const KEPT_CHARS = 200_000;

const kept = new LRUCache<string, readonly StatementNode[]>({
  maxSize: KEPT_CHARS,
  sizeCalculation: (_, source) => source.length + 1,
});

/** Returns the statements of a script. Throws the first diagnostic, and says how many more there are. */
export async function readScript(source: string): Promise<readonly StatementNode[]> {
  const known = kept.get(source);
  if (known !== undefined) return known;
  const { statements, diagnostics } = await parseOnDemand(source);
  const [first, ...more] = diagnostics;
  if (first !== undefined) throw syntaxError(first, more);
  kept.set(source, statements);
  return statements;
}

/** Returns the one statement of a text. Throws if there is none, or more than one. */
export async function readStatement(source: string): Promise<StatementNode> {
  const [statement, ...more] = await readScript(source);
  if (statement === undefined) {
    throw new RvbbitError('RVB_SYNTAX', 'there is no statement in the text', { stage: 'parse' });
  }
  if (more.length > 0) {
    throw new RvbbitError(
      'RVB_MULTIPLE_STATEMENTS',
      `the text holds ${more.length + 1} statements, and query() takes one; use script()`,
      { stage: 'parse' },
    );
  }
  return statement;
}

/** Returns the first diagnostic as an error that says how many more there are. */
export function syntaxError(first: Diagnostic, more: readonly Diagnostic[] = []): RvbbitError {
  const others =
    more.length === 0
      ? ''
      : `\n(and ${more.length} more, the next at line ${more[0]!.line}, column ${more[0]!.column})`;
  return new RvbbitError(
    first.code,
    `line ${first.line}, column ${first.column}: ${first.message}\n${first.excerpt}${others}`,
    { stage: 'parse', place: { line: first.line, column: first.column } },
  );
}
