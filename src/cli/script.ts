/** Reads the texts of `-c`, `-f` and standard input, and cuts them into statements. */
import { readFile } from 'node:fs/promises';
import { text as readStream } from 'node:stream/consumers';
import { createLexeme, Kind, scan } from '../../grammar/scan.ts';
import { splitStatements } from '../../grammar/split.ts';
import type { SourcePlace } from '../errors.ts';
import { CliError } from './exit-codes.ts';
import { checkScript } from './file-kinds.ts';
import { systemErrorText } from './text/system-error.ts';

/** One `-c` or `-f` option. A file named `-` is standard input. */
export type ScriptInput =
  | { readonly kind: 'sql'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string };

/** One statement, and its place in its source. */
export interface ScriptStatement {
  /** The statement, after line breaks and blanks that give it the same lines and columns as in its source. */
  readonly sql: string;
  /** The place where the statement begins. `file` is absent for `-c`. */
  readonly place: SourcePlace;
  /** True if RVBBIT's own grammar parses the statement. */
  readonly dialect: boolean;
  /** The offset of the first word in `sql`. */
  readonly firstWord: number;
  /** True if the statement returns rows, judged by its words. */
  readonly givesRows: boolean;
}

/** Reads every input and cuts it into statements. Throws a `CliError` for a file that cannot be read. */
export async function readScript(inputs: readonly ScriptInput[]): Promise<ScriptStatement[]> {
  const statements: ScriptStatement[] = [];
  for (const input of inputs) {
    if (input.kind === 'sql') statements.push(...cutScript(input.text));
    else {
      checkScript(input.path);
      statements.push(...cutScript(await readInput(input.path), nameOf(input.path)));
    }
  }
  return statements;
}

function nameOf(path: string): string {
  return path === '-' ? '<stdin>' : path;
}

/** Returns the text of a file, or of standard input for `-`. */
export async function readInput(path: string): Promise<string> {
  try {
    const text = path === '-' ? await readStream(process.stdin) : await readFile(path, 'utf8');
    return text.replace(/^\ufeff/, '');
  } catch (thrown) {
    throw new CliError('open', `cannot read ${path}: ${systemErrorText(thrown)}`);
  }
}

/** Cuts a script into its statements. */
export function cutScript(source: string, file?: string): ScriptStatement[] {
  let line = 1;
  let lineStart = 0;
  return splitStatements(source).map(({ text, span, significant, dialect }) => {
    for (let at = source.indexOf('\n', lineStart); at >= 0 && at < span.start; ) {
      line++;
      lineStart = at + 1;
      at = source.indexOf('\n', lineStart);
    }
    const column = span.start - lineStart + 1;
    const padding = '\n'.repeat(line - 1) + ' '.repeat(column - 1);
    return {
      sql: padding + text,
      place: { ...(file === undefined ? {} : { file }), line, column },
      dialect,
      firstWord: padding.length + significant.start - span.start,
      givesRows: givesRows(source.slice(significant.start, significant.end)),
    };
  });
}

const QUERY_WORDS =
  /^(?:select|from|values|table|with|show|describe|desc|summarize|explain|pivot|unpivot|rvbbit|execute|call|pragma)$/i;
const CHANGE_WORDS = /^(?:insert|update|delete|merge)$/i;

/** True if a statement returns rows: it begins like a query, or it is a change with RETURNING. */
function givesRows(sql: string): boolean {
  const lexeme = createLexeme();
  let depth = 0;
  let first: string | undefined;
  let change = false;
  for (scan(sql, 0, sql.length, lexeme); lexeme.kind !== Kind.End; ) {
    const { kind, start, end } = lexeme;
    if (kind === Kind.Open) {
      if (first === undefined) return true;
      depth++;
    } else if (kind === Kind.Close) {
      depth--;
    } else if (kind === Kind.Word && depth === 0) {
      const word = sql.slice(start, end);
      if (first === undefined) {
        first = word;
        change = CHANGE_WORDS.test(word);
        if (!change && !/^with$/i.test(word)) return QUERY_WORDS.test(word);
      } else if (CHANGE_WORDS.test(word)) {
        change = true;
      } else if (change && /^returning$/i.test(word)) {
        return true;
      }
    }
    scan(sql, end, sql.length, lexeme);
  }
  return first !== undefined && !change;
}
