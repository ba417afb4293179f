/** Code and schemas in a cascade file, checked before a worker gets them. Nothing is executed. */
import { Script } from 'node:vm';
import type { JsonObject } from '../util/json.ts';
import type { JsSource } from './js-function.ts';
import { CELL_PARAMETERS, compileJs } from './js-function.ts';
import { compileJson } from './json-validator.ts';

/** What is wrong with the code of a js cell or ward, with its own file and line; undefined if nothing is. */
export function checkJsCode(
  { code, source, firstLine }: JsSource,
  moreParameters: readonly string[] = [],
): string | undefined {
  if (code.trim() === '') return 'not JavaScript: the code is empty';
  const place = (line: number | undefined): string =>
    line === undefined ? '' : ` (${source}:${line + firstLine - 1})`;
  const problem = syntaxProblem(code, moreParameters);
  if (problem !== undefined)
    return `not JavaScript: ${problem}${place(syntaxLine(code, moreParameters))}`;
  const at = importOffset(code, moreParameters);
  if (at === undefined) return undefined;
  const what = "import() is not there for a cell's code";
  const instead = "for a module of Node write process.getBuiltinModule('node:fs')";
  return `${what}; ${instead}${place(code.slice(0, at).split('\n').length)}`;
}

function syntaxProblem(code: string, moreParameters: readonly string[]): string | undefined {
  try {
    compileJs(code, 'check', moreParameters);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The 1-based line of a syntax error. V8 tells it of scripts, and not of functions that are made of a text. */
function syntaxLine(code: string, moreParameters: readonly string[]): number | undefined {
  const kind = /\bawait\b/.test(code) ? 'async function' : 'function';
  try {
    const parameters = [...CELL_PARAMETERS, ...moreParameters].join();
    new Script(`'use strict'; (${kind} (${parameters}) {\n${code}\n})`, { filename: 'check' });
    return undefined;
  } catch (error) {
    const stack = error instanceof Error ? String(error.stack) : '';
    const line = Number(/^check:(\d+)/.exec(stack)?.[1]) - 1;
    // What is not closed is found missing behind the last line.
    return Number.isNaN(line) ? undefined : Math.min(line, code.trimEnd().split('\n').length);
  }
}

/**
 * Where the code first calls `import()`. In the place of a call `class` is a syntax error; in a text, a comment, a
 * pattern or the name of a property it is none. So V8 itself says which it is. A file may name `import` thousands of
 * times, so the first call is found by halving.
 */
function importOffset(code: string, moreParameters: readonly string[]): number | undefined {
  const offsets = [...code.matchAll(/(?<![\w$])import(?![\w$])/g)].map(({ index }) => index);
  const isAmong = (count: number): boolean => {
    const end = offsets[count - 1]! + 'import'.length;
    const without = code.slice(0, end).replace(/(?<![\w$])import(?![\w$])/g, 'class');
    return syntaxProblem(`${without}${code.slice(end)}`, moreParameters) !== undefined;
  };
  if (offsets.length === 0 || !isAmong(offsets.length)) return undefined;
  let [without, withOne] = [0, offsets.length];
  while (withOne - without > 1) {
    const half = Math.floor((without + withOne) / 2);
    if (isAmong(half)) withOne = half;
    else without = half;
  }
  return offsets[withOne - 1];
}

/** What is wrong with a JSON Schema, undefined if it compiles. */
export function checkJsonSchema(schema: JsonObject): string | undefined {
  try {
    compileJson(schema);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
