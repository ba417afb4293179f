/**
 * A realm of its own for the code of a cascade: a `vm` context with globals and prototypes that neither the engine nor
 * another cascade has. What the code does to them, a polyfill for example, reaches its own cascade alone.
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

/** A cell's code in its realm, and where its calls leave what they give. */
export interface CodeInRealm {
  readonly cell: InsideCell;
  readonly crossing: Crossing;
}

/** Compiles code, named `url` in stack traces, as `compileJs` does. */
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

/** Makes a realm. `noOutputs` is what `outputs` holds before a cell of the cascade has run. */
export function createRealm(noOutputs: JsonObject): CompileInRealm {
  script ??= new Script(
    `'use strict'; ({ mirrorGlobals: ${mirrorGlobals}, prepareCalls: ${prepareCalls}, Function, AsyncFunction: (async () => {}).constructor })`,
    { filename: 'rvbbit:realm' },
  );
  // A context around an object of ours would cost 347 ns for each global that a cell reads.
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
