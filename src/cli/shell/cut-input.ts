/** Finds out whether typed text is complete, and what is open in it if it is not. */
import { createLexeme, Kind, restOfLineCommentEnd, scan } from '../../../grammar/scan.ts';

/** What is open at the end of typed text, as the prompt shows it. `>` is nothing, `-` a statement. */
export type OpenMark = '>' | '-' | '(' | "'" | '"' | '$' | '*';

/** Typed text, cut behind its last complete statement or command. */
export interface CutInput {
  readonly complete: string;
  readonly rest: string;
  readonly open: OpenMark;
}

const MARKS = { string: "'", name: '"', 'dollar string': '$', comment: '*' } as const;

/**
 * Cuts text whose lines are complete. A statement ends at its semicolon. A command, which begins with `.` or `\`, ends at
 * the end of its line.
 */
export function cutInput(text: string): CutInput {
  const lexeme = createLexeme();
  let end = 0;
  let depth = 0;
  let isStart = true;
  for (let at = 0; ; at = lexeme.end) {
    scan(text, at, text.length, lexeme);
    const { kind, start } = lexeme;
    if (lexeme.unterminated !== undefined) return cut(MARKS[lexeme.unterminated]);
    if (kind === Kind.End) return isStart ? cut('>') : cut(depth > 0 ? '(' : '-');
    if (isStart && lexeme.end === start + 1 && /[.\\]/.test(text[start]!)) {
      const lineEnd = text.indexOf('\n', start);
      lexeme.end = lineEnd < 0 ? text.length : lineEnd;
      end = lexeme.end;
      continue;
    }
    isStart = kind === Kind.Semicolon;
    if (kind === Kind.Open) depth++;
    else if (kind === Kind.Close) depth--;
    else if (isStart) {
      depth = 0;
      lexeme.end = restOfLineCommentEnd(text, lexeme.end);
      end = lexeme.end;
    }
  }

  function cut(open: OpenMark): CutInput {
    return { complete: text.slice(0, end), rest: text.slice(end), open };
  }
}
