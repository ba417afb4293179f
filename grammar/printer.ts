import { readAnnotations } from './annotations.ts';
import type {
  Annotation,
  Identifier,
  MapStatement,
  Option,
  QualifiedName,
  ResultColumn,
  RunStatement,
  StatementNode,
} from './ast.ts';
import { quoteName, quoteString } from './quotes.ts';
import { createLexeme, Kind, scan } from './scan.ts';
import { splitStatements } from './split.ts';

/** True if the text reads as one word. */
function isWord(value: string): boolean {
  const lexeme = createLexeme();
  scan(value, 0, value.length, lexeme);
  return lexeme.kind === Kind.Word && lexeme.start === 0 && lexeme.end === value.length;
}

function printName({ value, quoted }: Identifier): string {
  return quoted || !isWord(value) ? quoteName(value) : value;
}

function printQualified({ parts }: QualifiedName): string {
  return parts.map(printName).join('.');
}

function printColumn({ name, type, from }: ResultColumn): string {
  const typeText = type === undefined ? '' : ` ${type.text}`;
  return `${printName(name)}${typeText}${from === undefined ? '' : ` FROM ${quoteString(from.value)}`}`;
}

function printColumns(columns: readonly ResultColumn[]): string {
  return `(${columns.map(printColumn).join(', ')})`;
}

function printOption({ key, value }: Option): string {
  const text = value.kind === 'StringLiteral' ? quoteString(value.value) : String(value.value);
  return `${printName(key)} = ${text}`;
}

/** Returns the WITH clause; nothing without options. */
function printOptions(options: readonly Option[]): readonly string[] {
  return options.length === 0 ? [] : [`WITH (${options.map(printOption).join(', ')})`];
}

function printReturning(call: MapStatement | RunStatement): string | undefined {
  if (call.kind === 'Run' && call.returningTables !== undefined) {
    const names = call.returningTables.map(printName).join(', ');
    return names === '' ? 'RETURNING TABLES' : `RETURNING TABLES (${names})`;
  }
  if (call.columns === undefined) return undefined;
  if (call.kind === 'Map' && call.columnsFrom === 'as') return undefined;
  return `RETURNING ${printColumns(call.columns)}`;
}

function printHead(call: MapStatement | RunStatement): string {
  const words = ['RVBBIT', call.kind === 'Map' ? 'MAP' : 'RUN'];
  if (call.kind === 'Map') {
    if (call.parallel !== undefined) words.push(`PARALLEL ${call.parallel.value}`);
    if (call.batch !== undefined) words.push(`BATCH ${String(call.batch.value).toUpperCase()}`);
    if (call.distinct !== undefined) words.push('DISTINCT');
  }
  if (call.async !== undefined) words.push('ASYNC');
  words.push(quoteString(call.cascade.value));
  if (call.kind === 'Map' && call.alias !== undefined) words.push(`AS ${printName(call.alias)}`);
  if (call.kind === 'Map' && call.columnsFrom === 'as') {
    words.push(`AS ${printColumns(call.columns ?? [])}`);
  }
  return words.join(' ');
}

function printCall(call: MapStatement | RunStatement): string {
  const lines = [printHead(call), `USING (${call.query.text})`];
  const returning = printReturning(call);
  if (returning !== undefined) lines.push(returning);
  lines.push(...printOptions(call.options));
  return lines.join('\n');
}

function printAnnotation({ key, value }: Annotation): string {
  return `-- @ ${key}${value === undefined ? '' : `: ${value}`}\n`;
}

/** Returns the annotations of a `Sql` statement as text, or the empty string if its text already has them. */
function missingAnnotations(text: string, annotations: readonly Annotation[]): string {
  const [slice] = splitStatements(text);
  const present = slice ? readAnnotations(text, 0, slice.significant.start) : [];
  const wanted = annotations.map(printAnnotation).join('');
  return present.map(printAnnotation).join('') === wanted ? '' : wanted;
}

function printBody(statement: StatementNode): string {
  switch (statement.kind) {
    case 'Map':
    case 'Run':
      return printCall(statement);
    case 'CreateTable': {
      const replace = statement.orReplace ? 'OR REPLACE ' : '';
      const temporary = statement.temporary ? 'TEMP ' : '';
      const exists = statement.ifNotExists ? 'IF NOT EXISTS ' : '';
      const table = printQualified(statement.table);
      return `CREATE ${replace}${temporary}TABLE ${exists}${table} AS\n${printCall(statement.body)}`;
    }
    case 'Insert': {
      const columns = statement.columns?.map(printName).join(', ');
      const list = columns === undefined ? '' : ` (${columns})`;
      return `INSERT INTO ${printQualified(statement.table)}${list}\n${printCall(statement.body)}`;
    }
    case 'Explain': {
      const analyze = statement.analyze ? ' ANALYZE' : '';
      const format =
        statement.format === 'text' ? '' : ` (FORMAT ${statement.format.toUpperCase()})`;
      return `EXPLAIN${analyze}${format}\n${printBody(statement.body)}`;
    }
    case 'Show':
      return `SHOW RVBBIT ${statement.what.toUpperCase()}`;
    case 'AwaitJob':
      return [
        `RVBBIT AWAIT ${quoteString(statement.session.value)}`,
        ...printOptions(statement.options),
      ].join(' ');
    case 'CancelJob':
      return `RVBBIT CANCEL ${quoteString(statement.session.value)}`;
    case 'Sql':
      // Without a line break, the semicolon would be part of the comment.
      return endsInComment(statement.text) ? `${statement.text}\n` : statement.text;
  }
}

function endsInComment(text: string): boolean {
  const last = splitStatements(text).at(-1);
  return last !== undefined && text.slice(last.significant.end).includes('--');
}

function printStatement(statement: StatementNode): string {
  const annotations =
    statement.kind === 'Sql'
      ? missingAnnotations(statement.text, statement.annotations)
      : statement.annotations.map(printAnnotation).join('');
  return `${annotations}${printBody(statement)};`;
}

/**
 * Returns the canonical text of a statement or a script. A semicolon closes each statement. SQL inside is kept byte
 * for byte. `parse(print(x))` equals x except for the spans.
 */
export function print(node: StatementNode | readonly StatementNode[]): string {
  return Array.isArray(node)
    ? (node as readonly StatementNode[]).map(printStatement).join('\n\n')
    : printStatement(node as StatementNode);
}
