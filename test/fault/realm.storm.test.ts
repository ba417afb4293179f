/** Accidents in the code of a cell, with cascades of other authors on the same worker: before, beside and after. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { startSimulator } from '../../src/sim/simulator.ts';
import { reportCases } from '../support/cases.ts';
import { leftTables } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'rvbbit-realm-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** What the accident's own row gives: its value, or its error. */
type Gives = string | RegExp;

/** Code that replaces something by what gives wrong answers, and goes on. */
function replaced(...targets: readonly string[]): [string, Gives][] {
  return targets.map((target) => [`${target}; return 'done'`, 'done']);
}

const READS = /^RVB_ANSWER_INVALID .*its answer cannot be read: /;
const THREW = /^RVB_CELL .*: cell a: /;
/** Called by the engine itself, this would get a list of the engine's and reach its globals by it. */
const TRAP = `new Proxy(function () { return [] }, { apply(_, __, args) {
  const theirs = args.constructor.constructor('return globalThis')();
  theirs.JSON.parse = () => 'FAKED'; args.constructor.prototype.map = null; return [];
} })`;

const ACCIDENTS: readonly (readonly [string, Gives])[] = [
  ...replaced(
    `const p = JSON.parse; JSON.parse = (...a) => {
       const v = p(...a); if (v?.choices) v.choices[0].message.content = 'FAKED'; return v }`,
    `JSON.stringify = () => '"HACK"'`,
    'Object.prototype.x = 1',
    `Object.prototype.refusal = 'x'`,
    `Object.prototype.toJSON = Array.prototype.toJSON = String.prototype.toJSON = () => 'HACK'`,
    'globalThis.Promise = null',
    'Promise.prototype.then = function () { return this }',
    'Promise.resolve = Promise.all = Promise.race = () => 0',
    'Array.prototype.map = Array.prototype.filter = Array.prototype.flatMap = () => []',
    'Array.prototype.push = Array.prototype.slice = Array.prototype.join = () => 0',
    'Array.prototype[Symbol.iterator] = function* () {}',
    'Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: true })',
    'Array.isArray = () => true',
    'Object.keys = Object.entries = Object.values = () => []',
    'Object.hasOwn = () => false; Object.prototype.hasOwnProperty = () => false',
    'Object.freeze = Object.assign = Object.fromEntries = Object.defineProperty = () => ({})',
    'Map.prototype.get = Map.prototype.set = Map.prototype.delete = () => undefined',
    'Set.prototype.has = Set.prototype.add = WeakMap.prototype.get = () => true',
    `String.prototype.replace = String.prototype.slice = String.prototype.trim = () => 'HACK'`,
    `String.prototype.startsWith = String.prototype.includes = String.prototype.split = () => []`,
    'RegExp.prototype.exec = () => null; RegExp.prototype.test = () => false',
    'Number.isFinite = Number.isSafeInteger = globalThis.isNaN = () => false',
    'Math.min = Math.max = Math.ceil = Math.random = () => NaN',
    'Date.now = () => 0; globalThis.Date = null',
    'performance.now = () => -1; globalThis.performance = null',
    'Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => 0',
    'Reflect.get = Reflect.ownKeys = Reflect.apply = () => undefined; globalThis.Proxy = null',
    'Symbol.prototype.toString = null; globalThis.Symbol = null',
    `Error.prototype.toString = () => 'HACK'; Error.stackTraceLimit = 0; Error.prepareStackTrace = () => 'HACK'`,
    'globalThis.Error = globalThis.TypeError = null',
    'globalThis.setTimeout = globalThis.clearTimeout = globalThis.setImmediate = () => 0',
    'globalThis.queueMicrotask = process.nextTick = () => {}',
    'globalThis.AbortController = null; AbortSignal.prototype.addEventListener = () => {}',
    'EventTarget.prototype.dispatchEvent = EventTarget.prototype.addEventListener = () => {}',
    `Buffer.byteLength = () => 0; Buffer.from = Buffer.concat = () => 'HACK'; Buffer.prototype.toString = () => 'HACK'`,
    'Uint8Array.prototype.set = Object.getPrototypeOf(Uint8Array.prototype).subarray = () => {}',
    `TextDecoder.prototype.decode = TextEncoder.prototype.encode = () => 'HACK'`,
    'URL.prototype.toString = null; globalThis.URL = globalThis.fetch = globalThis.Headers = null',
    'WebAssembly.Memory = WebAssembly.instantiate = null; globalThis.WebAssembly = null',
    'process.env = {}; process.exit = process.on = process.emitWarning = () => {}',
    'console.log = console.error = null; globalThis.crypto = globalThis.structuredClone = null',
    'Int32Array.prototype.fill = Atomics.store = Atomics.load = Atomics.add = () => 0',
    `process.getBuiltinModule('node:http').request = process.getBuiltinModule('node:crypto').createHash = null`,
    `input.constructor.prototype.x = 1; outputs.constructor.keys = null; state.constructor.entries = null`,
    `signal.constructor.prototype.x = 1; Object.getPrototypeOf(signal).aborted = true`,
    `const their = signal.constructor.constructor('return globalThis')(); their.JSON.parse = null`,
    'setTimeout(() => { Object.prototype.late = 1; Array.prototype.map = null }, 0)',
    `try { await Function('return import("node:fs")')() } catch {}`,
  ),
  ['return { get x() { throw new Error("boom") } }', READS],
  ['return { get x() { JSON.parse = null; Object.prototype.y = 1; return 1 } }', '{"x":1}'],
  ['let n = 0; return { get x() { return ++n } }', '{"x":1}'],
  [`return new Proxy({}, { ownKeys() { throw null } })`, READS],
  [`return new Proxy({}, { ownKeys: ${TRAP} })`, '{}'],
  [`return new Proxy({ x: 1 }, { get: (_, key) => (key === 'x' ? 7 : undefined) })`, '{"x":7}'],
  [`return new Proxy([], { get: ${TRAP} })`, '[]'],
  [`return { then: (ok) => ok('thenable') }`, 'thenable'],
  [`return { then: async (ok) => ok({ then: (ok2) => ok2('twice') }) }`, 'twice'],
  [`return { get then() { throw new Error('then') } }`, THREW],
  [`return { then(_, no) { no({ toString: ${TRAP} }) } }`, THREW],
  [`return new Proxy({}, { get: (_, key) => (key === 'then' ? (ok) => ok(1) : 2) })`, '1'],
  [`return await { then: ${TRAP} }`, /RVB_TIMEOUT/],
  [`throw new Proxy({}, { getPrototypeOf: ${TRAP} })`, THREW],
  [`throw { toString: ${TRAP} }`, THREW],
  ['throw { toString() { throw new Error("toString") } }', THREW],
  ['throw Object.assign(new Error("x"), { get message() { throw 1 } })', THREW],
  [`throw Object.defineProperty(new Error('x'), 'stack', { get: ${TRAP} })`, THREW],
  [`throw Object.assign(new Error('x'), { message: { toString: ${TRAP} } })`, THREW],
  [`throw Object.defineProperty(new Error('x'), 'name', { get: ${TRAP} })`, THREW],
  [
    `return String(Object.assign(new Error('x'), { message: { toString: ${TRAP} } }).stack)`,
    /^Error/,
  ],
  ['throw null', THREW],
  ['throw Symbol("s")', THREW],
  [`await 0; throw new Proxy(function () {}, { get: ${TRAP} })`, THREW],
  ['outputs.a = 1; return 1', /RVB_CELL .*object is not extensible|RVB_CELL .*read only/],
  ['state.n = 1; return 1', /RVB_CELL .*not extensible/],
  ['input.n = 7; return 1', /RVB_CELL .*read only/],
  ['return { a: { b: [1, undefined] } }', /answer\.a\.b\[1\] is undefined; leave it out/],
  [`return { a: '\\ud800' }`, /answer\.a has half of a surrogate pair/],
  ['(function f() { return f() + 1 })()', THREW],
];

/** Accidents that run beside one another, and beside the neighbours. */
const AT_ONCE = 8;

/** What ends its worker, as it does without a realm; the row is done again elsewhere. */
const FLOATING: readonly string[] = [
  `if (!globalThis.once) { globalThis.once = 1; Promise.reject(new Error('floats')) } return 'done'`,
  `setTimeout(() => { throw new Error('floats') }, 0); return 'done'`,
];

test('an accident in a cell changes no answer of a cascade beside it, nor what is kept', async () => {
  await using server = await startSimulator({
    rules: [{ when: { contains: 'Brand of' }, answer: { brand: 'sony', tags: ['a', 'b'] } }],
  });
  const file = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  file('says.yaml', 'cells: [{ name: says, instructions: "Say {{ input.w }}" }]');
  file(
    'brand.yaml',
    `cells:
  - name: ask
    instructions: "Brand of {{ input.w }}?"
    output_schema: { type: object, required: [brand, tags], properties: { brand: { type: string }, tags: { type: array, items: { type: string } } } }
  - { name: code, tool: js, inputs: { code: "return JSON.parse(JSON.stringify(outputs.ask.tags)).map((tag) => tag + input.w)" } }
output: "outputs.ask.brand | upper ~ outputs.code | join('-')"`,
  );
  const open = (): Promise<Engine> =>
    Engine.open({
      cascades: folder,
      threads: 1,
      stateDir: join(folder, 'state'),
      providers: { sim: { baseUrl: server.url, responseFormat: 'json_schema' } },
      model: 'sim/test-model',
    });
  /** Both neighbours over these words. */
  const neighbours = async (engine: Engine, ...words: readonly string[]): Promise<void> => {
    const list = words.map((word) => `('${word}')`).join();
    const [said, brands] = await Promise.all(
      ['says', 'brand'].map((name) =>
        engine.query(`RVBBIT MAP '${name}.yaml' AS v USING (SELECT w FROM (VALUES ${list}) t(w))`),
      ),
    );
    assert.equal(
      said!.rows,
      words.map((w) => ({ w, v: `Say ${w}` })),
    );
    assert.equal(
      brands!.rows,
      words.map((w) => ({ w, v: `SONYa${w}-b${w}` })),
    );
  };
  const accident = async (engine: Engine, at: number, code: string): Promise<string> => {
    // Where code names the signal, it gets one.
    const cell = `{ name: a, tool: js, timeout: 500ms, inputs: { code: ${JSON.stringify(code)} } }`;
    file(`accident${at}.yaml`, `cells: [${cell}]`);
    const { rows } = await engine.query(
      `RVBBIT MAP 'accident${at}.yaml' AS v USING (SELECT ${at} AS n) WITH (error_column = 'e')`,
      undefined,
      { valueForm: 'json' },
    );
    const error = rows[0]!['e'] as { code: string; message: string } | null;
    return error === null ? String(rows[0]!['v']) : `${error.code} ${error.message}`;
  };

  const words = ['before', 'after', 'last'];
  {
    await using engine = await open();
    let lost = 0;
    engine.events.on('worker.lost', () => {
      lost += 1;
    });
    await neighbours(engine, 'before');
    for (let at = 0; at < ACCIDENTS.length; at += AT_ONCE) {
      const some = ACCIDENTS.slice(at, at + AT_ONCE);
      words.push(`beside${at}`);
      const [, ...given] = await Promise.all([
        neighbours(engine, `beside${at}`),
        ...some.map(([code], i) => accident(engine, at + i, code)),
      ]);
      for (const [i, [code, gives]] of some.entries()) {
        if (typeof gives === 'string') assert.is(given[i], gives, code);
        else assert.match(given[i]!, gives, code);
      }
    }
    assert.is(lost, 0);
    await neighbours(engine, 'after');
    for (const [i, code] of FLOATING.entries()) {
      words.push(`floating${i}`);
      const [, gave] = await Promise.all([
        neighbours(engine, `floating${i}`),
        accident(engine, ACCIDENTS.length + i, code),
      ]);
      assert.match(gave, /^done$|^RVB_POISON_ROW/, code);
    }
    await neighbours(engine, 'last');
    assert.equal(await leftTables(engine), []);
  }
  const { calls } = server.ledger().totals;
  await using fresh = await open();
  await neighbours(fresh, ...words);
  assert.is(server.ledger().totals.calls, calls, 'all answers were kept');
  reportCases(ACCIDENTS.length + FLOATING.length, 'accidents in a cell');
});

test.run();
