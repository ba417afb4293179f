/** Checks the code and schemas of a cascade file before a worker gets them. Nothing is executed. */
import { Script } from 'node:vm';
import type { JsonObject } from '../util/json.ts';
import type { JsSource } from './js-function.ts';
import { CELL_PARAMETERS, compileJs } from './js-function.ts';
import { compileJson } from './json-validator.ts';

/** Returns the problem in the code of a js cell or ward, with its file and line; undefined if there is none. */
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

/** Returns the 1-based line of a syntax error. V8 reports the line only for scripts, not for functions made from text. */
function syntaxLine(code: string, moreParameters: readonly string[]): number | undefined {
  const kind = /\bawait\b/.test(code) ? 'async function' : 'function';
  try {
    const parameters = [...CELL_PARAMETERS, ...moreParameters].join();
    new Script(`'use strict'; (${kind} (${parameters}) {\n${code}\n})`, { filename: 'check' });
    return undefined;
  } catch (error) {
    const stack = error instanceof Error ? String(error.stack) : '';
    const line = Number(/^check:(\d+)/.exec(stack)?.[1]) - 1;
    // The end of something that is not closed is reported as missing after the last line.
    return Number.isNaN(line) ? undefined : Math.min(line, code.trimEnd().split('\n').length);
  }
}

/**
 * Returns the offset of the first call of `import()`. To find out whether an `import` in the code is a call, it is
 * replaced by `class`: in place of a call, `class` is a syntax error; in a string, a comment, a pattern or a property
 * name, it is not. A file may contain thousands of `import`s, so a binary search finds the first call.
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

/** Returns the problem in a JSON Schema; undefined if it compiles. */
export function checkJsonSchema(schema: JsonObject): string | undefined {
  try {
    compileJson(schema);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
