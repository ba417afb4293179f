/**
 * The only file that calls minijinja.
 *
 * Its environments are kept and reused. A host filter or a context that throws makes an environment unusable, so the
 * filters here record failures and never throw, and contexts are plain copies. Any error except an ordinary template
 * error (a trap: out of memory, a bug) discards the whole instance.
 */
import type { Environment } from 'minijinja-js';
import { messageOf, RvbbitError } from '../errors.ts';
import { MESSAGE_VALUE_CHARS, TEMPLATE_MAX_MEMORY } from '../limits.ts';
import type { Json, JsonObject } from '../util/json.ts';
import { parseExactJson, parseJsonWithTexts } from './exact-json.ts';
import { scanTemplate } from './jinja-scan.ts';
import { copyJson } from './plain-json.ts';
import { loadMinijinja } from './wasm-jinja.ts';

/** The most instructions that one template or expression may execute. */
const TEMPLATE_FUEL = 1_000_000;

/** A function that templates call as `value | name(arguments)`. It records failures and never throws. */
export type HostFilter = (value: unknown, ...args: readonly unknown[]) => unknown;

type Mode = 'text' | 'sql' | 'expression';

interface Host {
  readonly environment: Environment;
  /** The names of the environment's templates by their source. */
  readonly names: Map<string, string>;
}

const MAX_CACHED_TEMPLATES = 1_000;

let library: ReturnType<typeof loadMinijinja> | undefined;
let hosts: Partial<Record<Mode, Host>> = {};
let filterFailure: string | undefined;
let sqlFilters: Readonly<Record<string, HostFilter>> = {};

/** Makes the running template fail with this message. Host filters call it instead of throwing. */
export function recordFilterFailure(message: string): void {
  filterFailure ??= message;
}

/** Renders a template. `filters` are the host filters of this rendering, under the names that the environment knows. */
export function renderWithJinja(
  mode: Mode,
  source: string,
  context: JsonObject,
  filters: Readonly<Record<string, HostFilter>> = {},
): string {
  sqlFilters = filters;
  return guarded(mode, source, (host) => {
    let name = host.names.get(source);
    if (name === undefined) {
      if (host.names.size >= MAX_CACHED_TEMPLATES) {
        host.environment.clearTemplates();
        host.names.clear();
      }
      name = `t${host.names.size}`;
      host.environment.addTemplate(name, routeFilters(mode, source));
      host.names.set(source, name);
    }
    return host.environment.renderTemplate(name, context);
  });
}

/**
 * Evaluates an expression. Returns undefined if Jinja has no value for it. The value comes back as JSON text, because V8
 * would expand a value such as `[1] * 1e9` (a lazy list) in full, which ends the process.
 */
export function evaluateWithJinja(source: string, context: JsonObject): Json | undefined {
  const text = renderWithJinja(
    'expression',
    `{% set _value = (${source}) %}{% if _value is defined %}{{ _value | tojson }}{% endif %}`,
    context,
  );
  return text === '' ? undefined : parseChecked(text);
}

/** Parses JSON text, and checks its depth and that its numbers are exact. */
function parseChecked(text: string): Json {
  let what: string;
  try {
    const copied = copyJson(parseExactJson(text));
    if (copied.ok) return copied.value;
    what = `the value${copied.problem.path} ${copied.problem.message}`;
  } catch (error) {
    what = messageOf(error);
  }
  throw new RvbbitError('RVB_TEMPLATE', what, { stage: 'execute' });
}

/** Returns the syntax problem of a text, undefined if there is none. Nothing is rendered. */
export function checkWithJinja(
  kind: 'template' | 'expression',
  source: string,
): string | undefined {
  const { environment } = hostOf('text');
  const template = kind === 'template' ? source : `{{ (${source}) }}`;
  if (kind === 'expression' && scanTemplate(template).length !== 1) return 'not one expression';
  try {
    environment.addTemplate('check', template);
    environment.removeTemplate('check');
    return undefined;
  } catch (error) {
    if (!isTemplateError(error)) discard();
    return describe(error, source).replace(/^syntax error: /, '');
  }
}

/** Filters that templates may use, for suggestions. Only `isKnownToJinja` decides whether a filter exists. */
export const FILTERS: readonly string[] = (
  'abs attr batch bool capitalize chain count d default dictsort e escape filesizeformat first float from_json ' +
  'groupby indent int items join last length lines list lower map max min pprint pluralize reject rejectattr ' +
  'replace reverse round safe select selectattr slice sort split string striptags sum title tojson trim ' +
  'truncate unique upper within'
).split(' ');
/** Tests that templates may use, for suggestions. */
export const TESTS: readonly string[] = (
  'boolean defined divisibleby endingwith eq equalto escaped even false filter float ge gt greaterthan in ' +
  'integer int iterable le lessthan lower lt mapping ne none number odd safe sameas sequence startingwith ' +
  'string test true undefined upper'
).split(' ');
/** Functions that templates may call, for suggestions. */
export const FUNCTIONS: readonly string[] = 'range dict namespace debug cycler joiner'.split(' ');

const answers = new Map<string, boolean>();

/** Whether templates have a filter, a test or a function with that name. */
export function isKnownToJinja(kind: 'filter' | 'test' | 'function', name: string): boolean {
  // `self` and `super` exist within blocks. Names that begin with _ belong to this host.
  if (kind === 'function' && (name === 'self' || name === 'super')) return true;
  if (kind === 'filter' && Object.hasOwn(ROUTES, name)) return true;
  if (!/^[A-Za-z]\w*$/.test(name)) return false;
  const question = kind === 'function' ? `${name} is defined` : `'${name}' is ${kind}`;
  let answer = answers.get(question);
  if (answer === undefined) {
    if (answers.size >= MAX_CACHED_TEMPLATES) answers.clear();
    answer = hostOf('text').environment.renderStr(`{{ ${question} }}`, {}) === 'true';
    answers.set(question, answer);
  }
  return answer;
}

function hostOf(mode: Mode): Host {
  const existing = hosts[mode];
  if (existing !== undefined) return existing;
  library ??= loadMinijinja();
  const environment = new library.Environment();
  environment.undefinedBehavior = mode === 'expression' ? 'chainable' : 'strict';
  environment.fuel = TEMPLATE_FUEL;
  environment.addFilter('_from_json', fromJsonFilter);
  environment.addFilter('_plain_json', plainJsonFilter);
  environment.addFilter('_within', withinFilter);
  if (mode === 'sql') {
    for (const name of ['_ident', '_bind']) {
      environment.addFilter(name, (...args: unknown[]) =>
        sqlFilters[name]?.(args[0], ...args.slice(1)),
      );
    }
  }
  const host = { environment, names: new Map<string, string>() };
  hosts = { ...hosts, [mode]: host };
  return host;
}

/** Drops an instance that trapped. Its environments are not freed, because that could trap too. */
function discard(): void {
  library = undefined;
  hosts = {};
}

function guarded<T>(mode: Mode, source: string, run: (host: Host) => T): T {
  filterFailure = undefined;
  const host = hostOf(mode);
  let result: T;
  try {
    result = run(host);
  } catch (error) {
    const failure = filterFailure ?? explain(host, source, error, () => run(host));
    throw new RvbbitError('RVB_TEMPLATE', failure, { stage: 'execute' });
  }
  if (filterFailure === undefined) return result;
  throw new RvbbitError('RVB_TEMPLATE', filterFailure, { stage: 'execute' });
}

/** True for an ordinary template error, whose message contains its place: `(in name:line)`. */
function isTemplateError(error: unknown): error is Error {
  return (
    error instanceof Error && error.name === 'Error' && /\(in [^)\n]*:\d+\)/.test(error.message)
  );
}

function explain(host: Host, source: string, error: unknown, again: () => unknown): string {
  if (!isTemplateError(error)) {
    discard();
    return describe(error, source);
  }
  if (!error.message.startsWith('undefined value')) return describe(error, source);
  // Only the debug form of the error contains the name.
  let detailed: unknown = error;
  host.environment.debug = true;
  try {
    again();
  } catch (second) {
    detailed = second;
    if (!isTemplateError(second)) discard();
  }
  if (hosts.text === host || hosts.sql === host || hosts.expression === host) {
    host.environment.debug = false;
  }
  return describe(detailed, source);
}

/** Describes an error in one line without row values: the problem, the name, and the line if the template has several. */
function describe(error: unknown, source: string): string {
  if (!isTemplateError(error)) {
    return `the template failed: it needs more than ${TEMPLATE_MAX_MEMORY / 1024 / 1024} MiB, or it is not one template`;
  }
  const [first = '', ...rest] = error.message.split('\n');
  const line = Number(/:(\d+)\)/.exec(first)?.[1] ?? 1);
  let what = first.replace(/ \(in [^)]*:\d+\)$/, '');
  if (what === 'undefined value') {
    const name = undefinedName(rest, source);
    if (name !== undefined) what += `: ${name}`;
  }
  if (what.startsWith('engine ran out of fuel')) {
    what = `the template executes more than ${TEMPLATE_FUEL} instructions`;
  }
  if (what.length > 4 * MESSAGE_VALUE_CHARS) what = `${what.slice(0, 4 * MESSAGE_VALUE_CHARS)}…`;
  return source.includes('\n') ? `${what} (line ${line} of the template)` : what;
}

/** Returns the path that minijinja's carets mark: `   2 >  {{ a.b }}` over `     i     ^^`. */
function undefinedName(excerpt: readonly string[], source: string): string | undefined {
  const at = excerpt.findIndex((line) => /^\s*i\s+\^/.test(line));
  const shown = excerpt[at - 1];
  const carets = excerpt[at];
  if (shown === undefined || carets === undefined) return undefined;
  const start = carets.indexOf('^');
  const end = start + (/\^+/.exec(carets)?.[0].length ?? 1);
  const nearby = shown.slice(Math.max(0, start - MESSAGE_VALUE_CHARS), start);
  const before = /[\w.[\]'"]*$/.exec(nearby)?.[0] ?? '';
  const name = `${before}${shown.slice(start, end)}`.trim();
  return name !== '' && source.includes(name) ? name.slice(0, MESSAGE_VALUE_CHARS) : undefined;
}

function fromJsonFilter(value: unknown): unknown {
  if (typeof value !== 'string') {
    recordFilterFailure('from_json needs a text');
    return null;
  }
  try {
    const parsed = copyJson(parseJsonWithTexts(value));
    if (parsed.ok) return parsed.value;
    recordFilterFailure(`from_json: the value${parsed.problem.path} ${parsed.problem.message}`);
  } catch {
    recordFilterFailure(`from_json: not JSON: ${value.slice(0, MESSAGE_VALUE_CHARS)}`);
  }
  return null;
}

/** Keeps a text inside its tags: puts a space into whatever closes the tag, in any spelling. */
function withinFilter(value: unknown, tag: unknown): unknown {
  if (typeof tag !== 'string' || !/^[\w-]+$/.test(tag)) {
    recordFilterFailure('within takes the name of a tag: {{ input.text | within("text") }}');
    return null;
  }
  const text = String(value);
  return text.includes('<') ? text.replace(new RegExp(`<(?=\\s*/\\s*${tag})`, 'gi'), '< ') : text;
}

/** Undoes the escapes of `'`, `<`, `>` and `&` that Jinja's `tojson` writes for HTML pages, because a prompt is not a page. */
function plainJsonFilter(value: unknown): unknown {
  return String(value).replace(/\\\\|\\u00(27|3c|3e|26)/g, (sequence, code?: string) =>
    code === undefined ? sequence : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** The texts that replace this host's filters in a template. Each first turns the value into text inside Jinja. */
const ROUTES: Readonly<Record<string, string>> = {
  from_json: '|string|_from_json',
  within: '|string|_within',
  ident: '|tojson|_ident',
};

/**
 * Puts a filter of Jinja before each filter of this host, so that only text of bounded size passes from WebAssembly to
 * the host.
 */
function routeFilters(mode: Mode, source: string): string {
  if (!/from_json|ident|tojson|within/.test(source)) return source;
  const call =
    /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\|\s*(from_json|ident|within)\b|\|\s*(tojson)\b(?:\s*\([^()]*\)|(?!\s*\())/gs;
  return scanTemplate(source)
    .map(({ kind, start, end }) => {
      const text = source.slice(start, end);
      if (kind !== 'value' && kind !== 'tag') return text;
      return text.replace(call, (match: string, name?: string, json?: string) =>
        json !== undefined && mode === 'text'
          ? `${match}|_plain_json`
          : (ROUTES[name ?? ''] ?? match),
      );
    })
    .join('');
}
