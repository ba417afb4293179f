/** Jinja templates and expressions over a run's `input`, `outputs` and `state`. */
import { RvbbitError } from '../errors.ts';
import { TEMPLATE_MAX_OUTPUT } from '../limits.ts';
import type { Json, JsonObject } from '../util/json.ts';
import { checkWithJinja, evaluateWithJinja, renderWithJinja } from './jinja-host.ts';
import { expressionReferences, type References, templateReferences } from './jinja-names.ts';
import { parsePath, scanTemplate } from './jinja-scan.ts';
import { copyJson } from './plain-json.ts';
import { decidePlainTest, type PlainTest, parsePlainTest } from './plain-test.ts';

/** The values that a template sees. They are plain JSON and copied for each use, so nothing in them is executed or changed. */
export interface TemplateContext {
  readonly input: JsonObject;
  readonly outputs: JsonObject;
  readonly state: JsonObject;
  /** The cell's output, for its wards. */
  readonly output?: Json;
  /** The outputs of a cell's takes, for their evaluator. */
  readonly takes?: readonly Json[];
}

/** A compiled template. `text` is its Jinja source. */
export interface Template {
  readonly text: string;
  readonly references: References;
  /** Texts and paths, if the template contains nothing else. It is then rendered without WebAssembly. */
  readonly parts?: readonly (string | readonly string[])[];
}

/** A compiled expression. */
export interface Expression {
  readonly text: string;
  readonly references: References;
  /** Present if the expression is a path of own properties. It is then read without WebAssembly (50 times faster). */
  readonly path?: readonly string[];
  /** Present if the expression is a plain test. It is then decided without WebAssembly. */
  readonly test?: PlainTest;
}

/** Compiles a template. `checkTemplate` checks its syntax. */
export function compileTemplate(text: string): Template {
  const parts = plainParts(text);
  return { text, references: templateReferences(text), ...(parts === undefined ? {} : { parts }) };
}

/** Compiles an expression. `checkExpression` checks its syntax. */
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
 * Renders a template. An undefined name is an error (RVB_TEMPLATE) that contains the name. The output of a cell that did
 * not run is null. Output above 1 MiB, and templates that run too long, are errors.
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
 * Evaluates an expression to JSON. Text stays text, and numbers stay numbers. Anything undefined, at any depth, becomes
 * null.
 */
export function evaluateExpression(source: string | Expression, context: TemplateContext): Json {
  return evaluate(source, context) ?? null;
}

/** Like `evaluateExpression`, but an undefined value is an error that names the expression. */
export function evaluateDefined(source: string | Expression, context: TemplateContext): Json {
  const value = evaluate(source, context);
  if (value !== undefined) return value;
  const text = typeof source === 'string' ? source : source.text;
  throw templateError(`undefined value: ${text.trim()}`);
}

/** Returns the problem in a template's syntax, undefined if there is none. */
export function checkTemplate(source: string): string | undefined {
  for (const { kind, body } of scanTemplate(source)) {
    const tag = kind === 'tag' ? /^\s*(include|import|from|extends)\b/.exec(body)?.[1] : undefined;
    if (tag !== undefined) return `{% ${tag} %} is not available: a template is one text`;
  }
  return checkWithJinja('template', source);
}

/** Returns the problem in an expression's syntax, undefined if there is none. */
export function checkExpression(source: string): string | undefined {
  if (source.trim() === '') return 'the expression is empty';
  if (/^\s*\{[{%]/.test(source)) return 'write the expression without braces';
  return checkWithJinja('expression', source);
}

/** Returns the expression of a text that is exactly one `{{ … }}`. Its value keeps its type. */
export function soleExpression(source: string): string | undefined {
  const [segment, ...rest] = scanTemplate(source.trim());
  return rest.length === 0 && segment?.kind === 'value' ? segment.body : undefined;
}

/** Returns the value at a path of own properties, undefined if it does not exist. */
export function readPath(context: TemplateContext, path: readonly string[]): Json | undefined {
  let value: unknown = context;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name))
      return undefined;
    if (Array.isArray(value)) return undefined; // Jinja's lists have no `length` and the like.
    value = (value as Record<string, unknown>)[name];
  }
  return value as Json | undefined;
}

/** Copies the part of a context that the references name. The copy cannot run code or contain a circle. */
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

/** Makes an RVB_TEMPLATE error. */
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
  // Jinja removes one line break at the end of a template.
  for (const { kind, body } of scanTemplate(text.replace(/\r?\n$/, ''))) {
    const part = kind === 'text' ? body : parsePath(body);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return parts;
}

/**
 * Renders a template's parts. Returns undefined if a value is neither a text nor a safe integer, because only Jinja
 * knows its text.
 */
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
