/** Suggests what the user may have meant by a text that DuckDB refuses and that holds no semantic operator. */
import { Kind } from '../../../grammar/scan.ts';
import { type SemanticLexeme, semanticLexemes } from '../../../grammar/semantic/lexemes.ts';
import { nearestSpelling } from '../../../grammar/spelling.ts';
import { RvbbitError } from '../../errors.ts';
import { RESERVED_KEYWORDS } from '../../operators/duckdb-keywords.ts';
import { functionOfPattern } from '../../operators/function-file.ts';
import type { OperatorRegistry } from '../../operators/operator.ts';

/** The words that begin a statement. */
const OPENING_WORDS =
  `SELECT FROM WITH VALUES TABLE DESCRIBE SUMMARIZE SHOW EXPLAIN PIVOT UNPIVOT INSERT UPDATE DELETE MERGE
  TRUNCATE CREATE ALTER DROP COMMENT COPY EXPORT IMPORT ATTACH DETACH USE SET RESET PRAGMA INSTALL LOAD
  CALL PREPARE EXECUTE DEALLOCATE BEGIN COMMIT ROLLBACK CHECKPOINT VACUUM ANALYZE RVBBIT`.split(
    /\s+/,
  );

/** The words that begin a clause of a query. A misspelt one is read as an alias. */
const CLAUSE_WORDS =
  'FROM WHERE GROUP HAVING QUALIFY WINDOW ORDER LIMIT OFFSET JOIN UNION INTERSECT EXCEPT'.split(
    ' ',
  );

/** The kinds of lexeme that are an operand, or its first or last part. */
const VALUE_KINDS: ReadonlySet<Kind> = new Set([
  Kind.Word,
  Kind.QuotedName,
  Kind.String,
  Kind.Number,
]);

/** Returns DuckDB's error, with a hint if something else was meant that may stand at its place. */
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
      ? (bareCallHint(lexemes) ?? wordHint(lexemes, at, registry))
      : functionHint(lexemes[at]?.text ?? '', registry);
  if (hint === undefined) return refusal;
  return new RvbbitError(code, `${message}\n${hint}`, { stage, sqlState, place, cause });
}

/** The parser stops at a word that it does not know, or right after it if it read the word as an alias. */
function wordHint(
  lexemes: readonly SemanticLexeme[],
  at: number,
  { operators }: OperatorRegistry,
): string | undefined {
  const spellings = [...operators.values()].flatMap(({ patterns }) => patterns);
  for (const index of [at, at - 1]) {
    const word = lexemes[index]?.text ?? '';
    // A reserved word is right as it stands.
    if (!/^\w+$/.test(word) || RESERVED_KEYWORDS.has(word)) continue;
    const whole = spellings.find(({ words }) => words[0] === word)?.words.join(' ');
    if (whole !== undefined) return `${whole} stands between two operands: a ${whole} 'x'`;
    const infix = isBetweenOperands(lexemes, index) ? spellings.map(({ words }) => words[0]!) : [];
    const near = nearestSpelling(word, index === 0 ? OPENING_WORDS : [...infix, ...CLAUSE_WORDS]);
    if (near !== undefined) return `Did you mean ${near}?`;
  }
  return undefined;
}

function isBetweenOperands(lexemes: readonly SemanticLexeme[], index: number): boolean {
  const [before, after] = [lexemes[index - 1], lexemes[index + 1]];
  return isOperand(before, Kind.Close) && isOperand(after, Kind.Open);
}

/** True for a lexeme that is an operand, or the bracket of an operand. */
function isOperand(lexeme: SemanticLexeme | undefined, bracket: Kind): boolean {
  if (lexeme === undefined) return false;
  const { kind, text } = lexeme;
  return kind === bracket || (VALUE_KINDS.has(kind) && !RESERVED_KEYWORDS.has(text));
}

/** Returns advice for a MAP or RUN that stands within a statement without brackets. */
function bareCallHint(lexemes: readonly SemanticLexeme[]): string | undefined {
  const at = lexemes.findIndex(
    ({ text }, index) => text === 'RVBBIT' && /^(?:MAP|RUN)$/.test(lexemes[index + 1]?.text ?? ''),
  );
  if (at < 0) return undefined;
  const call = `RVBBIT ${lexemes[at + 1]!.text}`;
  return `within another statement a call stands in brackets: FROM (${call} 'cascade' USING ( … ))`;
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
