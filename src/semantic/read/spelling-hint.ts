/** Suggests what the user may have meant by a text that DuckDB refuses and that holds no semantic operator. */
import { type SemanticLexeme, semanticLexemes } from '../../../grammar/semantic/lexemes.ts';
import { nearestSpelling } from '../../../grammar/spelling.ts';
import { RvbbitError } from '../../errors.ts';
import { functionOfPattern } from '../../operators/function-file.ts';
import type { OperatorRegistry } from '../../operators/operator.ts';

/** DuckDB's error, with a hint if the word at its place is an operator's, or nearly so. */
export function withSpellingHint(
  refusal: unknown,
  text: string,
  registry: OperatorRegistry,
): unknown {
  if (!(refusal instanceof RvbbitError) || refusal.place === undefined) return refusal;
  const { code, message, stage, sqlState, place, cause } = refusal;
  const lexemes = semanticLexemes(text);
  const offset = offsetOf(text, place);
  const after = lexemes.findIndex(({ end }) => end > offset);
  const at = after === -1 ? lexemes.length : after;
  const hint =
    sqlState === '42601'
      ? infixHint(lexemes, at, registry)
      : functionHint(lexemes[at]?.text ?? '', registry);
  if (hint === undefined) return refusal;
  return new RvbbitError(code, `${message}\n${hint}`, { stage, sqlState, place, cause });
}

/** The parser stops at an operator that it does not know, or right after it if it read the operator as an alias. */
function infixHint(
  lexemes: readonly SemanticLexeme[],
  at: number,
  { operators }: OperatorRegistry,
): string | undefined {
  const spellings = [...operators.values()].flatMap(({ patterns }) => patterns);
  for (const index of [at, at - 1]) {
    const word = lexemes[index]?.text ?? '';
    if (!/^\w+$/.test(word)) continue;
    const whole = spellings.find(({ words }) => words[0] === word)?.words.join(' ');
    if (whole !== undefined) return `${whole} stands between two operands: a ${whole} 'x'`;
    const near = nearestSpelling(
      word,
      spellings.map(({ words }) => words[0]!),
    );
    if (near !== undefined) return `Did you mean ${near}?`;
  }
  return undefined;
}

function functionHint(word: string, { operators }: OperatorRegistry): string | undefined {
  const all = [...operators.values()];
  for (const { args, patterns } of all) {
    const pattern = patterns.find(({ words }) => words.join('_') === word);
    if (pattern === undefined) continue;
    const { left, words, right } = pattern;
    const call = `${functionOfPattern(pattern)}(${args.map(({ name }) => name).join(', ')})`;
    return `${words.join(' ')} is an operator: write ${left} ${words.join(' ')} ${right}, or ${call}`;
  }
  const near = nearestSpelling(
    word,
    all.flatMap(({ name, functionName }) => [name, functionName]),
  );
  return near === undefined ? undefined : `Did you mean the operator ${near}?`;
}

function offsetOf(
  text: string,
  { line, column }: { readonly line: number; readonly column: number },
): number {
  let offset = 0;
  for (let before = 1; before < line; before++) {
    const end = text.indexOf('\n', offset);
    if (end === -1) break;
    offset = end + 1;
  }
  return offset + column - 1;
}
