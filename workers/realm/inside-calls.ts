/**
 * How a cell's code is called inside its realm. What the code gets is built in the realm, and what it gives or throws
 * is read there: text, numbers and booleans alone cross to the engine, so no getter, trap or `then` runs outside.
 *
 * The text of `prepareCalls` is evaluated in each realm, so the function uses nothing from outside of itself. It takes
 * what it needs of the realm at its start, before a cell can change that.
 */
import type { Json, JsonObject } from '../../src/json.ts';

/** A cell's code as a function of its realm. The engine never reads what it returns. */
export type CellFunction = (...args: readonly unknown[]) => unknown;

/**
 * How a call ended. `value`: with the text, number, boolean or null in the crossing; `json`: with JSON text;
 * `unfit`: its answer is not JSON, and the crossing says where and why; `thrown`: with the message of what it threw.
 */
export type CallEnd = 'value' | 'json' | 'unfit' | 'thrown';

/** Where a call leaves what the engine may have. It is overwritten by the realm's next call. */
export interface Crossing {
  value: string | number | boolean | null;
  /** The stack of a thrown error, '' where it has none. */
  stack: string;
}

/** A cell's code, ready to be called. */
export interface InsideCell {
  /** `outputs` is undefined where the cell is the only one of its cascade; `output` is what a ward judges. */
  begin(
    input: JsonObject,
    outputs: JsonObject | undefined,
    state: JsonObject,
    signal: AbortSignal | undefined,
    output: Json | undefined,
  ): CallEnd | 'waits';
  /** Once after `begin` said `waits`, before another call begins: `done` is called when the code has ended. */
  wait(done: (end: CallEnd) => void): void;
}

/** The bounds of an answer, and the outputs of a cascade of which no cell has run. */
export interface CallSettings {
  readonly maxDepth: number;
  readonly maxChars: number;
  readonly messageChars: number;
  readonly noOutputs: JsonObject;
}

/** Gives what makes a cell of the realm from its function. */
export function prepareCalls(
  settings: CallSettings,
  crossing: Crossing,
  bring: (value: unknown) => unknown,
): (call: CellFunction) => InsideCell {
  const { apply, defineProperty, getPrototypeOf } = Reflect;
  const { freeze, keys: keysOf } = Object;
  const { isArray } = Array;
  const { isFinite: isFiniteNumber } = Number;
  const { stringify } = JSON;
  const { isWellFormed, slice } = String.prototype;
  const ours = { Date, Error, Map, Promise, Set, String };
  const objectPrototype = Object.prototype;
  const hasInstance = Function.prototype[Symbol.hasInstance];
  const { maxDepth, maxChars, messageChars } = settings;

  const copies = new WeakMap<object, unknown>();
  defineProperty(copies, 'get', { value: WeakMap.prototype.get });
  defineProperty(copies, 'set', { value: WeakMap.prototype.set });

  const isA = (kind: unknown, value: unknown): boolean =>
    apply(hasInstance, kind as () => void, [value]);

  /** A frozen copy. */
  function copy(value: Json): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (!isArray(value)) return copyEntries(value as JsonObject, copy);
    const list: unknown[] = [];
    for (let i = 0; i < value.length; i++) list[i] = copy(value[i]!);
    return freeze(list);
  }

  function copyEntries(object: JsonObject, copyItem: (item: Json) => unknown): object {
    const made: Record<string, unknown> = {};
    // The object is the engine's own: nothing enumerable is inherited.
    for (const key in object) {
      const item = object[key]!;
      const copied = typeof item === 'object' ? copyItem(item) : item;
      if (key === '__proto__') defineProperty(made, key, { value: copied, enumerable: true });
      else made[key] = copied;
    }
    return freeze(made);
  }

  /** As `copy`, once for all cells that get the value: the engine does not change what cells have given. */
  function copyOnce(value: Json): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const known = copies.get(value);
    if (known !== undefined) return known;
    const made = copy(value);
    copies.set(value, made);
    return made;
  }

  const nothing = freeze({});
  const noOutputs = copyEntries(settings.noOutputs, copy);

  function copyState(state: JsonObject): object {
    for (const _ in state) return copyEntries(state, copyOnce);
    return nothing;
  }

  /** What is wrong with the answer that is being written. The path is put together while it unwinds. */
  const unfit = { path: '', message: '', isWhole: false };
  let chars = 0;

  function refuse(message: string, isWhole = false): never {
    unfit.path = '';
    unfit.message = message;
    unfit.isWhole = isWhole;
    throw unfit;
  }

  /** The JSON text of a part of an answer; throws `unfit`, or what a getter or trap throws. */
  function write(value: unknown, depth: number): string {
    switch (typeof value) {
      case 'string':
        return writeText(value);
      case 'number':
        if (!isFiniteNumber(value)) refuse(`is ${value}; return null or a finite number`);
        return `${value}`;
      case 'boolean':
        return value ? 'true' : 'false';
      case 'undefined':
        return refuse('is undefined; leave it out or return null');
      case 'object':
        break;
      case 'bigint':
        return refuse('is a BigInt; return a number or its text');
      default:
        return refuse(`is a ${typeof value}; return plain JSON`);
    }
    if (value === null) return 'null';
    if (depth >= maxDepth) refuse(`is nested deeper than ${maxDepth}, or a circle`);
    return isArray(value) ? writeList(value, depth) : writeObject(value, depth);
  }

  function writeText(text: string): string {
    if (!apply(isWellFormed, text, [])) {
      refuse('has half of a surrogate pair, which is no character; cut texts with [...text]');
    }
    const json = stringify(text);
    chars += json.length;
    if (chars > maxChars) refuse(`has more than ${maxChars} bytes as JSON`, true);
    return json;
  }

  function writeList(list: readonly unknown[], depth: number): string {
    let json = '[';
    let i = 0;
    try {
      for (; i < list.length; i++) {
        if (i > 0) json += ',';
        json += write(list[i], depth + 1);
        if (json.length > maxChars) refuse(`has more than ${maxChars} bytes as JSON`, true);
      }
    } catch (error) {
      if (error === unfit && !unfit.isWhole) unfit.path = `[${i}]${unfit.path}`;
      throw error;
    }
    return `${json}]`;
  }

  function writeObject(object: object, depth: number): string {
    const prototype = getPrototypeOf(object);
    if (prototype !== objectPrototype && prototype !== null) refuse(whatInstead(object));
    const keys = keysOf(object);
    let json = '{';
    let key = '';
    try {
      for (let i = 0; i < keys.length; i++) {
        key = keys[i]!;
        if (i > 0) json += ',';
        json += `${writeText(key)}:`;
        json += write((object as Record<string, unknown>)[key], depth + 1);
      }
    } catch (error) {
      if (error === unfit && !unfit.isWhole) unfit.path = `.${key}${unfit.path}`;
      throw error;
    }
    return `${json}}`;
  }

  function whatInstead(value: object): string {
    if (isA(ours.Date, value)) return 'is a Date; return its .toISOString()';
    if (isA(ours.Map, value)) return 'is a Map; return Object.fromEntries(it)';
    if (isA(ours.Set, value)) return 'is a Set; return [...it]';
    if (isA(ours.Promise, value)) return 'is a Promise; await it';
    return `is a ${value.constructor?.name ?? 'class instance'}; return plain objects and arrays`;
  }

  /** Takes what a cell gave: most often a text or a number, which crosses as it is. */
  function take(answer: unknown): CallEnd {
    try {
      switch (typeof answer) {
        case 'string':
          if (!apply(isWellFormed, answer, [])) writeText(answer);
          crossing.value = answer;
          return 'value';
        case 'number':
          if (!isFiniteNumber(answer)) write(answer, 0);
          crossing.value = answer;
          return 'value';
        case 'boolean':
          crossing.value = answer;
          return 'value';
        case 'undefined':
          crossing.value = null;
          return 'value';
        default:
          if (answer === null) {
            crossing.value = null;
            return 'value';
          }
          chars = 0;
          crossing.value = write(answer, 0);
          return 'json';
      }
    } catch (error) {
      crossing.value =
        error === unfit
          ? `${unfit.path} ${unfit.message}`
          : ` cannot be read: ${messageOf(error, 'it threw something that has no text')}`;
      return 'unfit';
    }
  }

  function messageOf(thrown: unknown, otherwise: string): string {
    try {
      const said = isA(ours.Error, thrown) ? (thrown as Error).message : thrown;
      const text = ours.String(said);
      if (text.length <= messageChars) return text;
      return `${apply(slice, text, [0, messageChars - 1])}…`;
    } catch {
      // A getter, a trap or `toString` of what was thrown threw in turn.
      return otherwise;
    }
  }

  function tell(thrown: unknown): CallEnd {
    crossing.value = messageOf(thrown, 'threw something that has no text');
    crossing.stack = '';
    try {
      const stack: unknown = isA(ours.Error, thrown) ? (thrown as Error).stack : '';
      if (typeof stack === 'string') crossing.stack = stack;
    } catch {
      // As above.
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
