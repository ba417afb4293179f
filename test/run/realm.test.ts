/** What a cell's code has at hand in its realm. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CallEnd } from '../../src/run/realm/inside-calls.ts';
import { type CompileInRealm, createRealm } from '../../src/run/realm/realm.ts';
import type { Json } from '../../src/util/json.ts';

/** What code gives in a realm, or how it ends and why. */
async function give(code: string, compile: CompileInRealm = createRealm({})): Promise<Json> {
  const { cell, crossing } = compile(code, 'test');
  const begun = cell.begin({ n: 1, list: [{ deep: 1 }] }, undefined, {}, undefined, undefined);
  const end = begun === 'waits' ? await new Promise<CallEnd>((done) => cell.wait(done)) : begun;
  return end === 'value' ? crossing.value : `${end}: ${crossing.value}`;
}

test('the globals of Node work in a realm as they do outside', async () => {
  const given: readonly (readonly [string, Json])[] = [
    [`new URL('/a?x=1#h', 'http://h.de').href`, 'http://h.de/a?x=1#h'],
    [
      `(() => { const u = new URL('http://h/a?x=1'); u.searchParams.append('z', '3'); u.hash = 'q';
        return [String(u), u instanceof URL, ...u.searchParams] })()`,
      ['http://h/a?x=1&z=3#q', true, ['x', '1'], ['z', '3']],
    ],
    [`(class extends URL { tld() { return this.hostname.slice(-2) } }, 1)`, 1],
    [
      `new (class extends URL { tld() { return this.hostname.slice(-2) } })('http://h.de').tld()`,
      'de',
    ],
    [`new URLSearchParams(new Map([['m', '1 2']])).toString()`, 'm=1+2'],
    [`[...new TextEncoder().encode('ä')]`, [195, 164]],
    [`new TextDecoder().decode(new Uint8Array([195, 164]))`, 'ä'],
    [`[atob('YQ=='), btoa('a')]`, ['a', 'YQ==']],
    [`Buffer.concat([Buffer.from('aGk=', 'base64'), Buffer.from('!')]).toString()`, 'hi!'],
    [
      `(() => { const b = Buffer.alloc(3); b.write('hi'); b[2] = 33; return [b instanceof Uint8Array, b.toString()] })()`,
      [true, 'hi!'],
    ],
    [`(() => { const b = new Uint8Array(2); return crypto.getRandomValues(b) === b })()`, true],
    [`crypto.randomUUID().length`, 36],
    [
      `Buffer.from(await crypto.subtle.digest('SHA-1', new TextEncoder().encode('a'))).toString('hex')`,
      '86f7e437faa5a7fce15d1ddcb9eaeaea377667b8',
    ],
    [
      `(() => { const c = { at: new Date(0), tags: new Set(['x']), by: new Map([[1, /x/g]]), of: new RangeError('r') };
        c.self = c; const d = structuredClone(c);
        return [d !== c, d.self === d, d.at.toISOString(), [...d.tags], d.by.get(1).flags, d.of instanceof RangeError] })()`,
      [true, true, '1970-01-01T00:00:00.000Z', ['x'], 'g', true],
    ],
    [`await new Promise((r) => setTimeout(r, 1, 'late'))`, 'late'],
    [
      `await (async () => { const o = {}; return (await new Promise((r) => setImmediate(r, o))) === o })()`,
      true,
    ],
    [
      `await new Promise((r) => { const t = setInterval(() => { clearInterval(t); r('once') }, 1) })`,
      'once',
    ],
    [`await new Promise((r) => queueMicrotask(() => r('soon')))`, 'soon'],
    [`performance.now() > 0`, true],
    [`await (await fetch('data:application/json,[1]')).json()`, [1]],
    [`Object.fromEntries(new Headers({ a: '1' }))`, { a: '1' }],
    [
      `(() => { const c = new AbortController(); let said; c.signal.onabort = (e) => { said = e.type }; c.abort();
        return [said, c.signal.aborted, c.signal.reason instanceof DOMException] })()`,
      ['abort', true, true],
    ],
    [
      `(() => { const t = new EventTarget(); let d; t.addEventListener('x', (e) => { d = e.detail });
        const o = {}; t.dispatchEvent(new CustomEvent('x', { detail: o })); return d === o })()`,
      true,
    ],
    [`process.getBuiltinModule('node:path').join('a', 'b')`, 'a/b'],
    [
      `process.getBuiltinModule('node:crypto').createHash('md5').update('a').digest('hex')`,
      '0cc175b9c0f1b6a831c399e269772661',
    ],
    [
      `(() => { try { process.getBuiltinModule('node:fs').readFileSync('/nope') } catch (e) { return [e instanceof Error, e.code] } })()`,
      [true, 'ENOENT'],
    ],
    [
      `(() => { try { new URL('no') } catch (e) { return [e.constructor === TypeError, e.code] } })()`,
      [true, 'ERR_INVALID_URL'],
    ],
    [`new Intl.NumberFormat('de').format(1234.5)`, '1.234,5'],
    [`[typeof WebAssembly, typeof Atomics, typeof require]`, ['object', 'object', 'undefined']],
    [
      `[globalThis === global, Object.keys(globalThis).some((key) => key.startsWith('__'))]`,
      [true, false],
    ],
  ];
  for (const [code, value] of given) assert.equal(await give(`return ${code}`), value, code);
});

test('nothing that a cell has at hand leads to the globals of the engine', async () => {
  const reached = [
    'input',
    'outputs',
    'state',
    'input.list',
    'input.list[0]',
    'URL',
    'new URL("http://h").searchParams',
    'fetch',
    'process',
    'console.log',
    'new TextEncoder().encode("x")',
    'Buffer.from("x")',
    'structuredClone([new Map()])[0]',
    'await new Response("x").arrayBuffer()',
    'setTimeout(() => {}, 0)',
    'process.getBuiltinModule("node:fs")',
    '(() => { try { new URL("no") } catch (e) { return e } })()',
    'fetch("data:,x")',
    'new AbortController().signal',
  ];
  for (const code of reached) {
    const climb = `let last = ${code}; const all = [last];
      for (let o = last; o !== null; o = Object.getPrototypeOf(o)) { last = o; all.push(o) }
      return [last === Object.prototype, all.every((o) => o.constructor.constructor === Function)]`;
    assert.equal(await give(climb), [true, true], code);
  }
});

test('what a cell changes stays in its realm, and there it stays', async () => {
  const changed = createRealm({});
  const change = `URL.prototype.toString = () => 'changed'; globalThis.fetch = 1; process.argv = null;
    Array.prototype.extra = 1; console.log = null; process.title = 'changed'; return 1`;
  assert.is(await give(change, changed), 1);
  const look = `return [String(new URL('http://h')), typeof fetch, process.argv === null, [].extra ?? null, process.title === 'changed']`;
  assert.equal(await give(look, changed), ['changed', 'number', true, 1, true]);
  assert.equal(await give(look), ['http://h/', 'function', false, null, false]);
  assert.is(String(new URL('http://h')), 'http://h/');
  assert.is.not(process.title, 'changed');
  assert.is('extra' in [], false);
});

test.run();
