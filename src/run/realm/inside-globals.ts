/**
 * Gives a realm the globals of Node: `URL`, timers, `fetch`, `console`, `process` and the rest, as mirrors. A mirror is
 * an object of the realm that stands for an object of the engine: it reads and calls the engine's object, and what a
 * cell writes to it stays in the realm.
 *
 * The text of `mirrorGlobals` is evaluated in each realm, so the function uses nothing from outside itself. It takes
 * what it needs from the realm at its start, before a cell can change that.
 */

type AnyFunction = (...args: never[]) => unknown;
type Memo = WeakMap<object, object>;

/** Makes a function of the engine that calls `inner`, a function of the realm. */
export type MakeCallback = (
  inner: (self: unknown, args: readonly unknown[]) => unknown,
) => AnyFunction;

/**
 * Gives the realm each global of `host` that it lacks. Returns `bring`, which turns a value of the engine into a value
 * of the realm: data is copied, a promise is followed, any other object is mirrored.
 *
 * A value that a cell passes to the engine goes the other way, through `send`: data is copied, a mirror becomes its
 * original, and a function becomes a function of the engine that calls it.
 */
export function mirrorGlobals(
  host: typeof globalThis,
  makeCallback: MakeCallback,
): (value: unknown) => unknown {
  const { apply, construct, defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
  const { getPrototypeOf, setPrototypeOf } = Reflect;
  const { isArray } = Array;
  const { isView } = ArrayBuffer;
  const ours = { Array, Date, Error, Map, Promise, RegExp, Set, Uint8Array, WeakMap };
  const objectPrototype = Object.prototype;
  const getterOf = (prototype: object, name: PropertyKey): AnyFunction =>
    getOwnPropertyDescriptor(prototype, name)!.get as AnyFunction;
  const arrays = (getPrototypeOf(Uint8Array) as FunctionConstructor).prototype as object;
  const viewType = getterOf(arrays, Symbol.toStringTag);
  const views: Record<string, unknown> = {};
  const bufferSizes = [
    getterOf(ArrayBuffer.prototype, 'byteLength'),
    getterOf(SharedArrayBuffer.prototype, 'byteLength'),
  ];
  const ofArray = {
    buffer: getterOf(arrays, 'buffer'),
    offset: getterOf(arrays, 'byteOffset'),
    length: getterOf(arrays, 'length'),
  };
  const ofDataView = {
    buffer: getterOf(DataView.prototype, 'buffer'),
    offset: getterOf(DataView.prototype, 'byteOffset'),
    length: getterOf(DataView.prototype, 'byteLength'),
  };
  const source = getterOf(RegExp.prototype, 'source');
  const flags = getterOf(RegExp.prototype, 'flags');
  const hasInstance = Function.prototype[Symbol.hasInstance];
  const { then } = Promise.prototype;
  const { getTime } = Date.prototype;
  const { forEach: forEachEntry } = Map.prototype;
  const { forEach: forEachItem } = Set.prototype;
  const memoMethods = { get: WeakMap.prototype.get, set: WeakMap.prototype.set };
  const wellKnown: Record<PropertyKey, boolean> = {};
  for (const name of ownKeys(Symbol)) {
    const symbol: unknown = Reflect.get(Symbol, name);
    if (typeof symbol === 'symbol') wellKnown[symbol] = true;
  }

  /** Makes a map that still works if a cell changes `WeakMap.prototype`. */
  function newMemo(): Memo {
    const memo = new ours.WeakMap<object, object>();
    defineProperty(memo, 'get', { value: memoMethods.get });
    defineProperty(memo, 'set', { value: memoMethods.set });
    return memo;
  }
  /**
   * `brought` has the realm's object for an object of the engine; `hosts` has the engine's object for an object of the
   * realm.
   */
  const brought = newMemo();
  const hosts = newMemo();

  function pair(theirs: unknown, mine: unknown): void {
    if (!isObject(theirs) || !isObject(mine)) return;
    brought.set(theirs, mine);
    hosts.set(mine, theirs);
  }

  function isObject(value: unknown): value is object {
    return (typeof value === 'object' && value !== null) || typeof value === 'function';
  }

  function isA(kind: unknown, value: object): boolean {
    return apply(hasInstance, kind as AnyFunction, [value]);
  }

  /** True for an object of the realm, including mirrors. */
  function isOfRealm(value: object): boolean {
    let last = value;
    for (let next = getPrototypeOf(last); next !== null; next = getPrototypeOf(last)) last = next;
    return last === objectPrototype;
  }

  function isBuffer(value: object): boolean {
    for (let i = 0; i < bufferSizes.length; i++) {
      try {
        apply(bufferSizes[i]!, value, []);
        return true;
      } catch {
        // The value is not a buffer of this kind.
      }
    }
    return false;
  }

  function put(target: object, key: PropertyKey, value: unknown, enumerable = true): void {
    defineProperty(target, key, { value, enumerable, writable: true, configurable: true });
  }

  /** Calls a function of the engine for a cell. */
  function leave(fn: AnyFunction, self: unknown, args: readonly unknown[]): unknown {
    try {
      return bring(apply(fn, send(self), sendAll(args) as never[]));
    } catch (thrown) {
      throw bring(thrown);
    }
  }

  /**
   * Turns a value of the engine into a value of the realm. `seen` holds the copies made so far for the value that this
   * one is a part of.
   */
  function bring(value: unknown, seen?: Memo): unknown {
    if (!isObject(value)) return value;
    const known = brought.get(value) ?? seen?.get(value);
    if (known !== undefined) return known;
    if (isOfRealm(value)) return value;
    if (typeof value === 'function') return mirror(value);
    if (isView(value)) return bringView(value);
    const copies = seen ?? newMemo();
    if (isArray(value)) {
      const list: unknown[] = [];
      copies.set(value, list);
      for (let i = 0; i < value.length; i++) put(list, i, bring(value[i], copies));
      return list;
    }
    const prototype = getPrototypeOf(value);
    if (prototype === host.Object.prototype || prototype === null) {
      const keys = ownKeys(value);
      for (let i = 0; i < keys.length; i++) {
        const own = getOwnPropertyDescriptor(value, keys[i]!)!;
        // The object is a module, or it has methods.
        if (!('value' in own) || typeof own.value === 'function') return mirror(value);
      }
      const object = {};
      copies.set(value, object);
      for (let i = 0; i < keys.length; i++) {
        const { value: item, enumerable } = getOwnPropertyDescriptor(value, keys[i]!)!;
        put(object, keys[i]!, bring(item, copies), enumerable);
      }
      return object;
    }
    if (prototype === host.Map.prototype) {
      const map = new ours.Map<unknown, unknown>();
      copies.set(value, map);
      apply(forEachEntry, value, [
        (item: unknown, key: unknown) => map.set(bring(key, copies), bring(item, copies)),
      ]);
      return map;
    }
    if (prototype === host.Set.prototype) {
      const set = new ours.Set<unknown>();
      copies.set(value, set);
      apply(forEachItem, value, [(item: unknown) => set.add(bring(item, copies))]);
      return set;
    }
    if (prototype === host.Date.prototype) return new ours.Date(apply(getTime, value, []));
    if (prototype === host.RegExp.prototype) return copyRegExp(ours.RegExp, value);
    if (isA(host.Promise, value)) return follow(value as Promise<unknown>);
    if (isBuffer(value)) {
      // A SharedArrayBuffer is shared between threads, so it is not copied.
      if (!isA(host.ArrayBuffer, value)) return value;
      return new ours.Uint8Array(new host.Uint8Array(value as ArrayBuffer)).buffer;
    }
    return mirror(value);
  }

  function follow(promise: Promise<unknown>): object {
    const followed = new ours.Promise((resolve, reject) => {
      apply(host.Promise.prototype.then, promise, [
        makeCallback((_, args) => resolve(bring(args[0]))),
        makeCallback((_, args) => reject(bring(args[0]))),
      ] as never);
    });
    brought.set(promise, followed);
    return followed;
  }

  /** Makes a view of a copy of the engine's memory. The realm's own memory and shared memory are not copied. */
  function bringView(view: ArrayBufferView): object {
    const { buffer, byteOffset, byteLength } = view;
    const type = apply(viewType, view, []) as string | undefined;
    const length = type === undefined ? byteLength : (view as Uint8Array).length;
    const isCopied = isA(host.ArrayBuffer, buffer);
    const memory = isCopied
      ? new ours.Uint8Array(new host.Uint8Array(buffer, byteOffset, byteLength)).buffer
      : (buffer as ArrayBuffer);
    const View = views[type ?? 'DataView'] as Uint8ArrayConstructor;
    const made = new View(memory, isCopied ? 0 : byteOffset, length);
    const prototype = mirrorOf(getPrototypeOf(view))!;
    if (getPrototypeOf(made) !== prototype) setPrototypeOf(made, prototype);
    if (!isCopied) brought.set(view, made);
    return made;
  }

  function copyRegExp(kind: RegExpConstructor, value: object): object {
    return new kind(apply(source, value, []) as string, apply(flags, value, []) as string);
  }

  /** Returns the mirror of an object, always the same one. The mirror of a built-in class or prototype is the realm's own. */
  function mirrorOf(theirs: object | null): object | null {
    return theirs === null ? null : (brought.get(theirs) ?? mirror(theirs));
  }

  function mirror(theirs: object): object {
    const isFunction = typeof theirs === 'function';
    let mine: object = {};
    if (isFunction) mine = mirrorFunction(theirs as AnyFunction);
    else if (isA(host.Error, theirs)) mine = new ours.Error();
    pair(theirs, mine);
    const prototype = getPrototypeOf(theirs);
    // The prototype of an async function is not a function, and the mirror of an async function is a plain function.
    if (!isFunction || typeof prototype === 'function') {
      setPrototypeOf(mine, mirrorOf(prototype));
    }
    const keys = ownKeys(theirs);
    for (let i = 0; i < keys.length; i++) reflect(mine, theirs, keys[i]!);
    return mine;
  }

  function mirrorFunction(fn: AnyFunction): object {
    return function mine(this: unknown, ...args: unknown[]): unknown {
      const target = new.target as unknown as AnyFunction | undefined;
      if (target === undefined) return leave(fn, this, args);
      try {
        const made = bring(construct(fn, sendAll(args))) as object;
        if (target !== mine) setPrototypeOf(made, target.prototype as object);
        return made;
      } catch (thrown) {
        throw bring(thrown);
      }
    };
  }

  /** Mirrors one property. It is read from the engine's object at each access, until a cell replaces its value. */
  function reflect(mine: object, theirs: object, key: PropertyKey): void {
    if (typeof key === 'symbol' && !wellKnown[key]) return;
    const { get, set, value, enumerable } = getOwnPropertyDescriptor(theirs, key)!;
    if (typeof theirs === 'function') {
      if (key === 'caller' || key === 'arguments') return;
      if (key === 'prototype') {
        defineProperty(mine, key, { value: mirrorOf(value as object) });
        return;
      }
    }
    const isAccessor = get !== undefined || set !== undefined;
    defineProperty(mine, key, {
      get(this: unknown) {
        if (isAccessor) return get === undefined ? undefined : leave(get, this, []);
        return bring((theirs as Record<PropertyKey, unknown>)[key]);
      },
      set(this: object, next: unknown) {
        // An inherited setter changes only an object that the cell made. A setter of `mine` would change the engine's
        // object, so the value stays in the realm.
        if (!isAccessor || this === mine) put(this, key, next, enumerable);
        else if (set !== undefined) leave(set, this, [next]);
      },
      enumerable: enumerable === true,
      configurable: true,
    });
  }

  function sendAll(args: readonly unknown[]): unknown[] {
    const sent: unknown[] = [];
    for (let i = 0; i < args.length; i++) put(sent, i, send(args[i]));
    return sent;
  }

  /** Turns a value of a cell into a value for the engine. Code of the cell in it (a getter, a trap) runs here, in the realm. */
  function send(value: unknown, seen?: Memo): unknown {
    if (!isObject(value)) return value;
    const known = hosts.get(value) ?? seen?.get(value);
    if (known !== undefined) return known;
    if (typeof value === 'function') return sendFunction(value as AnyFunction);
    if (isView(value)) return sendView(value);
    if (isBuffer(value)) return value;
    const copies = seen ?? newMemo();
    const begin = <T extends object>(made: T): T => {
      copies.set(value, made);
      // If the engine passes the value back unchanged, as a timer does, the cell gets the same object again.
      brought.set(made, value);
      return made;
    };
    if (isArray(value)) {
      const list = begin(new host.Array<unknown>());
      for (let i = 0; i < value.length; i++) put(list, i, send(value[i], copies));
      return list;
    }
    if (isA(ours.Map, value)) {
      const map = begin(new host.Map<unknown, unknown>());
      apply(forEachEntry, value, [
        (item: unknown, key: unknown) => map.set(send(key, copies), send(item, copies)),
      ]);
      return map;
    }
    if (isA(ours.Set, value)) {
      const set = begin(new host.Set<unknown>());
      apply(forEachItem, value, [(item: unknown) => set.add(send(item, copies))]);
      return set;
    }
    if (isA(ours.Date, value)) return begin(new host.Date(apply(getTime, value, [])));
    if (isA(ours.RegExp, value)) return begin(copyRegExp(host.RegExp, value));
    if (isA(ours.Promise, value)) return begin(sendPromise(value));
    const isError = isA(ours.Error, value);
    const object = begin(isError ? new host.Error() : {});
    const prototype = (isError && hosts.get(getPrototypeOf(value)!)) || host.Object.prototype;
    setPrototypeOf(object, prototype);
    const keys = ownKeys(value);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      if (typeof key === 'symbol') continue;
      const own = getOwnPropertyDescriptor(value, key);
      if (own === undefined || !(own.enumerable || isError)) continue;
      put(object, key, send((value as Record<string, unknown>)[key], copies), own.enumerable);
    }
    return object;
  }

  function sendFunction(fn: AnyFunction): AnyFunction {
    const theirs = makeCallback((self, args) => {
      const given: unknown[] = [];
      for (let i = 0; i < args.length; i++) put(given, i, bring(args[i]));
      return send(apply(fn, bring(self), given as never[]));
    });
    pair(theirs, fn);
    return theirs;
  }

  function sendPromise(promise: object): object {
    const executor = makeCallback((_, settlers) => {
      const settle = (by: unknown) => (value: unknown) => {
        apply(by as AnyFunction, undefined, [send(value)] as never[]);
      };
      apply(then, promise, [settle(settlers[0]), settle(settlers[1])]);
    });
    return new host.Promise(executor as never);
  }

  /** Makes a view of the same memory for the engine. */
  function sendView(view: object): object {
    const type = apply(viewType, view, []) as string | undefined;
    const parts = type === undefined ? ofDataView : ofArray;
    const buffer = apply(parts.buffer, view, []) as ArrayBuffer;
    const offset = apply(parts.offset, view, []) as number;
    const length = apply(parts.length, view, []) as number;
    const View = (host as unknown as Record<string, unknown>)[
      type ?? 'DataView'
    ] as Uint8ArrayConstructor;
    const made = isA(bring(host.Buffer), view)
      ? host.Buffer.from(buffer, offset, length)
      : new View(buffer, offset, length);
    brought.set(made, view);
    return made;
  }

  for (const key of ownKeys(globalThis)) {
    const mine: unknown = Reflect.get(globalThis, key);
    const theirs: unknown = Reflect.get(host, key);
    if (key === 'console' || typeof mine !== typeof theirs) continue;
    pair(theirs, mine);
    if (typeof mine !== 'function') continue;
    pair((theirs as AnyFunction).prototype, mine.prototype);
    views[key as string] = mine;
  }
  pair(host, globalThis);
  pair(getPrototypeOf(host.Uint8Array), getPrototypeOf(Uint8Array));
  pair(host.Object.getPrototypeOf(host.Uint8Array.prototype), arrays);
  for (const key of ownKeys(host)) {
    // Globals whose names start with two underscores belong to some library.
    const isNodes = typeof key === 'symbol' || !key.startsWith('__');
    if (key === 'console' || (isNodes && !(key in globalThis))) reflect(globalThis, host, key);
  }
  return bring;
}
