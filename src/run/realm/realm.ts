/**
 * Makes a realm for the code of a cascade: a `vm` context whose globals and prototypes are shared neither with the
 * engine nor with another cascade. Changes to them, for example a polyfill, affect only the code of their own cascade.
 *
 * With the engine's own `URL`, `fetch` and so on in the context, 8 of the 80 accidents of the realm's storm test go
 * wrong: answers of other cascades become NULL, and two of the engines hang. JSON texts at the border would make a call
 * two to eight times slower.
 */
import { constants, createContext, Script } from 'node:vm';
import { compileJs, type FunctionKinds } from '../../cascade/js-function.ts';
import { MESSAGE_CHARS, VALUE_MAX_BYTES, VALUE_MAX_DEPTH } from '../../limits.ts';
import type { JsonObject } from '../../util/json.ts';
import {
  type CallSettings,
  type Crossing,
  type EngineMakers,
  type InsideCell,
  prepareCalls,
} from './inside-calls.ts';
import { type MakeCallback, mirrorGlobals } from './inside-globals.ts';

/** A cell's code in its realm, and the object in which its calls leave their results. */
export interface CodeInRealm {
  readonly cell: InsideCell;
  readonly crossing: Crossing;
}

/** Compiles code like `compileJs`, under the name `url` in stack traces. */
export type CompileInRealm = (
  code: string,
  url: string,
  moreParameters?: readonly string[],
) => CodeInRealm;

interface Inside extends FunctionKinds {
  readonly mirrorGlobals: typeof mirrorGlobals;
  readonly prepareCalls: typeof prepareCalls;
}

const makeCallback: MakeCallback = (inner) =>
  function callback(this: unknown, ...args: readonly unknown[]) {
    return inner(this, args);
  };

const make: EngineMakers = { object: () => ({}), list: () => [] };

let script: Script | undefined;

/**
 * Creates the globals that Node 22 and later make only when something first reads them, such as DOMException. If code of
 * a realm is the first to read them, Node aborts the process.
 */
function makeLateGlobals(): void {
  for (const name of Reflect.ownKeys(globalThis))
    Reflect.getOwnPropertyDescriptor(globalThis, name);
}

/** Makes a realm. `noOutputs` is the content of `outputs` before a cell of the cascade has run. */
export function createRealm(noOutputs: JsonObject): CompileInRealm {
  if (script === undefined) makeLateGlobals();
  script ??= new Script(
    `'use strict'; ({ mirrorGlobals: ${mirrorGlobals}, prepareCalls: ${prepareCalls}, Function, AsyncFunction: (async () => {}).constructor })`,
    { filename: 'rvbbit:realm' },
  );
  // With a context around an ordinary object, each global that a cell reads would cost 347 ns.
  const inside = script.runInContext(createContext(constants.DONT_CONTEXTIFY)) as Inside;
  const bring = inside.mirrorGlobals(globalThis, makeCallback);
  const crossing: Crossing = { value: null, maxBytes: 0, stack: '' };
  const settings: CallSettings = {
    maxDepth: VALUE_MAX_DEPTH,
    maxBytes: VALUE_MAX_BYTES,
    messageChars: MESSAGE_CHARS,
    noOutputs,
  };
  const prepare = inside.prepareCalls(settings, crossing, make, bring);
  return (code, url, moreParameters) => ({
    cell: prepare(compileJs(code, url, moreParameters, inside)),
    crossing,
  });
}
