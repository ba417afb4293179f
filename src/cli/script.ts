/** Reads the texts of `-c`, `-f` and standard input, and cuts them into statements and commands. */
import { readFile } from 'node:fs/promises';
import { text as readStream } from 'node:stream/consumers';
import type { Span } from '../../grammar/ast.ts';
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

/** A command such as `.tables` or `\d`: the text from its first character to the end of its line. */
export interface ScriptCommand {
  readonly command: string;
  readonly place: SourcePlace;
}

/** What a script consists of. */
export type ScriptPart = ScriptStatement | ScriptCommand;

/** True for a command, false for a statement. */
export function isCommand(part: ScriptPart): part is ScriptCommand {
  return 'command' in part;
}

/** Reads every input and cuts it. Throws a `CliError` for a file that cannot be read. */
export async function readScript(inputs: readonly ScriptInput[]): Promise<ScriptPart[]> {
  const parts: ScriptPart[] = [];
  for (const input of inputs) {
    if (input.kind === 'sql') parts.push(...cutScript(input.text));
    else {
      checkScript(input.path);
      parts.push(...cutScript(await readInput(input.path), nameOf(input.path)));
    }
  }
  return parts;
}

/** Returns the statements of a script. Throws a usage error for a command; `who` takes only SQL. */
export function statementsOnly(parts: readonly ScriptPart[], who: string): ScriptStatement[] {
  return parts.map((part) => {
    if (!isCommand(part)) return part;
    const hint = 'commands run in the shell, and in -c, -f and standard input of rvbbit [db]';
    throw new CliError('usage', `${who} takes SQL, and '${part.command}' is a command`, hint);
  });
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

/** Cuts a script into its statements and commands. */
export function cutScript(source: string, file?: string): ScriptPart[] {
  const commands = commandSpans(source);
  let line = 1;
  let lineStart = 0;
  const placeAt = (offset: number): SourcePlace => {
    for (let at = source.indexOf('\n', lineStart); at >= 0 && at < offset; ) {
      line++;
      lineStart = at + 1;
      at = source.indexOf('\n', lineStart);
    }
    return { ...(file === undefined ? {} : { file }), line, column: offset - lineStart + 1 };
  };
  const parts: ScriptPart[] = [];
  const takeCommands = (before: number) => {
    while (commands[0] !== undefined && commands[0].start < before) {
      const { start, end } = commands.shift()!;
      parts.push({ command: source.slice(start, end).trimEnd(), place: placeAt(start) });
    }
  };
  for (const slice of splitStatements(blanked(source, commands))) {
    const { text, span, significant, dialect } = slice;
    takeCommands(span.start);
    const place = placeAt(span.start);
    const padding = '\n'.repeat(place.line - 1) + ' '.repeat(place.column - 1);
    parts.push({
      sql: padding + text,
      place,
      dialect,
      firstWord: padding.length + significant.start - span.start,
      givesRows: givesRows(source.slice(significant.start, significant.end)),
    });
  }
  takeCommands(source.length);
  return parts;
}

/** Where a command is. The comments before it, from `from` on, belong to it. */
interface CommandSpan extends Span {
  readonly from: number;
}

/** Returns where the commands of a script are: a `.` or `\` at the start of a statement, up to the end of its line. */
function commandSpans(source: string): CommandSpan[] {
  const spans: CommandSpan[] = [];
  const lexeme = createLexeme();
  let isStart = true;
  for (let at = 0; ; at = lexeme.end) {
    scan(source, at, source.length, lexeme);
    if (lexeme.kind === Kind.End) return spans;
    const { start } = lexeme;
    if (isStart && (source[start] === '.' || source[start] === '\\') && lexeme.end === start + 1) {
      lexeme.end = lineEnd(source, start);
      spans.push({ from: at, start, end: lexeme.end });
    } else {
      isStart = lexeme.kind === Kind.Semicolon;
    }
  }
}

function lineEnd(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end < 0 ? source.length : end;
}

/** Returns the source with blanks in place of the commands, so that all offsets stay as they are. */
function blanked(source: string, spans: readonly CommandSpan[]): string {
  const pieces: string[] = [];
  let at = 0;
  for (const { from, end } of spans) {
    pieces.push(source.slice(at, from), ' '.repeat(end - from));
    at = end;
  }
  return pieces.length === 0 ? source : pieces.join('') + source.slice(at);
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
