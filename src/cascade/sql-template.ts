/**
 * Query templates: each `{{ value }}` becomes a bound parameter and never SQL text.
 *
 * The template is rewritten so that every value passes through a filter, which collects the value and outputs `$n`. The
 * rest of the text is the author's own. `| ident` turns a name into a token with a random nonce of this rendering, which
 * the same filter replaces by a quoted name. Loading a file refuses placeholders in quotes and comments, and constructs
 * that could carry text past the filter (macros, blocks).
 */
import { randomUUID } from 'node:crypto';
import { skipTrivia } from '../../grammar/scan.ts';
import { TEMPLATE_MAX_OUTPUT } from '../limits.ts';
import type { Json } from '../util/json.ts';
import { parseExactJson } from './exact-json.ts';
import { recordFilterFailure, renderWithJinja } from './jinja-host.ts';
import { type References, templateReferences } from './jinja-names.ts';
import { parsePath, type Segment, scanTemplate } from './jinja-scan.ts';
import { readPath, type TemplateContext, templateError, usedContext } from './template.ts';

/** A query template, compiled for MAP or for RUN. */
export interface SqlTemplate {
  readonly references: References;
  /** The Jinja source, whose values pass through the filter `_bind`. */
  readonly source: string;
  /** The expression of each placeholder by its number, for error messages. */
  readonly expressions: readonly string[];
  /** Present if the template contains only text and paths. It is then rendered without WebAssembly. */
  readonly parts?: readonly SqlPart[];
}

type SqlPart = string | { readonly path: readonly string[]; readonly ident: boolean };

/** A query in the form that DuckDB gets. */
export interface RenderedSql {
  readonly text: string;
  /** The values of `$1`, `$2`, … in this order. Lists and objects are JSON text. */
  readonly values: readonly Json[];
}

/**
 * Compiles a query template that `checkSqlTemplate` accepted. In a RUN, `{{ input.data_table }}` is the name of the
 * engine's own table, with or without `| ident`.
 */
export function compileSqlTemplate(source: string, kind: 'map' | 'run'): SqlTemplate {
  const pieces: string[] = [];
  const expressions: string[] = [];
  let parts: SqlPart[] | undefined = [];
  const segments = scanTemplate(source);
  for (const [i, segment] of segments.entries()) {
    if (segment.kind === 'text') {
      const text = isContinuation(segments, i) ? `/**/${segment.body}` : segment.body;
      pieces.push(text);
      parts?.push(text);
      continue;
    }
    // A comment or tag becomes a space, and a placeholder gets a space on each side, so that nothing is joined to a word.
    if (segment.kind === 'comment' || segment.kind === 'raw') pieces.push(' ');
    else if (segment.kind === 'tag') pieces.push(` {% ${segment.body} %} `);
    if (segment.kind !== 'value') {
      parts = segment.kind === 'comment' ? parts : undefined;
      parts?.push(' ');
      continue;
    }
    const body = segment.body.trim();
    const named = /^(.*[^|\s])\s*\|\s*ident$/s.exec(body)?.[1];
    const isTable = kind === 'run' && parsePath(body)?.join('.') === 'input.data_table';
    const path = parsePath(named ?? body);
    if (path === undefined) parts = undefined;
    else parts?.push({ path, ident: named !== undefined || isTable });
    const value = isTable ? `${body} | ident` : body;
    pieces.push(
      ` {{ (${value})|tojson|_bind(${expressions.length}, (${named ?? body}) is undefined) }} `,
    );
    expressions.push(body);
  }
  return {
    references: templateReferences(source),
    source: pieces.join(''),
    expressions,
    ...(parts === undefined ? {} : { parts }),
  };
}

/**
 * True for a text that follows a tag or comment and begins with a string. If only blanks remained between it and a
 * string before the tag, DuckDB would read both as one string. A block comment separates them.
 */
function isContinuation(segments: readonly Segment[], index: number): boolean {
  const before = segments[index - 1]?.kind;
  if (before !== 'tag' && before !== 'comment') return false;
  const { body } = segments[index]!;
  return body[skipTrivia(body, 0, body.length)] === "'";
}

/** Renders a query. An undefined value is an error that names the expression. */
export function renderSqlTemplate(template: SqlTemplate, context: TemplateContext): RenderedSql {
  const rendered =
    template.parts === undefined
      ? renderWithFilters(template, context)
      : renderParts(template.parts, context);
  if (rendered.text.length <= TEMPLATE_MAX_OUTPUT) return rendered;
  throw templateError(`the query has more than ${TEMPLATE_MAX_OUTPUT} characters`);
}

function renderParts(parts: readonly SqlPart[], context: TemplateContext): RenderedSql {
  const values: Json[] = [];
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    const value = readPath(context, part.path);
    if (value === undefined) throw templateError(`undefined value: ${part.path.join('.')}`);
    if (part.ident) text += ` ${quoteName(value, templateError)} `;
    else text += ` $${values.push(bindable(value))} `;
  }
  return { text, values };
}

function renderWithFilters(template: SqlTemplate, context: TemplateContext): RenderedSql {
  const values: Json[] = [];
  const names: string[] = [];
  const nonce = `ident:${randomUUID()}:`;
  const text = renderWithJinja('sql', template.source, usedContext(template.references, context), {
    _ident(value) {
      try {
        return `${nonce}${names.push(quoteName(jsonOf(value), (why) => new TypeError(why))) - 1}`;
      } catch (error) {
        recordFilterFailure(error instanceof Error ? error.message : 'not a name');
        return '';
      }
    },
    _bind(value, index, isUndefined) {
      const expression = template.expressions[Number(index)] ?? '';
      if (isUndefined === true) {
        recordFilterFailure(`undefined value: ${expression}`);
        return '';
      }
      try {
        const json = jsonOf(value);
        if (typeof json !== 'string' || !json.includes(nonce))
          return `$${values.push(bindable(json))}`;
        const name = json.startsWith(nonce) ? names[Number(json.slice(nonce.length))] : undefined;
        if (name !== undefined) return name;
        recordFilterFailure(`${expression}: ident must come last`);
      } catch (error) {
        recordFilterFailure(error instanceof Error ? error.message : 'not a value');
      }
      return '';
    },
  });
  return { text, values };
}

/** Parses a filter's argument, which is JSON text so that its size is bounded. */
function jsonOf(value: unknown): Json {
  return typeof value === 'string' ? parseExactJson(value) : null;
}

function bindable(value: Json): Json {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}

/** Returns a quoted name: of a text, or of a list of texts, which are joined by dots. */
function quoteName(value: Json, fail: (message: string) => Error): string {
  const names = Array.isArray(value) ? value : [value];
  if (names.length === 0) throw fail('ident needs a name, not an empty list');
  return names
    .map((name: Json) => {
      if (typeof name !== 'string' || name === '' || name.includes('\u0000')) {
        throw fail('ident needs a text that is not empty');
      }
      return `"${name.replaceAll('"', '""')}"`;
    })
    .join('.');
}
