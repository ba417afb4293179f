/** Compiles the code of a js cell or ward to a function. */

/** The code of a js cell or ward, and its place: its first line is line `firstLine` of the file `source`. */
export interface JsSource {
  readonly code: string;
  readonly source: string;
  readonly firstLine: number;
}

/** The constructors of functions in the realm to which a compiled function shall belong. */
export interface FunctionKinds {
  readonly Function: FunctionConstructor;
  /** The constructor of async functions, which has no name in the language. */
  readonly AsyncFunction: FunctionConstructor;
}

/** The compiled body of a js cell: a function of `input, outputs, state, signal` and more. */
export type JsFunction = (...args: readonly unknown[]) => unknown;

/** The parameters of js cells. */
export const CELL_PARAMETERS: readonly string[] = ['input', 'outputs', 'state', 'signal'];
/** The further parameters of js wards. */
export const WARD_PARAMETERS: readonly string[] = ['output'];

/** Lines that V8 and `'use strict'` put before the code's first line in a stack trace. */
export const CODE_LINE_OFFSET = 3;

const OWN_KINDS: FunctionKinds = {
  Function,
  AsyncFunction: (async () => {}).constructor as FunctionConstructor,
};

/**
 * Compiles code, named `url` in stack traces, to a function of the realm that `kinds` belong to. Code without `await`
 * becomes a plain function, because calling it is twenty times faster than calling an async function. `moreParameters`
 * come after `signal`. Throws a SyntaxError of the realm of `kinds`.
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

/** Whether code uses the parameter `signal`. If it does not, no signal is made. */
export function usesSignal(code: string): boolean {
  return /\bsignal\b|\barguments\b/.test(code);
}

/** Finds in an error's stack the 1-based line of the code on which it was thrown. */
export function thrownLine(stack: string, url: string): number | undefined {
  const at = stack.indexOf(`${url.replace(/\s/g, '_')}:`);
  if (at < 0) return undefined;
  const line = Number(/:(\d+):\d+/.exec(stack.slice(at))?.[1]) - CODE_LINE_OFFSET;
  return line >= 1 ? line : undefined;
}
