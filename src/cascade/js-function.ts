/** The code of a js cell or ward as a function. */

/** The code of a js cell or ward, and where it stands: its first line is line `firstLine` of the file `source`. */
export interface JsSource {
  readonly code: string;
  readonly source: string;
  readonly firstLine: number;
}

/** What makes a function of a text, of the realm that the function is to be of. */
export interface FunctionKinds {
  readonly Function: FunctionConstructor;
  /** The same of async functions, which has no name of its own in the language. */
  readonly AsyncFunction: FunctionConstructor;
}

/** The compiled body of a js cell: a function of `input, outputs, state, signal` and more. */
export type JsFunction = (...args: readonly unknown[]) => unknown;

/** What js cells see. */
export const CELL_PARAMETERS: readonly string[] = ['input', 'outputs', 'state', 'signal'];
/** What js wards see beside it. */
export const WARD_PARAMETERS: readonly string[] = ['output'];

/** Lines that V8 and `'use strict'` put before the code's first line in a stack trace. */
export const CODE_LINE_OFFSET = 3;

const OWN_KINDS: FunctionKinds = {
  Function,
  AsyncFunction: (async () => {}).constructor as FunctionConstructor,
};

/**
 * Compiles code, named `url` in stack traces, as a function of the realm that `kinds` are of. Code without `await`
 * becomes a plain function, which is called twenty times faster than an async one. `moreParameters` come after
 * `signal`. Throws the SyntaxError of that realm.
 */
export function compileJs(
  code: string,
  url: string,
  moreParameters: readonly string[] = [],
  kinds = OWN_KINDS,
): JsFunction {
  const kind = /\bawait\b/.test(code) ? kinds.AsyncFunction : kinds.Function;
  const sourceUrl = url.replace(/\s/g, '_');
  return new kind(
    ...CELL_PARAMETERS,
    ...moreParameters,
    `'use strict';\n${code}\n//# sourceURL=${sourceUrl}`,
  ) as JsFunction;
}

/** Whether code asks for the fourth parameter; where it does not, none is made. */
export function usesSignal(code: string): boolean {
  return /\bsignal\b|\barguments\b/.test(code);
}

/** The 1-based line of the code on which it threw, from the error's stack. */
export function thrownLine(stack: string, url: string): number | undefined {
  const at = stack.indexOf(`${url.replace(/\s/g, '_')}:`);
  if (at < 0) return undefined;
  const line = Number(/:(\d+):\d+/.exec(stack.slice(at))?.[1]) - CODE_LINE_OFFSET;
  return line >= 1 ? line : undefined;
}
