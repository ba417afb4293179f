/**
 * How a cell's code is called inside its realm. The realm builds the arguments of the code, reads what the code returns
 * or throws exactly once, and gives the engine a copy that the code never sees. So no getter, trap or `then` of the code
 * runs outside its realm.
 *
 * The text of `prepareCalls` is evaluated in each realm, so the function uses nothing from outside itself. It takes what
 * it needs from the realm at its start, before a cell can change that.
 */
import type { Json, JsonObject } from '../../util/json.ts';

/** A cell's code as a function of its realm. The engine never reads its return value. */
export type CellFunction = (...args: readonly unknown[]) => unknown;

/**
 * How a call ended. `value`: the answer is in the crossing. `unfit`: the answer is not JSON, and the crossing says where
 * and why. `thrown`: the crossing has the message of the thrown value.
 */
export type CallEnd = 'value' | 'unfit' | 'thrown';

/** Holds the result of a call for the engine. The realm's next call overwrites it. */
export interface Crossing {
  value: Json;
  /** An upper bound of the value's bytes as JSON. */
  maxBytes: number;
  /** The stack of a thrown error; '' if it has none. */
  stack: string;
}

/** A cell's code, ready to be called. */
export interface InsideCell {
  /**
   * Starts a call. `outputs` is undefined if the cell is the only cell of its cascade. `output` is the value that a ward
   * judges.
   */
  begin(
    input: JsonObject,
    outputs: JsonObject | undefined,
    state: JsonObject,
    signal: AbortSignal | undefined,
    output: Json | undefined,
  ): CallEnd | 'waits';
  /**
   * Must be called once after `begin` returned `waits`, before another call begins. `done` is called when the code has
   * ended.
   */
  wait(done: (end: CallEnd) => void): void;
}

/** Makes empty objects and lists of the engine, which the realm fills with copies. */
export interface EngineMakers {
  readonly object: () => Record<string, Json>;
  readonly list: () => Json[];
}

/** The bounds of an answer, and the outputs of a cascade before a cell has run. */
export interface CallSettings {
  readonly maxDepth: number;
  readonly maxBytes: number;
  readonly messageChars: number;
  readonly noOutputs: JsonObject;
}

/** Returns the function that makes a cell of the realm from the cell's function. */
export function prepareCalls(
  settings: CallSettings,
  crossing: Crossing,
  make: EngineMakers,
  bring: (value: unknown) => unknown,
): (call: CellFunction) => InsideCell {
  const { apply, defineProperty, getPrototypeOf } = Reflect;
  const { freeze, keys: keysOf } = Object;
  const { isArray } = Array;
  const { isFinite: isFiniteNumber } = Number;
  const { isWellFormed, slice } = String.prototype;
  const ours = { Date, Error, Map, Promise, Set, String };
  const objectPrototype = Object.prototype;
  const hasInstance = Function.prototype[Symbol.hasInstance];
  const { maxDepth, maxBytes, messageChars } = settings;

  // Without this, Node writes the stack outside the realm, and would call `toString` of the error's parts there.
  const writeStack = (error: Error, sites: readonly unknown[]): string => {
    let stack = 'Error';
    try {
      stack = ours.String(error);
    } catch {
      // A getter, a trap or `toString` threw, as in `messageOf`.
    }
    for (let i = 0; i < sites.length; i++) stack += `\n    at ${sites[i]}`;
    return stack;
  };
  defineProperty(Error, 'prepareStackTrace', {
    value: writeStack,
    writable: true,
    configurable: true,
  });

  const copies = new WeakMap<object, unknown>();
  defineProperty(copies, 'get', { value: WeakMap.prototype.get });
  defineProperty(copies, 'set', { value: WeakMap.prototype.set });
  let copied = 0;

  const isA = (kind: unknown, value: unknown): boolean =>
    apply(hasInstance, kind as () => void, [value]);

  /** Makes a frozen copy. */
  function copy(value: Json): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (!isArray(value)) return copyEntries(value as JsonObject, copy);
    copied += value.length;
    const list: unknown[] = [];
    for (let i = 0; i < value.length; i++) list[i] = copy(value[i]!);
    return freeze(list);
  }

  function copyEntries(object: JsonObject, copyItem: (item: Json) => unknown): object {
    const made: Record<string, unknown> = {};
    // The object is the engine's own, so it inherits no enumerable key.
    for (const key in object) {
      copied++;
      const item = object[key]!;
      const own = typeof item === 'object' ? copyItem(item) : item;
      if (key === '__proto__') defineProperty(made, key, { value: own, enumerable: true });
      else made[key] = own;
    }
    return freeze(made);
  }

  /** Like `copy`, but a large value is copied once for all cells that get it. The engine never changes values. */
  function copyOnce(value: Json): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const known = copies.get(value);
    if (known !== undefined) return known;
    copied = 0;
    const made = copy(value);
    // To keep a copy costs as much as to copy 50 parts.
    if (copied > 50) copies.set(value, made);
    return made;
  }

  const nothing = freeze({});
  const noOutputs = copyEntries(settings.noOutputs, copy);

  function copyState(state: JsonObject): object {
    for (const _ in state) return copyEntries(state, copyOnce);
    return nothing;
  }

  /** The problem of the answer that is being read. Each level adds its part of the path while the error passes through it. */
  const unfit = { path: '', message: '', isWhole: false };
  /** The number of characters in the answer's texts, and the number of its parts, so far. */
  let chars = 0;
  let parts = 0;

  function refuse(message: string): never {
    unfit.path = '';
    unfit.message = message;
    unfit.isWhole = false;
    throw unfit;
  }

  function refuseWhole(): never {
    unfit.path = '';
    unfit.message = `has more than ${maxBytes} bytes as JSON`;
    unfit.isWhole = true;
    throw unfit;
  }

  /** Makes the engine's copy of a part of an answer. Throws `unfit`, or what a getter or trap throws. */
  function takePart(value: unknown, depth: number): Json {
    if (++parts > maxBytes) refuseWhole();
    switch (typeof value) {
      case 'string':
        return takeText(value);
      case 'number':
        if (!isFiniteNumber(value)) refuse(`is ${value}; return null or a finite number`);
        return value;
      case 'boolean':
        return value;
      case 'undefined':
        return refuse('is undefined; leave it out or return null');
      case 'object':
        break;
      case 'bigint':
        return refuse('is a BigInt; return a number or its text');
      default:
        return refuse(`is a ${typeof value}; return plain JSON`);
    }
    if (value === null) return null;
    if (depth >= maxDepth) refuse(`is nested deeper than ${maxDepth}, or a circle`);
    return isArray(value) ? takeList(value, depth) : takeObject(value, depth);
  }

  function takeText(text: string): string {
    if (!apply(isWellFormed, text, [])) {
      refuse('has half of a surrogate pair, which is no character; cut texts with [...text]');
    }
    chars += text.length;
    if (chars > maxBytes) refuseWhole();
    return text;
  }

  function takeList(list: readonly unknown[], depth: number): Json {
    const made = make.list();
    const { length } = list;
    let i = 0;
    try {
      for (; i < length; i++) made[i] = takePart(list[i], depth + 1);
    } catch (error) {
      if (error === unfit && !unfit.isWhole) unfit.path = `[${i}]${unfit.path}`;
      throw error;
    }
    return made;
  }

  function takeObject(object: object, depth: number): Json {
    const prototype = getPrototypeOf(object);
    if (prototype !== objectPrototype && prototype !== null) refuse(whatInstead(object));
    const keys = keysOf(object);
    const made = make.object();
    let key = '';
    try {
      for (let i = 0; i < keys.length; i++) {
        key = keys[i]!;
        takeText(key);
        const part = takePart((object as Record<string, unknown>)[key], depth + 1);
        if (key === '__proto__') defineProperty(made, key, { value: part, enumerable: true });
        else made[key] = part;
      }
    } catch (error) {
      if (error === unfit && !unfit.isWhole) unfit.path = `.${key}${unfit.path}`;
      throw error;
    }
    return made;
  }

  function whatInstead(value: object): string {
    if (isA(ours.Date, value)) return 'is a Date; return its .toISOString()';
    if (isA(ours.Map, value)) return 'is a Map; return Object.fromEntries(it)';
    if (isA(ours.Set, value)) return 'is a Set; return [...it]';
    if (isA(ours.Promise, value)) return 'is a Promise; await it';
    return `is a ${value.constructor?.name ?? 'class instance'}; return plain objects and arrays`;
  }

  /** Reads a cell's answer into the crossing. */
  function take(answer: unknown): CallEnd {
    chars = 0;
    parts = 0;
    try {
      crossing.value = answer === undefined ? null : takePart(answer, 0);
      // A character takes at most six bytes as JSON, and a number at most 25.
      crossing.maxBytes = 6 * chars + 32 * parts;
      return 'value';
    } catch (error) {
      crossing.value =
        error === unfit ? `${unfit.path} ${unfit.message}` : ` cannot be read: ${messageOf(error)}`;
      return 'unfit';
    }
  }

  function messageOf(thrown: unknown): string {
    try {
      const text = ours.String(isA(ours.Error, thrown) ? (thrown as Error).message : thrown);
      if (text.length <= messageChars) return text;
      return `${apply(slice, text, [0, messageChars - 1])}…`;
    } catch {
      // A getter, a trap or `toString` of the thrown value threw in turn.
      return 'threw something that has no text';
    }
  }

  function tell(thrown: unknown): CallEnd {
    crossing.value = messageOf(thrown);
    crossing.stack = '';
    try {
      const stack: unknown = isA(ours.Error, thrown) ? (thrown as Error).stack : '';
      if (typeof stack === 'string') crossing.stack = stack;
    } catch {
      // A getter, a trap or `toString` threw, as in `messageOf`.
    }
    return 'thrown';
  }

  function isThenable(value: unknown): boolean {
    return (
      typeof value === 'object' &&
      value !== null &&
      typeof (value as { readonly then?: unknown }).then === 'function'
    );
  }

  async function settle(answer: unknown, done: (end: CallEnd) => void): Promise<void> {
    let end: CallEnd;
    try {
      end = take(await answer);
    } catch (thrown) {
      end = tell(thrown);
    }
    done(end);
  }

  return (call) => {
    let waiting: unknown;
    return {
      begin(input, outputs, state, signal, output) {
        try {
          const isAlone = outputs === undefined;
          const answer = call(
            isAlone ? copy(input) : copyOnce(input),
            isAlone ? noOutputs : copyEntries(outputs, copyOnce),
            copyState(state),
            signal === undefined ? undefined : bring(signal),
            output === undefined ? null : copyOnce(output),
          );
          if (!isThenable(answer)) return take(answer);
          waiting = answer;
          return 'waits';
        } catch (thrown) {
          return tell(thrown);
        }
      },
      wait(done) {
        const answer = waiting;
        waiting = undefined;
        void settle(answer, done);
      },
    };
  };
}
