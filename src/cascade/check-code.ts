/** Code and schemas in a cascade file, checked before a worker gets them. Nothing is executed. */
import type { JsonObject } from '../util/json.ts';
import { compileJs } from './js-function.ts';
import { compileJson } from './json-validator.ts';

/** What is wrong with the code of a js cell or ward, undefined if it compiles. */
export function checkJsCode(
  code: string,
  moreParameters: readonly string[] = [],
): string | undefined {
  if (code.trim() === '') return 'the code is empty';
  try {
    compileJs(code, 'check', moreParameters);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
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
