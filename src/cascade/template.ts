/** Jinja templates and expressions over a run's `input`, `outputs` and `state`. */
import { RvbbitError } from '../errors.ts';
import { TEMPLATE_MAX_OUTPUT } from '../limits.ts';
import type { Json, JsonObject } from '../util/json.ts';
import { checkWithJinja, evaluateWithJinja, renderWithJinja } from './jinja-host.ts';
import { expressionReferences, type References, templateReferences } from './jinja-names.ts';
import { parsePath, scanTemplate } from './jinja-scan.ts';
import { copyJson } from './plain-json.ts';
import { decidePlainTest, type PlainTest, parsePlainTest } from './plain-test.ts';

/** What a template sees. Plain JSON: each use is a copy, so nothing in it is executed or changed. */
export interface TemplateContext {
  readonly input: JsonObject;
  readonly outputs: JsonObject;
  readonly state: JsonObject;
  /** What the cell gave, for its wards. */
  readonly output?: Json;
  /** What a cell's takes gave, for their evaluator. */
  readonly takes?: readonly Json[];
}

/** A template made ready; `text` is its Jinja source. */
export interface Template {
  readonly text: string;
  readonly references: References;
  /** Text and paths in turn, where the template holds nothing else: rendered without WebAssembly. */
  readonly parts?: readonly (string | readonly string[])[];
}

/** An expression made ready. */
export interface Expression {
  readonly text: string;
  readonly references: References;
  /** Set where the expression is a path of own properties: read without WebAssembly (50 times faster). */
  readonly path?: readonly string[];
  /** Set where the expression is a plain test: decided without WebAssembly. */
  readonly test?: PlainTest;
}

/** Prepares a template; its syntax is checked by `checkTemplate`. */
export function compileTemplate(text: string): Template {
  const parts = plainParts(text);
  return { text, references: templateReferences(text), ...(parts === undefined ? {} : { parts }) };
}

/** Prepares an expression; its syntax is checked by `checkExpression`. */
export function compileExpression(text: string): Expression {
  const path = parsePath(text);
  const test = parsePlainTest(text);
  return {
    text,
    references: expressionReferences(text),
    ...(path === undefined ? {} : { path }),
    ...(test === undefined ? {} : { test }),
  };
}

/**
 * Renders a template. A name that is undefined is an error (RVB_TEMPLATE) that says which; a cell that
 * did not run has the output null. Output above 1 MiB, and templates that run too long, are errors.
 */
export function renderTemplate(source: string | Template, context: TemplateContext): string {
  const template = typeof source === 'string' ? compileTemplate(source) : source;
  const quick = template.parts === undefined ? undefined : renderParts(template.parts, context);
  const text =
    quick ?? renderWithJinja('text', template.text, usedContext(template.references, context));
  if (text.length <= TEMPLATE_MAX_OUTPUT) return text;
  throw templateError(`the template rendered more than ${TEMPLATE_MAX_OUTPUT} characters`);
}

/**
 * Evaluates an expression to JSON; text stays text and numbers stay numbers. What is undefined, at any
 * depth, is null.
 */
export function evaluateExpression(source: string | Expression, context: TemplateContext): Json {
  return evaluate(source, context) ?? null;
}

/** As `evaluateExpression`, but what is undefined is an error that names the expression. */
export function evaluateDefined(source: string | Expression, context: TemplateContext): Json {
  const value = evaluate(source, context);
  if (value !== undefined) return value;
  const text = typeof source === 'string' ? source : source.text;
  throw templateError(`undefined value: ${text.trim()}`);
}

/** What is wrong with a template's syntax, undefined if nothing is. */
export function checkTemplate(source: string): string | undefined {
  for (const { kind, body } of scanTemplate(source)) {
    const tag = kind === 'tag' ? /^\s*(include|import|from|extends)\b/.exec(body)?.[1] : undefined;
    if (tag !== undefined) return `{% ${tag} %} is not available: a template is one text`;
  }
  return checkWithJinja('template', source);
}

/** What is wrong with an expression's syntax, undefined if nothing is. */
export function checkExpression(source: string): string | undefined {
  if (source.trim() === '') return 'the expression is empty';
  if (/^\s*\{[{%]/.test(source)) return 'write the expression without braces';
  return checkWithJinja('expression', source);
}

/** The expression of a text that is exactly one `{{ … }}`, whose value keeps its type. */
export function soleExpression(source: string): string | undefined {
  const [segment, ...rest] = scanTemplate(source.trim());
  return rest.length === 0 && segment?.kind === 'value' ? segment.body : undefined;
}

/** The value at a path of own properties, undefined if there is none. */
export function readPath(context: TemplateContext, path: readonly string[]): Json | undefined {
  let value: unknown = context;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name))
      return undefined;
    if (Array.isArray(value)) return undefined; // `length` and the like are not Jinja's
    value = (value as Record<string, unknown>)[name];
  }
  return value as Json | undefined;
}

/** The part of a context that the references name, copied: the copy cannot run code or be a circle. */
export function usedContext(references: References, context: TemplateContext): JsonObject {
  const used: Record<string, Json> = {};
  for (const root of ['input', 'outputs', 'state'] as const) {
    const names = references[root];
    const whole = context[root];
    let part: unknown = whole;
    if (names !== 'all') {
      const picked: Record<string, unknown> = {};
      for (const name of names) if (Object.hasOwn(whole, name)) picked[name] = whole[name];
      part = picked;
    }
    const copy = copyJson(part);
    if (!copy.ok) throw templateError(`${root}${copy.problem.path} ${copy.problem.message}`);
    used[root] = copy.value;
  }
  for (const root of ['output', 'takes'] as const) {
    if (context[root] === undefined || !references.roots.has(root)) continue;
    const copy = copyJson(context[root]);
    if (!copy.ok) throw templateError(`${root}${copy.problem.path} ${copy.problem.message}`);
    used[root] = copy.value;
  }
  return used;
}

/** An RVB_TEMPLATE error. */
export function templateError(message: string): RvbbitError {
  return new RvbbitError('RVB_TEMPLATE', message, { stage: 'execute' });
}

function evaluate(source: string | Expression, context: TemplateContext): Json | undefined {
  const expression = typeof source === 'string' ? compileExpression(source) : source;
  const { path, test } = expression;
  if (path === undefined) {
    const quick =
      test === undefined ? undefined : decidePlainTest(test, (at) => readPath(context, at));
    if (quick !== undefined) return quick;
    return evaluateWithJinja(expression.text, usedContext(expression.references, context));
  }
  const value = readPath(context, path);
  if (typeof value !== 'object' || value === null) return value;
  const copy = copyJson(value);
  if (copy.ok) return copy.value;
  throw templateError(`${expression.text}${copy.problem.path} ${copy.problem.message}`);
}

function plainParts(text: string): readonly (string | readonly string[])[] | undefined {
  if (/\{%|\{#|\{\{[-+]|[-+]\}\}/.test(text)) return undefined;
  const parts: (string | readonly string[])[] = [];
  // Jinja drops one line break at the end of a template.
  for (const { kind, body } of scanTemplate(text.replace(/\r?\n$/, ''))) {
    const part = kind === 'text' ? body : parsePath(body);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return parts;
}

/** Undefined where a value's text is Jinja's to decide: lists, fractions, null, what is not defined. */
function renderParts(
  parts: readonly (string | readonly string[])[],
  context: TemplateContext,
): string | undefined {
  let text = '';
  for (const part of parts) {
    const value = typeof part === 'string' ? part : readPath(context, part);
    if (typeof value !== 'string' && !Number.isSafeInteger(value)) return undefined;
    text += value;
  }
  return text;
}
