/** Finds the names that a Jinja text reads, each with its place. Nothing is evaluated. */
import { scanTemplate } from './jinja-scan.ts';

/** One step of a path: `.brand` or `['brand']`. A step without a name is an element, as in `rows[0]`. */
export interface PathStep {
  readonly name?: string;
  /** The offset of the name in the text, or of an element's bracket. */
  readonly offset: number;
}

/** A name in a text that is not a word of Jinja's grammar. */
export interface NameUse {
  /**
   * `name`: the name is looked up in the run. `method`: it is called on the value before it, as in `input.name.upper()`.
   * `declared`: the text declares it.
   */
  readonly kind: 'name' | 'filter' | 'test' | 'method' | 'declared';
  /** The name, followed by the path that is read of it: `outputs`, `ask`, `brand`. */
  readonly steps: readonly [PathStep, ...PathStep[]];
  /** True if the text itself declares the name: by `for`, `set`, `with`, a macro or its arguments. */
  readonly isLocal: boolean;
  /** True if `default` or `is defined` shows that the value may be missing. */
  readonly mayBeMissing: boolean;
}

/** The parts of a run that a template or expression reads. 'all': everything, or parts whose names only a run determines. */
export interface References {
  readonly input: ReadonlySet<string> | 'all';
  readonly outputs: ReadonlySet<string> | 'all';
  readonly state: ReadonlySet<string> | 'all';
  /** Every name that is looked up, including `input`, `outputs` and `state`. */
  readonly roots: ReadonlySet<string>;
}

/** Returns the references of one expression. */
export function expressionReferences(expression: string): References {
  return referencesOf(expressionNames(expression));
}

/** Returns the references of all expressions and tags of a template. */
export function templateReferences(source: string): References {
  return referencesOf(templateNames(source));
}

type Root = 'input' | 'outputs' | 'state';

/** Returns the references of the given names. */
export function referencesOf(uses: readonly NameUse[]): References {
  const found: Record<Root, Set<string> | 'all'> = {
    input: new Set(),
    outputs: new Set(),
    state: new Set(),
  };
  const roots = new Set<string>();
  for (const { kind, steps } of uses) {
    if (kind !== 'name') continue;
    const [{ name: root = '' }, second] = steps;
    roots.add(root);
    if (root !== 'input' && root !== 'outputs' && root !== 'state') continue;
    const names = found[root];
    if (second?.name === undefined) found[root] = 'all';
    else if (names !== 'all') names.add(second.name);
  }
  return { ...found, roots };
}

/** Returns the names in one expression, in order. */
export function expressionNames(expression: string): readonly NameUse[] {
  const reader = new NameReader();
  reader.read(tokens(expression, 0));
  return reader.uses();
}

/** Returns the names in all expressions and tags of a template, in order. */
export function templateNames(source: string): readonly NameUse[] {
  const reader = new NameReader();
  for (const { kind, body, bodyStart } of scanTemplate(source)) {
    if (kind === 'value') reader.read(tokens(body, bodyStart));
    else if (kind === 'tag') reader.readTag(tokens(body, bodyStart));
  }
  return reader.uses();
}

interface Token {
  readonly kind: 'name' | 'string' | 'other';
  readonly text: string;
  readonly offset: number;
}

function tokens(expression: string, start: number): readonly Token[] {
  const found: Token[] = [];
  const pattern =
    /"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[\p{L}_][\p{L}\p{N}_]*|\d[\w.]*|==|[^\s]/gsu;
  for (const { 0: text, index } of expression.matchAll(pattern)) {
    const kind = /^["']/.test(text) ? 'string' : /^[\p{L}_]/u.test(text) ? 'name' : 'other';
    found.push({ kind, text, offset: start + index });
  }
  return found;
}

/** Names that are words of Jinja's expression language. */
const KEYWORDS = new Set('and or not in is if else true false none True False None'.split(' '));

/** The names that are declared in a part of a template. A lookup there also finds the names of the surrounding parts. */
interface Scope {
  readonly names: Set<string>;
  readonly around?: Scope;
}

/** An open tag, and the scope that is restored at its end. */
interface OpenTag {
  readonly word: string;
  readonly before: Scope;
}

/** Tags that need an end tag. */
const BLOCKS = new Set('for if with macro call filter block autoescape'.split(' '));

/** Reads a text's expressions and tags in order, and records where each name is declared. */
class NameReader {
  readonly #found: { readonly use: Omit<NameUse, 'isLocal'>; readonly scope: Scope }[] = [];
  readonly #open: OpenTag[] = [];
  #scope: Scope = { names: new Set() };

  /**
   * Returns the names that were read. A macro can use names that are declared after it, so local names are known only at
   * the end.
   */
  uses(): readonly NameUse[] {
    return this.#found.map(({ use, scope }) => ({
      ...use,
      isLocal: isDeclared(use.steps[0].name, scope),
    }));
  }

  readTag(list: readonly Token[]): void {
    const [{ text: word } = { text: '' }, ...rest] = list;
    const before = this.#scope;
    if (word === 'macro') this.#declare(rest.slice(0, 1));
    if (BLOCKS.has(word)) this.#enter({ word, before });
    if (word.startsWith('end')) this.#close(word.slice('end'.length));
    else if (word === 'else') this.#else();
    else if (word === 'set') this.#set(rest);
    else if (word === 'for') this.#for(rest);
    else if (word === 'with') this.#with(rest);
    else if (word === 'macro') this.#macro(rest);
    else if (word === 'call') this.#call(rest);
    else if (word === 'filter') this.read(rest, ['|']);
    else if (word !== 'block') this.read(rest);
  }

  #enter(tag: OpenTag): void {
    this.#open.push(tag);
    // An `if` has no scope of its own: names that it sets are visible after it.
    if (tag.word !== 'if') this.#scope = { names: new Set(), around: tag.before };
  }

  #close(word: string): void {
    const tag = this.#open.pop();
    if (tag === undefined || tag.word !== word) return;
    this.#scope = tag.before;
  }

  /** The names of a `for` are not visible in its `else`. */
  #else(): void {
    const tag = this.#open.at(-1);
    if (tag?.word === 'for') this.#scope = { names: new Set(), around: tag.before };
  }

  /** `for name in list if condition recursive` */
  #for(list: readonly Token[]): void {
    const start = topLevel(list, 'in');
    const end = topLevel(list, 'if', start);
    const inner = this.#scope;
    this.#scope = inner.around!;
    const isRecursive = list.at(-1)?.text === 'recursive' && list.at(-2)?.text !== 'in';
    this.read(list.slice(start + 1, isRecursive && end === list.length ? -1 : end));
    this.#scope = inner;
    this.#declare(list.slice(0, start));
    inner.names.add('loop');
    this.read(list.slice(end, isRecursive ? -1 : undefined));
  }

  /** `set name = value`, `set (a, b) = value`, `set space.name = value`, or `set name | filter` up to `endset`. */
  #set(list: readonly Token[]): void {
    const equals = topLevel(list, '=');
    const [target] = list;
    if (equals === list.length) {
      this.#declare(list.slice(0, 1));
      this.#enter({ word: 'set', before: this.#scope });
      this.read(list.slice(1), [target?.text ?? '']);
      return;
    }
    this.read(list.slice(equals + 1));
    if (list[1]?.text === '.') this.read(list.slice(0, equals));
    else this.#declare(list.slice(0, equals));
  }

  /** `with a = 1, b = a` */
  #with(list: readonly Token[]): void {
    this.#declare(list.filter((_, i) => list[i + 1]?.text === '='));
    this.read(list, ['with']);
  }

  /** `macro name(a, b=1)` */
  #macro([, ...list]: readonly Token[]): void {
    this.#scope.names.add('caller');
    this.#declare(parameters(list));
    this.read(list);
  }

  /** `call(a, b) macro()` */
  #call(list: readonly Token[]): void {
    const hasParameters = list[0]?.text === '(';
    const end = hasParameters ? closing(list, 0) + 1 : 0;
    if (hasParameters) this.#declare(parameters(list));
    this.read(list.slice(end));
  }

  #declare(list: readonly Token[]): void {
    for (const { kind, text, offset } of list) {
      if (kind !== 'name') continue;
      this.#scope.names.add(text);
      this.#add('declared', [{ name: text, offset }]);
    }
  }

  /** Reads an expression. `before` are the words before it in its tag. */
  read(list: readonly Token[], before: readonly string[] = []): void {
    const textAt = (i: number): string | undefined =>
      i < 0 ? before[before.length + i] : list[i]?.text;
    for (const [i, { kind, text, offset }] of list.entries()) {
      if (kind !== 'name' || KEYWORDS.has(text) || textAt(i - 1) === '.') continue;
      const previous = textAt(i - 1);
      const step = { name: text, offset };
      if (previous === '|') this.#add('filter', [step]);
      else if (previous === 'is' || (previous === 'not' && textAt(i - 2) === 'is')) {
        this.#add('test', [step]);
      } else {
        const isArgument = previous === '(' || previous === ',' || previous === 'with';
        if (isArgument && textAt(i + 1) === '=') continue;
        this.#addName(list, i, step);
      }
    }
  }

  #addName(list: readonly Token[], start: number, first: PathStep): void {
    const { steps, end } = readSteps(list, start + 1);
    const method = list[end]?.text === '(' ? steps.at(-1) : undefined;
    if (method?.name !== undefined) {
      this.#add('name', [first, ...steps.slice(0, -1)]);
      this.#add('method', [first, method]);
      return;
    }
    const next = list.slice(end, end + 3).map(({ text }) => text);
    const hasDefault = next[0] === '|' && (next[1] === 'default' || next[1] === 'd');
    const tested = next[0] !== 'is' ? undefined : next[1] === 'not' ? next[2] : next[1];
    this.#add('name', [first, ...steps], hasDefault || /^(un)?defined$/.test(tested ?? ''));
  }

  #add(kind: NameUse['kind'], steps: NameUse['steps'], mayBeMissing = false): void {
    this.#found.push({ use: { kind, steps, mayBeMissing }, scope: this.#scope });
  }
}

function isDeclared(name: string | undefined, scope: Scope): boolean {
  let around: Scope | undefined = scope;
  while (around !== undefined && !around.names.has(name ?? '')) around = around.around;
  return around !== undefined;
}

/** Returns the path that follows a name, from the token at `start` on, and the index after the path. */
function readSteps(
  list: readonly Token[],
  start: number,
): { readonly steps: readonly PathStep[]; readonly end: number } {
  const steps: PathStep[] = [];
  let end = start;
  for (;;) {
    const [first, second, third] = [list[end], list[end + 1], list[end + 2]];
    if (first?.text === '.' && second?.kind === 'name') {
      steps.push({ name: second.text, offset: second.offset });
      end += 2;
    } else if (first?.text !== '[' || second === undefined) return { steps, end };
    else if (second.kind === 'string' && third?.text === ']' && !second.text.includes('\\')) {
      steps.push({ name: second.text.slice(1, -1), offset: second.offset + 1 });
      end += 3;
    } else {
      const close = closing(list, end);
      if (list.slice(end, close).some(({ text }) => text === ':')) return { steps, end };
      steps.push({ offset: first.offset });
      end = close + 1;
    }
  }
}

/** Returns the names in the first brackets that an `=` or a comma may follow: `(a, b=1)`. */
function parameters(list: readonly Token[]): readonly Token[] {
  const open = list.findIndex(({ text }) => text === '(');
  const inside = list.slice(open, closing(list, open) + 1);
  return inside.filter((_, i) => /^[(,]$/.test(inside[i - 1]?.text ?? ''));
}

/** Returns the index of the bracket that closes the bracket at `open`; the list's length if none does. */
function closing(list: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i >= 0 && i < list.length; i++) {
    const { text } = list[i]!;
    if (text === '(' || text === '[' || text === '{') depth++;
    else if ((text === ')' || text === ']' || text === '}') && --depth === 0) return i;
  }
  return list.length;
}

/**
 * Returns the index of the first occurrence of a word outside brackets, from `start` on; the list's length if there is
 * none.
 */
function topLevel(list: readonly Token[], word: string, start = 0): number {
  let depth = 0;
  for (let i = start; i < list.length; i++) {
    const { text, kind } = list[i]!;
    if (depth === 0 && text === word && kind !== 'string') return i;
    if (text === '(' || text === '[' || text === '{') depth++;
    else if (text === ')' || text === ']' || text === '}') depth--;
  }
  return list.length;
}
