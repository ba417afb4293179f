/** The code of a js cell or ward as a function. */
import type { Json, JsonObject } from '../util/json.ts';

/** The compiled body of a js cell. It may return anything, or a promise of it. */
export type JsFunction = (
  input: JsonObject,
  outputs: JsonObject,
  state: JsonObject,
  signal: AbortSignal | undefined,
  ...more: readonly Json[]
) => unknown;

/** What js wards see beside what js cells see. */
export const WARD_PARAMETERS: readonly string[] = ['output'];

/** Lines that V8 and `'use strict'` put before the code's first line in a stack trace. */
export const CODE_LINE_OFFSET = 3;

const AsyncFunction = (async () => {}).constructor as FunctionConstructor;

/**
 * Compiles code, named `url` in stack traces. Code without `await` becomes a plain function, which is
 * called twenty times faster than an async one. `moreParameters` come after `signal`. Throws SyntaxError.
 */
export function compileJs(
  code: string,
  url: string,
  moreParameters: readonly string[] = [],
): JsFunction {
  const kind = /\bawait\b/.test(code) ? AsyncFunction : Function;
  const sourceUrl = url.replace(/\s/g, '_');
  return new kind(
    'input',
    'outputs',
    'state',
    'signal',
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
